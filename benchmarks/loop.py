"""A short run of RTP packets that can be repeated without a seam.

Sequence numbers, timestamps, picture ids and arrivals of repeat k go on where those of repeat k - 1
end, and wrap as on the wire; all else is the same bytes again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.codecs import FPS, Codec, Frame
from benchmarks.payloads import payloads_of
from benchmarks.repeats import Counter
from isotrack.rtp.header import write_header
from isotrack.rtp.rtcp import SenderReport, ntp_from_unix_us, sender_report

START_US = 1_760_000_000_000_000
FIRST_SEQUENCE_NUMBER = 65_000
FIRST_TIMESTAMP = 0xFFF00000
"""Both counters wrap within the first 25 seconds."""

_HEADER = 24  # 12 bytes and 12 of header extensions
_SPACING_US = 100
_REPORT_EVERY_US = 5_000_000


@dataclass(frozen=True)
class Loop:
    """The datagrams of one loop of a track, in the order of their arrival."""

    codec: Codec
    data: list[bytes]
    arrival_us: NDArray[np.int64]
    """From the start of the loop."""
    is_rtcp: NDArray[np.bool_]

    def counters(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> list[Counter]:
        """What counts in the datagrams of these rows, which begin at `at` in some buffer."""
        codec, rtcp = self.codec, self.is_rtcp[rows]
        sent = [self.data[row] for row in rows[~rtcp].tolist()]
        said = [self.data[row] for row in rows[rtcp].tolist()]
        ticks = codec.loop_s * codec.clock_rate
        packets = int((~self.is_rtcp).sum())
        found = [
            Counter(at[~rtcp] + 2, _fields(sent, 2, 2), packets, ">u2", 1 << 16),
            Counter(at[~rtcp] + 4, _fields(sent, 4, 4), ticks, ">u4", 1 << 32),
            Counter(at[rtcp] + 8, _fields(said, 8, 4), codec.loop_s, ">u4", 1 << 32),
            Counter(at[rtcp] + 16, _fields(said, 16, 4), ticks, ">u4", 1 << 32),
        ]
        if codec.picture_id_at is not None:
            place = _HEADER + codec.picture_id_at
            first = _fields(sent, place, 2) & 0x7FFF
            pictures = codec.loop_s * FPS
            found.append(Counter(at[~rtcp] + place, first, pictures, ">u2", 1 << 15, 1 << 15))
        return found


def _fields(bodies: Iterable[bytes], at: int, size: int) -> NDArray[np.int64]:
    return np.array([int.from_bytes(body[at : at + size]) for body in bodies], np.int64)


def make_loop(codec: Codec, frames: list[Frame]) -> Loop:
    """Packetize one loop of frames, a sender report every five seconds among them."""
    data: list[bytes] = []
    arrival_us: list[int] = []
    is_rtcp: list[bool] = []
    sequence, report_due_us = FIRST_SEQUENCE_NUMBER, 1_000_000
    for number, frame in enumerate(frames):
        taken_us = number * 1_000_000 * codec.ticks // codec.clock_rate
        timestamp = (FIRST_TIMESTAMP + number * codec.ticks) % 2**32
        payloads = payloads_of(codec.name, frame, number)
        at_us = taken_us + (2_000 if codec.kind == "video" else 12_000)
        for i, payload in enumerate(payloads):
            marker = codec.kind == "video" and i == len(payloads) - 1
            data.append(_header(codec, sequence, timestamp, at_us, marker) + payload)
            arrival_us.append(at_us + i * _SPACING_US)
            sequence += 1
        is_rtcp += [False] * len(payloads)
        if taken_us >= report_due_us:
            report_due_us += _REPORT_EVERY_US
            data.append(_report(codec, taken_us, timestamp))
            arrival_us.append(arrival_us[-1] + 1)
            is_rtcp.append(True)
    return Loop(codec, data, np.array(arrival_us, np.int64), np.array(is_rtcp, np.bool_))


def _header(codec: Codec, sequence: int, timestamp: int, at_us: int, marker: bool) -> bytes:
    """An RTP header with abs-send-time and transport sequence number or audio level."""
    send_time = (at_us % 64_000_000 * (1 << 18) // 1_000_000).to_bytes(3)
    other = (sequence & 0xFFFF).to_bytes(2) if codec.kind == "video" else b"\x8f"
    return write_header(
        codec.payload_type,
        sequence & 0xFFFF,
        timestamp,
        codec.ssrc,
        marker,
        {2: send_time, 3: other},
    )


def _report(codec: Codec, taken_us: int, timestamp: int) -> bytes:
    ntp = ntp_from_unix_us(START_US + taken_us)
    return sender_report(SenderReport(codec.ssrc, ntp, timestamp, 1, 1), "alice")
