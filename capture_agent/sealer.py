"""The loop that empties the spool: each closed segment becomes chunks, then goes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import numpy as np

from capture_agent import spool
from capture_agent.clock import Clock
from capture_agent.entries import SealedTake, SegmentSealed
from capture_agent.journal import Journal
from capture_agent.sealing import SPARE_CHUNKS, Draft, DraftedTake, draft_chunks
from capture_agent.spool import Segment
from capture_agent.state import SessionRecording, State, Take
from capture_agent.uploads import Uploads
from isotrack.recording import keys
from isotrack.recording.manifest import Chunk

_UNDECIDED_SECONDS = 0.05
"""How often to look whether it is known what of a segment is recorded: mostly it is at once."""

_log = logging.getLogger(__name__)


class Sealer:
    """Seals segments one after the other, the chunks of each at once."""

    def __init__(self, folder: Path, journal: Journal, uploads: Uploads, clock: Clock) -> None:
        self._folder = folder
        self._journal = journal
        self._uploads = uploads
        self._clock = clock
        self._closed = 0
        self._through = 0
        self._changed = asyncio.Condition()
        self._announced: dict[int, asyncio.Task[None]] = {}

    async def closed(self, number: int) -> None:
        """Segments up to this one are written to no more."""
        async with self._changed:
            self._closed = max(self._closed, number)
            self._changed.notify_all()

    async def sealed(self, number: int) -> None:
        """Wait until all chunks of the segments up to this one are in the store."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._through >= number)

    async def run(self) -> None:
        """Seal segments as they are closed, for ever."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._closed > self._through)
                closed = self._closed
            for number in spool.numbers(self._folder):
                if number <= closed:
                    await self._seal(number)
            async with self._changed:
                self._through = closed
                self._changed.notify_all()

    def announce(self, recording: SessionRecording, take: Take) -> asyncio.Task[None]:
        """Put a track's announcement into the store, once; its chunks wait for it."""
        if take.number not in self._announced:
            session = keys.session_prefix(
                recording.call, recording.egress.egress_id, recording.participant.user_session_id
            )
            put = self._uploads.put(
                keys.track_json(session, take.track.track_id),
                take.track.model_dump_json().encode(),
                "application/json",
            )
            self._announced[take.number] = asyncio.create_task(put)
        return self._announced[take.number]

    def forget(self, take: Take) -> None:
        """A take is complete and in the store."""
        self._announced.pop(take.number, None)

    async def _seal(self, number: int) -> None:
        path = spool.path(self._folder, number)
        state = self._journal.state
        if number > state.sealed_through:
            segment = await asyncio.to_thread(spool.read_segment, path)
            if segment.torn_bytes:
                _log.warning("%s: cut off %d bytes, torn in a crash", path, segment.torn_bytes)
            while any(held.first_segment <= number for held in state.held):
                await asyncio.sleep(_UNDECIDED_SECONDS)
            if foreign := _foreign(segment, number, state):
                # A journal that was deleted: what the segment holds is kept for a person to see.
                orphan = path.replace(path.with_suffix(".orphan"))
                _log.error("%s: holds takes %s that no journal knows", orphan, foreign)
                return
            takes = state.takes()
            drafted = await asyncio.to_thread(
                lambda: list(draft_chunks(segment, number, takes, self._clock))
            )
            async with asyncio.TaskGroup() as group:
                uploads = [group.create_task(self._upload(take)) for take in drafted]
            sealed = tuple(upload.result() for upload in uploads)
            self._journal.write(SegmentSealed(segment=number, takes=sealed))
        path.unlink()

    async def _upload(self, drafted: DraftedTake) -> SealedTake:
        if drafted.drafts:
            await self.announce(drafted.drafts[0].recording, drafted.take)
        async with asyncio.TaskGroup() as group:
            uploads = [group.create_task(self._keep(draft)) for draft in drafted.drafts]
        chunks = tuple(upload.result() for upload in uploads)
        return SealedTake(
            drafted.take.number, chunks, drafted.dropped_datagrams, drafted.kernel_drops
        )

    async def _keep(self, draft: Draft) -> Chunk:
        stored = await self._uploads.keep(
            lambda attempt: draft.key(draft.sequence + attempt), SPARE_CHUNKS, draft.body
        )
        return draft.sealed(*stored)


def _foreign(segment: Segment, number: int, state: State) -> list[int]:
    """Takes in a segment that this journal never had; those it let go of are none of them."""
    takes: list[int] = np.unique(segment.take).tolist()
    if number < state.first_segment:
        return takes
    return [take for take in takes if take >= state.next_take]
