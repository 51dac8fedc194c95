import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from capture_agent import spool
from capture_agent.counters import Counters
from capture_agent.receive import SLOTS, Slab
from capture_agent.segments import SegmentWriter
from capture_agent.sockets import open_media_socket


class Rig:
    """A slab between two media sockets and a log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counters = Counters.create(2)
        self.slab = Slab(self.counters)
        self.log = SegmentWriter(folder, 1, 10)
        self.sockets = [open_media_socket("127.0.0.1", 0) for _ in range(2)]
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, row: int, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.sender.sendto(datagram, self.sockets[row].getsockname())

    def receive(self, row: int) -> None:
        while not self.slab.receive(self.sockets[row].fileno(), row):
            self.slab.write(self.log)

    def written(self) -> tuple[spool.Segment, list[bytes]]:
        self.slab.write(self.log)
        segment = spool.read_segment(spool.path(self.folder, self.log.rotate()))
        ends = zip(segment.offset, segment.length, strict=True)
        return segment, [segment.buffer[at : at + length].tobytes() for at, length in ends]

    def count(self, row: int, name: str) -> int:
        return int(self.counters.rows[name][row])


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    for opened in (*rig.sockets, rig.sender):
        opened.close()


def test_datagrams_of_two_sockets_are_logged_with_their_takes_and_kernel_times(rig: Rig):
    rig.slab.record(0, 7)
    rig.slab.record(1, 8)
    before = time.time_ns()
    rig.send(0, b"a0", b"a1")
    rig.send(1, b"b0")
    after = time.time_ns()
    rig.receive(0)
    rig.receive(1)
    segment, datagrams = rig.written()
    assert datagrams == [b"a0", b"a1", b"b0"]
    assert segment.take.tolist() == [7, 7, 8]
    assert all(before <= arrival <= after for arrival in segment.arrival_ns.tolist())
    assert (rig.count(0, "packets"), rig.count(0, "bytes")) == (2, 4)
    assert rig.count(1, "packets") == 1


def test_what_belongs_to_no_take_is_counted_and_let_go(rig: Rig):
    rig.slab.record(1, 3)
    rig.send(0, b"idle", b"idle")
    rig.send(1, b"kept")
    rig.receive(0)
    rig.receive(1)
    assert rig.written()[1] == [b"kept"]
    assert rig.count(0, "drained") == 2
    assert rig.count(1, "drained") == 0


def test_more_than_a_slab_is_logged_whole_and_in_order(rig: Rig):
    rig.slab.record(0, 1)
    sent = [b"%06d" % number for number in range(2 * SLOTS + 10)]
    rig.send(0, *sent)
    rig.receive(0)
    assert rig.written()[1] == sent


def test_a_datagram_too_long_for_a_slot_is_logged_empty(rig: Rig):
    rig.slab.record(0, 1)
    rig.send(0, bytes(spool.MAX_DATAGRAM), bytes(spool.MAX_DATAGRAM + 1), b"next")
    rig.receive(0)
    assert [len(d) for d in rig.written()[1]] == [spool.MAX_DATAGRAM, 0, 4]


def test_datagrams_the_kernel_dropped_stand_beside_the_next_one_that_arrived(rig: Rig):
    rig.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    rig.slab.record(0, 1)
    sent = 0
    for _ in range(2):
        rig.send(0, *[bytes(500)] * 100)
        sent += 100
        rig.receive(0)
    rig.send(0, b"last")
    rig.receive(0)
    segment, datagrams = rig.written()
    dropped = sent + 1 - len(datagrams)
    assert dropped > 100
    assert int(segment.drops.sum()) == dropped
    assert rig.count(0, "kernel_drops") == dropped
    assert np.flatnonzero(segment.drops).tolist()[-1] == len(datagrams) - 1


def test_a_slab_made_anew_counts_drops_on_from_where_the_one_before_stopped(rig: Rig):
    rig.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    rig.slab.record(0, 1)
    rig.send(0, *[bytes(500)] * 100)
    rig.receive(0)
    rig.send(0, b"next")
    rig.receive(0)
    rig.slab.write(rig.log)
    counted = rig.count(0, "kernel_drops")
    assert counted > 0
    rig.slab = Slab(rig.counters)
    rig.slab.record(0, 1)
    rig.send(0, b"after")
    rig.receive(0)
    rig.slab.write(rig.log)
    assert rig.count(0, "kernel_drops") == counted


def test_packets_that_the_disk_has_no_room_for_are_counted_as_lost(rig: Rig):
    class FullDisk:
        def append(self, vector: int, pieces: int, size_bytes: int, records: int) -> bool:
            return False

    rig.slab.record(0, 1)
    rig.send(0, b"one", b"two")
    rig.send(1, b"not recorded")
    rig.receive(0)
    rig.receive(1)
    rig.slab.write(FullDisk())
    assert (rig.count(0, "packets"), rig.count(0, "lost")) == (2, 2)
    assert (rig.count(1, "lost"), rig.count(1, "drained")) == (0, 1)


def test_a_socket_that_cannot_be_read_is_an_error_that_names_its_port(rig: Rig):
    with pytest.raises(OSError, match="row 1"):
        rig.slab.receive(2**20, 1)
