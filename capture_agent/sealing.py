"""From a segment of the spool log to chunks: one track's packets each, in order of arrival.

Everything here is a function of the segment and of what the journal says of its takes, so sealing
a segment again after a crash gives the same keys and the same bytes.

All tracks are sealed at the pace of the segments, audio too: a chunk of 10 s of audio is some
50 kB, and three of those cost less than a second spool to hold audio back in would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture_agent.clock import Clock
from capture_agent.spool import Segment
from capture_agent.state import SessionRecording, Take
from isotrack.recording import keys
from isotrack.recording.manifest import Chunk
from isotrack.recording.tracks import Track
from isotrack.rtp.demultiplex import RTCP, RTP, kinds
from isotrack.rtp.dump import MAX_RECORDS, write_dump

MAX_CHUNK_BYTES = 4 << 20

CHUNKS_PER_SEGMENT = 1000
"""Chunk numbers a segment has for each take. Its limits allow 746; `SPARE_CHUNKS` on are spare."""

SPARE_CHUNKS = 900

_RECORD_HEADER = 8


class Draft(NamedTuple):
    """A chunk that can be made: which packets of the segment go into it, in order."""

    recording: SessionRecording
    take: Take
    sequence: int
    segment: Segment
    rows: NDArray[np.int64]
    is_rtcp: NDArray[np.bool_]
    arrival_us: NDArray[np.int64]

    def key(self, sequence: int) -> str:
        """Where the chunk goes, under its own number or another one."""
        recording = self.recording
        session = keys.session_prefix(
            recording.call, recording.egress.egress_id, recording.participant.user_session_id
        )
        return keys.chunk(session, self.take.track.track_id, sequence)

    def body(self) -> bytes:
        """The chunk."""
        offset, length = self.segment.offset[self.rows], self.segment.length[self.rows]
        return bytes(write_dump(self.segment.buffer, offset, length, self.arrival_us, self.is_rtcp))

    def sealed(self, key: str, size_bytes: int, crc32c: int) -> Chunk:
        """How a manifest lists it, once it is in the store."""
        return Chunk(
            key=key,
            size_bytes=size_bytes,
            crc32c=crc32c,
            packets=self.rows.size,
            first_arrival_us=int(self.arrival_us[0]),
            last_arrival_us=int(self.arrival_us[-1]),
        )


class DraftedTake(NamedTuple):
    """All that a segment holds of a take."""

    take: Take
    drafts: list[Draft]
    dropped_datagrams: int
    kernel_drops: int


def draft_chunks(
    segment: Segment,
    number: int,
    takes: Mapping[int, tuple[SessionRecording, Take]],
    clock: Clock,
) -> Iterator[DraftedTake]:
    """The chunks that a segment gives, take by take.

    Args:
        segment: the segment.
        number: its number in the spool.
        takes: recordings and takes by number; what is of others was let go of, and is left out.
        clock: arrival times are of this clock.
    """
    kind = kinds(segment.buffer, segment.offset, segment.length)
    arrival_us = clock.arrivals_us(segment.arrival_ns)
    order = np.lexsort((segment.arrival_ns, segment.take))  # stable: ties as they were read
    found, starts = np.unique(segment.take[order], return_index=True)
    ends = np.append(starts[1:], order.size)
    for take_number, start, end in zip(found.tolist(), starts, ends[: found.size], strict=True):
        if take_number not in takes:
            continue
        rows = order[start:end]
        recording, take = takes[take_number]
        belongs = (kind[rows] == RTCP) | _is_rtp_of(take.track, segment, rows, kind[rows])
        kept = rows[belongs]
        drafts = [
            Draft(recording, take, sequence, segment, part, kind[part] == RTCP, arrival_us[part])
            for sequence, part in enumerate(
                _cut(kept, segment.length[kept]),
                CHUNKS_PER_SEGMENT * (number - take.first_segment),
            )
        ]
        kernel_drops = int(segment.drops[rows].sum(dtype=np.int64))
        yield DraftedTake(take, drafts, int(rows.size - kept.size), kernel_drops)


def _is_rtp_of(
    track: Track, segment: Segment, rows: NDArray[np.int64], kind: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Which of the rows are RTP as it was announced: by SSRC where it is known, else by type.

    Of an SSRC all payload types are kept: they share its sequence numbers, so that what is not
    media (DTMF, comfort noise) would count as lost if it were left out.
    """
    belongs: NDArray[np.bool_] = kind == RTP
    at = segment.offset[rows[belongs]]
    ssrc = segment.buffer[at[:, None] + np.arange(8, 12)].view(">u4")[:, 0].astype(np.uint32)
    announced, payload_types = _announced(track)
    sent = np.isin(segment.buffer[at + 1] & 0x7F, payload_types)
    belongs[belongs] = np.isin(ssrc, np.append(ssrc[sent], np.array(announced, np.uint32)))
    return belongs


def _announced(track: Track) -> tuple[list[int], list[int]]:
    """The SSRCs of a track, and the payload types whose SSRC is not among them."""
    layers = track.layers
    media = [track.ssrc, *(layer.ssrc for layer in layers)]
    rtx = [track.rtx.ssrc if track.rtx else None, *(layer.rtx_ssrc for layer in layers)]
    fec = [track.fec.ssrc if track.fec else None]
    unknown: list[int] = []
    if all(ssrc is None for ssrc in media) or any(layer.ssrc is None for layer in layers):
        unknown.append(track.payload_type)
        unknown += [track.red.payload_type] if track.red else []
    if track.rtx and all(ssrc is None for ssrc in rtx):
        unknown.append(track.rtx.payload_type)
    if track.fec and fec == [None]:
        unknown.append(track.fec.payload_type)
    return [ssrc for ssrc in (*media, *rtx, *fec) if ssrc is not None], unknown


def _cut(rows: NDArray[np.int64], length: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Runs of rows that fit into one chunk each."""
    ends = np.cumsum(length + _RECORD_HEADER)
    first, before = 0, 0
    while first < rows.size:
        last = int(np.searchsorted(ends, before + MAX_CHUNK_BYTES, side="right"))
        last = min(last, first + MAX_RECORDS)
        yield rows[first:last]
        first, before = last, int(ends[last - 1])
