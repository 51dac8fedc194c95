"""Import: captures become chunks and manifests, as the capture agent would have written them.

Chunks first, the manifest of each participant session last. The same captures give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.pipeline.captures import Capture, OpenCapture, open_captures, packets_of
from isotrack.pipeline.gathering import GatheredTrack, commit, session_prefix
from isotrack.pipeline.matching import NO_TRACK, Matcher
from isotrack.pipeline.ports import ObjectStore
from isotrack.pipeline.sealing import TrackSealer
from isotrack.recording import keys
from isotrack.recording.announced import AnnouncedTracks
from isotrack.recording.errors import Conflict, NothingPlayable
from isotrack.rtp.datagrams import Datagrams
from isotrack.rtp.rtcp import Bye, SenderReport, read_compound

_MAX_EARLY = 64
_LAST_US = 1_000_000 << 32  # what an rtpdump file can say


class Imported(NamedTuple):
    """What came of an import."""

    manifests: tuple[str, ...]
    """Keys, one for each participant session."""
    packets: dict[tuple[str, str], int]
    """RTP packets of each track, by user_session_id and track_id."""
    dropped: Counter[str]
    """Packets that are in no chunk, by reason."""


def import_captures(
    captures: Sequence[Capture],
    announced: AnnouncedTracks,
    *,
    store: ObjectStore,
    checksum: Callable[[bytes], int],
) -> Imported:
    """Write the chunks and manifests of the tracks that are announced in captures.

    Args:
        captures: the files.
        announced: what is in them, each track named.
        store: takes chunks and manifests under the keys of `recording.keys`.
        checksum: CRC-32C of bytes.

    Raises:
        CorruptInput: a file is no capture.
        NothingPlayable: no packet of any announced track is in them.
        Conflict: the store has a manifest of these participant sessions already.
    """
    tracks = [
        GatheredTrack(
            track,
            TrackSealer(
                session_prefix(announced, track),
                track.track_id or "",
                track.track_type.kind,
                store,
                checksum,
            ),
        )
        for track in announced.tracks
    ]
    for prefix in dict.fromkeys(session_prefix(announced, track) for track in announced.tracks):
        _refuse_if_there(prefix, store)
    dropped: Counter[str] = Counter()
    for opened in open_captures(captures, _clock_rates(announced)):
        dropped += _FileImport(opened, tracks).run()
    for track in tracks:
        track.sealer.seal()
    if not any(track.packets for track in tracks):
        raise NothingPlayable("no packet of any announced track is in the captures")
    packets = {(t.announced.user_session_id, t.announced.track_id or ""): t.packets for t in tracks}
    return Imported(tuple(commit(announced, tracks, store)), packets, dropped)


class _FileImport:
    """One file on its way into chunks."""

    def __init__(self, opened: OpenCapture, tracks: Sequence[GatheredTrack]) -> None:
        self._opened = opened
        self._tracks = tracks
        self._matcher = Matcher(
            [track.announced for track in tracks], opened.capture.name, opened.reader.flows
        )
        self._early: dict[int, tuple[bytes, int]] = {}
        self._dropped: Counter[str] = Counter()

    def run(self) -> Counter[str]:
        """Read it all; gives what was dropped, by reason."""
        for batch in self._opened.batches:
            self._sort(batch)
        self._dropped["rtcp"] += len(self._early)
        return self._dropped + self._matcher.unmatched + self._opened.reader.skipped

    def _sort(self, batch: Datagrams) -> None:
        packets, rows, malformed = packets_of(batch)
        self._dropped["malformed"] += malformed
        owner = np.full(batch.count, NO_TRACK, np.int64)
        owner[rows] = self._matcher.match(packets, batch.flow[rows])
        outside = (batch.arrival_us < 0) | (batch.arrival_us >= _LAST_US)
        owner[outside] = NO_TRACK
        self._dropped["clock"] += int(outside.sum())
        reports = self._reports(batch, ~outside)
        mine = owner[rows]
        for index in np.unique(np.append(mine, list(reports))).astype(int).tolist():
            if index == NO_TRACK:
                continue
            if (mine == index).any():
                self._tracks[index].note(packets.take(mine == index))
            self._push(index, batch, np.flatnonzero(owner == index), reports.get(index, []))

    def _push(
        self,
        index: int,
        batch: Datagrams,
        rows: NDArray[np.int64],
        reports: list[int],
    ) -> None:
        track = self._tracks[index]
        for ssrc in [s for s in self._early if self._owner(s) == index]:
            packet, arrival_us = self._early.pop(ssrc)
            one = np.array([len(packet)], np.int64)
            body, at = np.frombuffer(packet, np.uint8), np.array([arrival_us], np.int64)
            track.sealer.push(body, one * 0, one, at, np.ones(1, np.bool_))
        chosen = np.sort(np.append(rows, np.array(reports, np.int64)))
        track.sealer.push(
            batch.buffer,
            batch.offset[chosen],
            batch.length[chosen],
            batch.arrival_us[chosen],
            batch.is_rtcp[chosen],
        )

    def _owner(self, ssrc: int) -> int:
        return self._matcher.track_of_ssrc(ssrc)

    def _reports(self, batch: Datagrams, usable: NDArray[np.bool_]) -> dict[int, list[int]]:
        """The RTCP packets that speak of the SSRCs of each track, by row."""
        found: dict[int, list[int]] = {}
        whole = memoryview(batch.buffer)  # type: ignore[arg-type]  # arrays are buffers
        for row in np.flatnonzero(batch.is_rtcp & usable).tolist():
            at = int(batch.offset[row])
            packet = whole[at : at + int(batch.length[row])]
            ssrcs = _spoken_of(packet)
            owners = {self._owner(ssrc) for ssrc in ssrcs} - {NO_TRACK}
            for owner in owners:
                found.setdefault(owner, []).append(row)
            if not owners:
                self._hold(ssrcs, packet, int(batch.arrival_us[row]))
        return found

    def _hold(self, ssrcs: set[int], packet: memoryview, arrival_us: int) -> None:
        """Keep the first report of an SSRC of which no packet came yet (edge case 189)."""
        ssrc = min(ssrcs, default=None)
        if ssrc is None or ssrc in self._early or len(self._early) == _MAX_EARLY:
            self._dropped["rtcp"] += 1
        else:
            self._early[ssrc] = (bytes(packet), arrival_us)


def _spoken_of(packet: memoryview) -> set[int]:
    """The SSRCs whose sender report or goodbye is in a compound packet."""
    ssrcs: set[int] = set()
    for part in read_compound(packet):
        if isinstance(part, SenderReport):
            ssrcs.add(part.ssrc)
        elif isinstance(part, Bye):
            ssrcs.update(part.ssrcs)
    return ssrcs


def _clock_rates(announced: AnnouncedTracks) -> dict[int, int]:
    return {t.payload_type: t.clock_rate for t in announced.tracks if t.payload_type is not None}


def _refuse_if_there(prefix: str, store: ObjectStore) -> None:
    manifest = keys.manifest(prefix)
    if manifest in store.keys(manifest):
        raise Conflict(f"{manifest} is there already: import into another folder")
