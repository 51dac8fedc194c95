from __future__ import annotations

import errno
import os
import random
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from isotrack.adapters.vectored import write_scattered
from isotrack.media.scattered import Scattered, within


def scatter(seed: int, count: int, longest: int = 300) -> Scattered:
    """Pieces all over three buffers, some of them empty."""
    chance = random.Random(seed)
    bodies = [np.frombuffer(chance.randbytes(size), np.uint8) for size in (1, 5000, 70_000)]
    which = [chance.randrange(3) for _ in range(count)]
    begin = [chance.randint(0, bodies[i].size) for i in which]
    length = [
        chance.randint(0, min(longest, bodies[i].size - at))
        for i, at in zip(which, begin, strict=True)
    ]
    return Scattered(bodies, *np.array([which, begin, length], np.int64).reshape(3, -1))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("count", [0, 1, 2, 1023, 1024, 1025, 2048, 5000])
def test_what_is_written_are_the_pieces_joined(tmp_path: Path, count: int) -> None:
    data = scatter(count, count)
    with opened(tmp_path / "file") as descriptor:
        write_scattered(descriptor, data)
        write_scattered(descriptor, data.take(np.arange(count)[::-1]))

    assert (tmp_path / "file").read_bytes() == b"".join([*data.pieces(), *data.pieces()[::-1]])


def test_pieces_of_no_bytes_are_nothing_to_write(tmp_path: Path) -> None:
    nothing = np.zeros(3000, np.int64)
    with opened(tmp_path / "file") as descriptor:
        write_scattered(descriptor, within(np.zeros(9, np.uint8), nothing, nothing))

    assert (tmp_path / "file").read_bytes() == b""


def test_a_pipe_that_takes_a_part_at_a_time_gets_everything() -> None:
    data = scatter(1, 4000, longest=2000)
    reading, writing = os.pipe()
    found = bytearray()

    def read() -> None:
        while piece := os.read(reading, 777):
            found.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    write_scattered(writing, data)
    os.close(writing)
    reader.join()
    os.close(reading)

    assert bytes(found) == data.joined()


def test_a_signal_in_between_changes_nothing() -> None:
    data = scatter(2, 3000, longest=2000)
    reading, writing = os.pipe()
    found, signals = bytearray(), []
    before = signal.signal(signal.SIGALRM, lambda *_: signals.append(None))

    def read() -> None:
        while piece := os.read(reading, 3000):
            found.extend(piece)

    reader = threading.Thread(target=read)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        reader.start()
        write_scattered(writing, data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        os.close(writing)
        reader.join()
        os.close(reading)

    assert bytes(found) == data.joined()
    assert signals


def test_a_file_that_may_not_grow_any_more_is_an_error_with_its_number(tmp_path: Path) -> None:
    data = scatter(3, 3000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with opened(tmp_path / "file") as descriptor:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, limits[1]))
            with pytest.raises(OSError, match="too large") as raised:
                write_scattered(descriptor, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)

    assert raised.value.errno == errno.EFBIG
    assert (tmp_path / "file").read_bytes() == data.joined()[:100_001]


def test_a_full_disk_is_an_error_with_its_number() -> None:
    with opened(Path("/dev/full")) as descriptor, pytest.raises(OSError, match="space") as raised:
        write_scattered(descriptor, scatter(4, 10))

    assert raised.value.errno == errno.ENOSPC


def test_a_file_that_is_closed_is_an_error_with_its_number(tmp_path: Path) -> None:
    with opened(tmp_path / "file") as descriptor:
        pass

    with pytest.raises(OSError, match="descriptor") as raised:
        write_scattered(descriptor, scatter(5, 10))
    assert raised.value.errno == errno.EBADF
