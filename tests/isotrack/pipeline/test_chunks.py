from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.chunks import LARGE_CHUNK, ROOM, ChunkReader
from isotrack.recording.errors import Transient
from isotrack.recording.manifest import CapturedTrack
from isotrack.recording.tracks import TrackType
from isotrack.rtp.dump import MAX_RECORDS
from tests.sessions import START_US, Session, opus_call


def captured() -> tuple[Session, CapturedTrack]:
    """Ten chunks so large that each is worked on alone."""
    session = Session()
    track = session.capture(TrackType.AUDIO, opus_call(60, size=2000), chunk_us=6_000_000)
    return session, track


def captured_small() -> tuple[Session, CapturedTrack]:
    """Thirty chunks of a second of sound each: all of them together are less than a batch."""
    session = Session()
    return session, session.capture(TrackType.AUDIO, opus_call(30), chunk_us=1_000_000)


def problems(reader: ChunkReader) -> list[str]:
    return [missing.problem for missing in reader.missing.values()]


def test_chunks_come_in_the_order_of_the_manifest() -> None:
    session, track = captured()
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    read = list(reader.read(track.chunks))

    assert [number for number, _ in read] == list(range(len(track.chunks)))
    arrivals = [int(records.arrival_us[0]) for _, records in read]
    assert arrivals == [chunk.first_arrival_us for chunk in track.chunks]
    assert reader.missing == {}


def test_a_missing_chunk_is_noted_and_passed_over() -> None:
    session, track = captured()
    del session.store.objects[track.chunks[3].key]
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    numbers = [number for number, _ in reader.read(track.chunks)]

    assert numbers == [n for n in range(len(track.chunks)) if n != 3]
    (missing,) = reader.missing.values()
    assert missing.key == track.chunks[3].key
    assert missing.problem == "missing"


def test_a_chunk_with_other_bytes_than_were_sealed_is_noted_and_read() -> None:
    session, track = captured()
    key = track.chunks[2].key
    body = bytearray(session.store.objects[key])
    body[200] ^= 1
    session.store.put(key, bytes(body))
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    assert len(list(reader.read(track.chunks))) == len(track.chunks)
    assert problems(reader) == ["corrupt"]


def test_a_torn_chunk_gives_what_is_left_of_it() -> None:
    session, track = captured()
    key = track.chunks[2].key
    session.store.put(key, session.store.objects[key][:20_000])
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    read = list(reader.read(track.chunks))

    assert 0 < len(read[2].records.offset) < track.chunks[2].packets
    (torn,) = reader.missing.values()
    assert torn.problem == "torn"
    assert torn.detail == f"20000 bytes are left of {track.chunks[2].size_bytes}"


@pytest.mark.parametrize("body", [b"", b"<?xml version='1.0'?>", b"#!rtpplay1.0 1.1.1.1/1\n123"])
def test_what_is_no_chunk_at_all_is_noted_and_passed_over(body: bytes) -> None:
    session, track = captured()
    session.store.put(track.chunks[0].key, body)
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    assert len(list(reader.read(track.chunks))) == len(track.chunks) - 1
    assert len(reader.missing) == 1


def test_a_chunk_found_missing_in_both_readings_is_noted_once() -> None:
    session, track = captured()
    del session.store.objects[track.chunks[3].key]
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    list(reader.outlines(track.chunks))
    for _ in range(2):
        list(reader.read(track.chunks))

    assert problems(reader) == ["missing"]


def test_a_chunk_longer_than_was_sealed_is_read_as_far_as_that() -> None:
    session, track = captured()
    key = track.chunks[2].key
    session.store.put(key, session.store.objects[key] + bytes(1000))
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    read = list(reader.read(track.chunks))

    assert read[2].records.length.size == track.chunks[2].packets
    assert problems(reader) == []


def test_small_chunks_are_worked_on_together() -> None:
    session, track = captured_small()

    (read,) = ChunkReader(session.store, crc32c_of).read(track.chunks)

    assert read.number == len(track.chunks) - 1
    bodies = b"".join(session.store.objects[chunk.key] for chunk in track.chunks)
    assert read.records.buffer[ROOM:].tobytes() == bodies
    assert read.records.arrival_us.tolist() == [START_US + 20_000 * i + 12_000 for i in range(1500)]
    assert read.records.intact


