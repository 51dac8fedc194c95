from pathlib import Path

import numpy as np

from capture_agent import spool
from capture_agent.segments import SegmentWriter


def append(log: SegmentWriter, data: bytes, records: int = 1) -> bool:
    buffer = np.frombuffer(data, np.uint8)
    vector = np.array([buffer.ctypes.data, buffer.size], np.uint64)
    return log.append(vector.ctypes.data, 1, buffer.size, records)


def test_an_idle_log_leaves_no_file_behind(tmp_path: Path):
    log = SegmentWriter(tmp_path, 5, 10)
    assert log.rotate() == 4
    assert not log.due()
    assert list(tmp_path.iterdir()) == []


def test_a_rotated_log_goes_on_in_the_next_segment(tmp_path: Path):
    log = SegmentWriter(tmp_path, 5, 10)
    assert append(log, b"first")
    assert append(log, b" more")
    assert log.rotate() == 5
    assert append(log, b"second")
    assert log.current == 6
    assert spool.path(tmp_path, 5).read_bytes() == b"first more"
    assert spool.path(tmp_path, 6).read_bytes() == b"second"
    log.rotate()


def test_a_segment_is_due_when_it_is_old_or_holds_too_many_records(tmp_path: Path):
    old = SegmentWriter(tmp_path, 1, 0)
    append(old, b"x")
    assert old.due()
    full = SegmentWriter(tmp_path, 2, 1000)
    append(full, b"x", spool.MAX_SEGMENT_RECORDS - 1)
    assert not full.due()
    append(full, b"x")
    assert full.due()
    old.rotate()
    full.rotate()
