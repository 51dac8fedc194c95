"""The spool log: numbered segments of what the capture process received, as it received it.

A segment is a file of batches, each appended with one write; numbers are little endian:

    batch:  "ISL1" | records u32 | bytes of all datagrams u64 | its headers | its datagrams
    header: arrival u64, ns, kernel clock | take u32 | kernel drops u32 | length u16 | zero u16

The headers of a batch stand before its datagrams, so that a segment is read at once rather than
record by record, and a batch torn by a crash still gives the datagrams that were complete.
A length of zero stands for a datagram that was longer than `MAX_DATAGRAM`.

Only the highest segment is ever written to. Which take of which track a datagram belongs to was
decided when it arrived, so a segment can be sealed at any later time, by another process.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_DATAGRAM = 2048
"""Bytes of the longest datagram that is kept; RTP is sent to fit an Ethernet frame of 1500."""

MAX_SEGMENT_BYTES = 1 << 30
MAX_SEGMENT_RECORDS = 4_000_000
"""A segment is closed at either, however early: `sealing` numbers chunks by them."""

BATCH = np.dtype([("magic", "S4"), ("records", "<u4"), ("payload_bytes", "<u8")])
HEADER = np.dtype(
    [("arrival_ns", "<u8"), ("take", "<u4"), ("drops", "<u4"), ("length", "<u2"), ("zero", "<u2")]
)
MAGIC = b"ISL1"

_NAME = re.compile(r"^(\d{10})\.log$")


class Segment(NamedTuple):
    """The records of a segment in the order they were read from their sockets."""

    buffer: NDArray[np.uint8]
    """The file, mapped."""
    arrival_ns: NDArray[np.uint64]
    take: NDArray[np.uint32]
    drops: NDArray[np.uint32]
    """Datagrams the kernel dropped on the same socket since the record before this one."""
    offset: NDArray[np.int64]
    """Where the datagram begins in the buffer."""
    length: NDArray[np.int64]
    torn_bytes: int
    """Bytes at the end that belong to no complete record."""


def path(folder: Path, number: int) -> Path:
    """Where a segment is."""
    return folder / f"{number:010d}.log"


def numbers(folder: Path) -> list[int]:
    """The segments in a spool folder, oldest first."""
    found = (_NAME.match(entry.name) for entry in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


def read_segment(file: Path) -> Segment:
    """All complete records of a segment that is no longer written to."""
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        # A mapping costs no memory of ours however large the segment, and outlives the file's name.
        data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    buffer = np.frombuffer(data, np.uint8)
    parts = list(_batches(buffer))
    headers = np.concatenate([part[0] for part in parts] or [np.empty(0, HEADER)])
    offset = np.concatenate([part[1] for part in parts] or [np.empty(0, np.int64)])
    length = headers["length"].astype(np.int64)
    end = parts[-1][2] if parts else 0
    return Segment(
        buffer,
        headers["arrival_ns"],
        headers["take"],
        headers["drops"],
        offset,
        length,
        torn_bytes=size - end,
    )


def _batches(
    buffer: NDArray[np.uint8],
) -> Iterator[tuple[NDArray[np.void], NDArray[np.int64], int]]:
    """Headers and offsets of each batch's complete records, and where the last of them ends."""
    at = 0
    while at + BATCH.itemsize <= buffer.size:
        batch = np.frombuffer(buffer, BATCH, 1, at)[0]
        if batch["magic"] != MAGIC:
            return
        first = at + BATCH.itemsize
        room = (buffer.size - first) // HEADER.itemsize
        headers = np.frombuffer(buffer, HEADER, min(int(batch["records"]), room), first)
        payload = first + int(batch["records"]) * HEADER.itemsize
        ends = payload + np.cumsum(headers["length"], dtype=np.int64)
        complete = int(np.searchsorted(ends, buffer.size, side="right"))
        headers, ends = headers[:complete], ends[:complete]
        if complete:
            yield headers, ends - headers["length"], int(ends[-1])
        at = payload + int(batch["payload_bytes"])
