from __future__ import annotations

from dataclasses import dataclass, field

import google_crc32c
import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.chunks import READ_AHEAD, ChunkReader
from isotrack.recording.errors import Transient
from isotrack.recording.manifest import CapturedTrack
from isotrack.recording.tracks import TrackType
from tests.sessions import Session, opus_call


def captured(seconds: float = 30) -> tuple[Session, CapturedTrack]:
    session = Session()
    return session, session.capture(TrackType.AUDIO, opus_call(seconds), chunk_us=1_000_000)


def problems(reader: ChunkReader) -> list[str]:
    return [missing.problem for missing in reader.missing.values()]


def test_chunks_come_in_the_order_of_the_manifest() -> None:
    session, track = captured()
    reader = ChunkReader(session.store, google_crc32c.value)

    arrivals = [int(records.arrival_us[0]) for records in reader.read(track.chunks)]

    assert arrivals == [chunk.first_arrival_us for chunk in track.chunks]
    assert reader.missing == {}


def test_a_missing_chunk_is_noted_and_passed_over() -> None:
    session, track = captured()
    del session.store.objects[track.chunks[3].key]
    reader = ChunkReader(session.store, google_crc32c.value)

    assert len(list(reader.read(track.chunks))) == len(track.chunks) - 1
    (missing,) = reader.missing.values()
    assert missing.key == track.chunks[3].key
    assert missing.problem == "missing"


def test_a_chunk_with_other_bytes_than_were_sealed_is_noted_and_read() -> None:
    session, track = captured()
    key = track.chunks[2].key
    body = bytearray(session.store.objects[key])
    body[200] ^= 1
    session.store.put(key, bytes(body))
    reader = ChunkReader(session.store, google_crc32c.value)

    assert len(list(reader.read(track.chunks))) == len(track.chunks)
    assert problems(reader) == ["corrupt"]


def test_a_torn_chunk_gives_what_is_left_of_it() -> None:
    session, track = captured()
    key = track.chunks[2].key
    session.store.put(key, session.store.objects[key][:2000])
    reader = ChunkReader(session.store, google_crc32c.value)

    read = list(reader.read(track.chunks))

    assert 0 < len(read[2].offset) < track.chunks[2].packets
    (torn,) = reader.missing.values()
    assert torn.problem == "torn"
    assert torn.detail == f"2000 bytes are left of {track.chunks[2].size_bytes}"


@pytest.mark.parametrize("body", [b"", b"<?xml version='1.0'?>", b"#!rtpplay1.0 1.1.1.1/1\n123"])
def test_what_is_no_chunk_at_all_is_noted_and_passed_over(body: bytes) -> None:
    session, track = captured()
    session.store.put(track.chunks[0].key, body)
    reader = ChunkReader(session.store, google_crc32c.value)

    assert len(list(reader.read(track.chunks))) == len(track.chunks) - 1
    assert len(reader.missing) == 1


def test_a_chunk_found_missing_in_both_readings_is_noted_once() -> None:
    session, track = captured()
    del session.store.objects[track.chunks[3].key]
    reader = ChunkReader(session.store, google_crc32c.value)

    for _ in range(2):
        list(reader.read(track.chunks))

    assert problems(reader) == ["missing"]


@dataclass
class Counting(MemoryStore):
    """Counts what was asked for; busy at one key."""

    busy: str = ""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def get(self, key: str) -> bytes:
        self.asked.append(key)
        if key == self.busy:
            raise Transient("503 Slow Down")
        return super().get(key)


def test_only_a_few_chunks_are_read_ahead() -> None:
    session, track = captured()
    store = Counting()
    store.objects = session.store.objects
    reading = ChunkReader(store, google_crc32c.value).read(track.chunks)

    for taken in range(1, 4):
        next(reading)
        assert len(store.asked) <= taken + READ_AHEAD

    reading.close()  # type: ignore[attr-defined]
    assert len(store.asked) < len(track.chunks)


def test_a_busy_store_is_no_missing_chunk() -> None:
    session, track = captured()
    store = Counting(busy=track.chunks[5].key)
    store.objects = session.store.objects
    reader = ChunkReader(store, google_crc32c.value)

    with pytest.raises(Transient, match="503"):
        list(reader.read(track.chunks))

    assert reader.missing == {}


def test_no_chunks_give_no_records() -> None:
    assert list(ChunkReader(MemoryStore(), google_crc32c.value).read(())) == []
