from __future__ import annotations

import threading

import numpy as np

from isotrack.adapters.checksums import crc32c_of
from isotrack.pipeline.buffers import BufferPool
from isotrack.pipeline.chunks import ROOM, ChunkReader
from isotrack.recording.tracks import TrackType
from tests.sessions import Session, opus_call

MIB = 1 << 20


def place(buffer: np.ndarray) -> int:
    """Where its memory begins."""
    return int(buffer.ctypes.data)


def test_a_buffer_that_nothing_refers_to_is_handed_out_again() -> None:
    pool = BufferPool()
    places = set()
    for size in (1000, 1, MIB, 999_999):
        buffer = pool.take(size)
        assert buffer.size == size
        places.add(place(buffer))
        del buffer

    assert len(places) == 1


def test_a_buffer_is_not_handed_out_while_anything_refers_to_it() -> None:
    pool = BufferPool()
    for hold in (
        lambda buffer: buffer,
        lambda buffer: buffer[10:20],
        lambda buffer: buffer[10:20].view(">u2")[1:],
        lambda buffer: buffer.data,
        lambda buffer: buffer.data[3:],
        lambda buffer: np.frombuffer(buffer, np.uint8, 5, 1),
        lambda buffer: np.ndarray((90,), "V9", buffer, strides=(1,)),
        lambda buffer: buffer.reshape(10, 100).T,
    ):
        taken = pool.take(1000)
        at = place(taken)
        held = hold(taken)
        del taken
        others = [pool.take(1000) for _ in range(3)]
        assert at not in map(place, others)
        del held
        assert place(pool.take(1000)) == at


def test_of_free_buffers_the_one_handed_out_last_is_handed_out_again() -> None:
    pool = BufferPool()
    held = [pool.take(100) for _ in range(4)]
    places = [place(buffer) for buffer in held]
    del held[1:3]

    assert place(pool.take(100)) == places[2]
    assert [place(each) for each in [pool.take(100), pool.take(100)]] == [places[2], places[1]]


def test_as_many_buffers_are_made_as_are_held_at_once() -> None:
    pool = BufferPool()
    held = [pool.take(100) for _ in range(5)]
    places = {place(buffer) for buffer in held}
    assert len(places) == 5
    del held

    assert {place(buffer) for buffer in [pool.take(100) for _ in range(5)]} == places


def test_a_buffer_too_small_is_let_go_for_a_larger_one() -> None:
    pool = BufferPool()
    small = pool.take(10)
    small[:] = 7
    large = pool.take(3 * MIB)
    assert place(large) != place(small)
    assert (small == 7).all()
    at = place(large)
    del small, large

    assert place(pool.take(10)) == at
    assert len(pool._buffers) == 1


def test_threads_never_get_the_same_buffer_at_once() -> None:
    pool, mixed = BufferPool(), []

    def work(mark: int) -> None:
        for _ in range(300):
            buffer = pool.take(5000)
            buffer[:] = mark
            if (buffer != mark).any():
                mixed.append(mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mixed == []
    assert len(pool._buffers) <= 2 * len(threads)  # one it has, and the one it just let go


def test_many_chunks_are_read_into_one_buffer() -> None:
    """Edge case 220: memory is bounded by what is at hand, not by the recording."""
    session = Session()
    track = session.capture(TrackType.AUDIO, opus_call(120, size=2000), chunk_us=2_000_000)
    reader = ChunkReader(session.store, crc32c_of, batch=1 << 20)
    assert sum(chunk.size_bytes for chunk in track.chunks) > 10 << 20

    places = set()
    for chunk in reader.read(track.chunks):
        places.add(place(chunk.records.buffer))
        del chunk

    assert len(places) <= 2


def test_records_that_are_kept_are_never_written_over() -> None:
    session = Session()
    track = session.capture(TrackType.AUDIO, opus_call(60, size=2000), chunk_us=500_000)

    kept = list(ChunkReader(session.store, crc32c_of, batch=1).read(track.chunks))

    assert len(kept) > 3
    read = b"".join(chunk.records.buffer[ROOM:].tobytes() for chunk in kept)
    assert read == b"".join(session.store.objects[chunk.key] for chunk in track.chunks)
