"""The end of a participant session's recording: its manifest, once everything it lists is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from capture_agent.clock import Clock
from capture_agent.entries import SessionSealed
from capture_agent.journal import Journal
from capture_agent.manifests import manifest_key, manifest_of
from capture_agent.sealer import Sealer
from capture_agent.state import SessionRecording
from capture_agent.uploads import Uploads
from isotrack.recording.manifest import SealReason

_log = logging.getLogger(__name__)


class Commits:
    """Manifests that are to be written, each once."""

    def __init__(
        self, agent_id: str, journal: Journal, clock: Clock, sealer: Sealer, uploads: Uploads
    ) -> None:
        self._agent_id = agent_id
        self._journal = journal
        self._clock = clock
        self._sealer = sealer
        self._uploads = uploads
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def commit(self, recordings: Iterable[SessionRecording], last_segment: int) -> None:
        """Seal participant sessions of which nothing is in any segment after this one."""
        tasks = []
        for recording in recordings:
            if recording.reason is not None and recording.sealed_at is None:
                key = manifest_key(recording)
                if key not in self._tasks:
                    seal = self._seal(recording, key, recording.reason, last_segment)
                    self._tasks[key] = asyncio.create_task(seal)
                tasks.append(self._tasks[key])
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(_wait_for(task))

    async def _seal(
        self, recording: SessionRecording, key: str, reason: SealReason, last_segment: int
    ) -> None:
        for take in recording.takes.values():  # there even if no packet ever came
            await self._sealer.announce(recording, take)
        await self._sealer.sealed(last_segment)
        manifest = manifest_of(recording, reason, self._agent_id, self._clock.now())
        body = manifest.model_dump_json().encode()
        if await self._uploads.create(key, body, "application/json"):
            _log.info("%s: sealed, %s", key, reason.value)
        else:
            _log.warning("%s: somebody else has sealed it; theirs stands", key)
        for take in recording.takes.values():
            self._sealer.forget(take)
        self._journal.write(
            SessionSealed(
                call=recording.call,
                call_session_id=recording.call_session_id,
                egress_id=recording.egress.egress_id,
                user_session_id=recording.participant.user_session_id,
                at=manifest.sealed_at,
            )
        )
        del self._tasks[key]


async def _wait_for(task: asyncio.Task[None]) -> None:
    await task