@pytest.mark.parametrize(
    ("body", "left", "problem"),
    [
        (None, 1450, "missing"),
        (b"no chunk", 1450, "torn"),
        ("torn", 1460, "torn"),
        ("corrupt", 1500, "corrupt"),
        ("longer", 1500, None),
    ],
)
def test_a_bad_chunk_among_small_ones_takes_none_of_the_others_with_it(
    body: bytes | str | None, left: int, problem: str | None
) -> None:
    session, track = captured_small()
    key = track.chunks[7].key
    whole = session.store.objects.pop(key)
    match body:
        case bytes():
            session.store.put(key, body)
        case "torn":
            session.store.put(key, whole[: len(whole) // 4 + 20])
        case "corrupt":
            session.store.put(key, whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
        case "longer":
            session.store.put(key, whole + whole)
    reader = ChunkReader(session.store, crc32c_of)

    (read,) = reader.read(track.chunks)

    arrival_us = read.records.arrival_us
    if body == "torn":
        assert 1450 < len(arrival_us) < 1500
    else:
        assert len(arrival_us) == left
    assert (arrival_us[:350] == START_US + 20_000 * np.arange(350) + 12_000).all()
    assert (arrival_us[-1100:] == START_US + 20_000 * np.arange(400, 1500) + 12_000).all()
    starts = read.records.offset[-1100:] + 13  # behind the RTP header and Opus' first byte
    numbers = [int.from_bytes(read.records.buffer[at : at + 4].tobytes()) for at in starts]
    assert numbers == list(range(400, 1500))
    assert problems(reader) == ([] if problem is None else [problem])


def test_there_is_room_in_front_of_every_chunk() -> None:
    session, track = captured()

    for _, records in ChunkReader(session.store, crc32c_of, batch=1).read(track.chunks):
        assert records.offset[0] > ROOM
        assert records.buffer.flags.writeable


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    "lie", [{"size_bytes": 1 << 30}, {"size_bytes": 1 << 60, "packets": 10**6}]
)
def test_a_manifest_that_lies_about_a_size_takes_no_memory_for_it(
    lie: dict[str, int], there: bool
) -> None:
    session, track = captured()
    lied = replace(track.chunks[0], **lie)
    if not there:
        del session.store.objects[lied.key]
    reader = ChunkReader(session.store, crc32c_of, batch=1)

    tracemalloc.start()
    outlined, read = list(reader.outlines([lied])), list(reader.read([lied]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 32 << 20
    assert [found.packets.count for found in outlined] == [track.chunks[0].packets] * there
    assert [found.records.length.size for found in read] == [track.chunks[0].packets] * there
    assert problems(reader) == ["torn" if there else "missing"]


def test_a_large_chunk_is_read_as_far_as_the_manifest_says() -> None:
    session, track = captured()
    body = session.store.objects[track.chunks[0].key]
    session.store.put(track.chunks[0].key, body + bytes(LARGE_CHUNK))
    large = replace(track.chunks[0], size_bytes=LARGE_CHUNK + 1)

    (found,) = ChunkReader(session.store, crc32c_of, batch=1).read([large])

    assert found.records.length.size == track.chunks[0].packets
    assert found.records.buffer.size == ROOM + LARGE_CHUNK + 1


@dataclass
class Counting(MemoryStore):
    """Counts what was asked for; busy at one key."""

    busy: str = ""
    read_ahead: int = 0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def read_into(self, key: str, buffer: memoryview) -> int:
        self._ask(key)
        return super().read_into(key, buffer)

    def tail_into(self, key: str, buffer: memoryview) -> int:
        self._ask(key)
        return super().tail_into(key, buffer)

    def _ask(self, key: str) -> None:
        self.asked.append(key)
        if key == self.busy:
            raise Transient("503 Slow Down")


@pytest.mark.parametrize("read_ahead", [0, 1, 4])
def test_only_as_many_chunks_are_read_ahead_as_the_store_is_fit_for(read_ahead: int) -> None:
    session, track = captured()
    store = Counting(read_ahead=read_ahead)
    store.objects = session.store.objects
    reader = ChunkReader(store, crc32c_of, batch=1)
    for read in (reader.read, reader.outlines):
        store.asked.clear()
        reading = read(track.chunks)

        for taken in range(1, 4):
            next(reading)
            assert len(store.asked) <= taken + read_ahead

        reading.close()  # type: ignore[attr-defined]
        assert len(store.asked) < len(track.chunks)


@pytest.mark.parametrize("read_ahead", [0, 4])
def test_chunks_read_ahead_come_in_order_and_each_with_its_own_bytes(read_ahead: int) -> None:
    session, track = captured()
    store = Counting(read_ahead=read_ahead)
    store.objects = session.store.objects

    for number, records in ChunkReader(store, crc32c_of, batch=1).read(track.chunks):
        sealed = session.store.objects[track.chunks[number].key]
        assert records.buffer[ROOM:].tobytes() == sealed
        records.buffer[:] = 0  # as depacketizers do, which work in it
    assert sorted(store.asked) == [chunk.key for chunk in track.chunks]


@pytest.mark.parametrize("read_ahead", [0, 4])
def test_a_busy_store_is_no_missing_chunk(read_ahead: int) -> None:
    session, track = captured()
    store = Counting(busy=track.chunks[5].key, read_ahead=read_ahead)
    store.objects = session.store.objects
    reader = ChunkReader(store, crc32c_of, batch=1)

    for read in (reader.read, reader.outlines):
        with pytest.raises(Transient, match="503"):
            list(read(track.chunks))

    assert reader.missing == {}


def test_no_chunks_give_no_records() -> None:
    reader = ChunkReader(MemoryStore(), crc32c_of, batch=1)

    assert list(reader.read(())) == list(reader.outlines(())) == []


def test_no_more_packets_are_worked_on_together_than_sequence_numbers_tell_apart() -> None:
    session = Session()
    track = session.capture(TrackType.AUDIO, opus_call(400), chunk_us=10_000_000)

    read = list(ChunkReader(session.store, crc32c_of).read(track.chunks))

    counts = [each.records.length.size for each in read]
    assert sum(counts) == sum(chunk.packets for chunk in track.chunks) > 2 * MAX_RECORDS
    assert max(counts) <= MAX_RECORDS
    assert len(read) == 3
