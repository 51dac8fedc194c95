"""RTP packets for tests, laid out as they lie in a chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isotrack.rtp.dump import Records, read_dump, write_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets

START_US = 1_760_000_000_000_000


def write_records(
    datagrams: Sequence[bytes], *, arrival_us: Sequence[int] | None = None
) -> bytearray:
    """A chunk of these RTP packets, a millisecond apart unless told otherwise."""
    length = np.array([len(datagram) for datagram in datagrams], np.int64)
    if arrival_us is None:
        arrival_us = range(START_US, START_US + 1000 * len(datagrams), 1000)
    return write_dump(
        b"".join(datagrams),
        np.cumsum(length) - length,
        length,
        np.array(arrival_us, np.int64),
        np.zeros(len(datagrams), np.bool_),
    )


def records_of(datagrams: Sequence[bytes]) -> Records:
    """The records of a chunk of these RTP packets."""
    return read_dump(write_records(datagrams))


def packets_of(datagrams: Sequence[bytes]) -> Packets:
    """These RTP packets as columns; all of them must be sound."""
    packets, malformed = read_packets(records_of(datagrams))
    assert malformed == 0
    return packets


def packetized(
    frames: Sequence[Sequence[bytes]], *, first_sequence: int = 65530, ticks: int = 3000
) -> list[bytes]:
    """The RTP packets of frames given as payloads: the marker on each frame's last."""
    datagrams: list[bytes] = []
    for index, payloads in enumerate(frames):
        for position, payload in enumerate(payloads):
            sequence = first_sequence + len(datagrams) & 0xFFFF
            timestamp = 0xFFFFFF00 + index * ticks & 0xFFFFFFFF
            marker = position == len(payloads) - 1
            datagrams.append(write_header(96, sequence, timestamp, 1234, marker) + payload)
    return datagrams
