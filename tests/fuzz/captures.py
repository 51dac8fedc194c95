"""Fuzz targets: files of captured packets, those of other tools and our own chunks."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from isotrack.rtp.captures import HEAD_BYTES, open_capture
from isotrack.rtp.datagrams import CaptureError, Datagrams
from isotrack.rtp.dump import MAX_RECORDS, DumpError, read_dump, write_dump
from isotrack.rtp.packet import read_packets
from isotrack.rtp.records import Records
from isotrack.rtp.trailer import read_trailer
from tests.fuzz.choices import Choices
from tests.fuzz.soundness import sound_datagrams, sound_packets, sound_records
from tests.sessions import START_US

_CLOCK_RATES = {0: 8000, 96: 90_000, 111: 48_000}
_HOUR_US = 3_600_000_000


def capture(data: bytes) -> None:
    """A file of any format is read the same in one piece and in many, or refused with a reason."""
    choices = Choices(data)
    piece = 1 + choices.number(1)
    body = choices.rest()
    whole, pieces = _read(body, max(len(body), 1)), _read(body, piece)
    assert whole == pieces


def _read(body: bytes, piece: int) -> tuple[list[tuple[int, str, bytes]], dict[str, int]] | str:
    """All datagrams and what was skipped; or why there are none."""
    try:
        reader = open_capture(body[:HEAD_BYTES], START_US, _CLOCK_RATES)
        if reader.form == "packets":
            piece = len(body)
        batches = [reader.feed(body[at : at + piece]) for at in range(0, len(body), piece)]
        batches.append(reader.finish())
    except CaptureError as error:
        return type(error).__name__
    rows: list[tuple[int, str, bytes]] = []
    for batch in batches:
        sound_datagrams(batch, len(reader.flows))
        rows += _rows(batch, [str(flow) for flow in reader.flows])
    # IP fragments and TCP put bytes together; nothing makes them more.
    assert sum(len(row[2]) for row in rows) <= len(body)
    assert min(reader.skipped.values(), default=0) >= 0
    return rows, {name: count for name, count in reader.skipped.items() if count}


def _rows(batch: Datagrams, flows: list[str]) -> list[tuple[int, str, bytes]]:
    return [
        (arrival_us, flows[flow], batch.buffer[offset : offset + length].tobytes())
        for offset, length, arrival_us, flow in zip(
            batch.offset.tolist(),
            batch.length.tolist(),
            batch.arrival_us.tolist(),
            batch.flow.tolist(),
            strict=True,
        )
    ]


def dump(data: bytes) -> None:
    """An rtpdump is read as far as it makes sense; what was read is written and read again."""
    try:
        records = read_dump(data)
    except DumpError:
        return
    check_records(records)


def sealed(data: bytes) -> None:
    """A chunk whose trailer lies, its size and its CRC made right, is read within its bytes."""
    choices = Choices(data)
    fixes_size = choices.number(1) < 192
    body = bytearray(choices.rest())
    fix_trailer(body, fixes_size=fixes_size)
    read_trailer(np.frombuffer(bytes(body), np.uint8))
    dump(bytes(body))


def fix_trailer(chunk: bytearray, *, fixes_size: bool = True) -> None:
    """Make the CRC of what looks like a trailer right, and its size."""
    begin = chunk.rfind(b"ISOT") - 8
    if begin < 8 or len(chunk) - begin < 36:
        return
    if fixes_size:
        struct.pack_into(">I", chunk, len(chunk) - 4, len(chunk) - begin + 8)
    struct.pack_into(">I", chunk, len(chunk) - 8, zlib.crc32(chunk[begin:-8]))


def check_records(records: Records) -> None:
    sound_records(records)
    packets, malformed = read_packets(records)
    sound_packets(packets)
    assert 0 <= malformed <= records.offset.size - packets.count
    span_us = np.ptp(records.arrival_us) if records.arrival_us.size else 0
    earliest_us = int(records.arrival_us.min(initial=0))
    if records.offset.size > MAX_RECORDS or span_us > _HOUR_US or earliest_us < 0:
        return
    if not (records.length > 0).all() or int(records.arrival_us.max(initial=0)) >= 1_000_000 << 32:
        return
    chunk = write_dump(
        records.buffer, records.offset, records.length, records.arrival_us, records.is_rtcp
    )
    again = read_dump(chunk)
    sound_records(again)
    assert again.intact
    for column in ("length", "arrival_us", "is_rtcp"):
        assert (getattr(again, column) == getattr(records, column)).all()
