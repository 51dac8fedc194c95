from pathlib import Path

import numpy as np
import pytest

from capture_agent import spool


def batch(*records: tuple[int, int, int, bytes]) -> bytes:
    """A batch of (arrival_ns, take, drops, datagram)."""
    head = np.zeros(1, spool.BATCH)
    head["magic"], head["records"] = spool.MAGIC, len(records)
    head["payload_bytes"] = sum(len(record[3]) for record in records)
    headers = np.array([(*r[:3], len(r[3]), 0) for r in records], spool.HEADER)
    return head.tobytes() + headers.tobytes() + b"".join(record[3] for record in records)


def datagrams(segment: spool.Segment) -> list[bytes]:
    return [
        segment.buffer[at : at + length].tobytes()
        for at, length in zip(segment.offset, segment.length, strict=True)
    ]


TWO_BATCHES = batch((10, 1, 0, b"one"), (20, 2, 0, b"")) + batch((30, 1, 5, b"three"))


def test_a_segment_gives_its_records_over_all_batches(tmp_path: Path):
    (tmp_path / "segment").write_bytes(TWO_BATCHES)
    segment = spool.read_segment(tmp_path / "segment")
    assert datagrams(segment) == [b"one", b"", b"three"]
    assert segment.arrival_ns.tolist() == [10, 20, 30]
    assert segment.take.tolist() == [1, 2, 1]
    assert segment.drops.tolist() == [0, 0, 5]
    assert segment.torn_bytes == 0


@pytest.mark.parametrize("size", range(len(TWO_BATCHES)))
def test_a_segment_torn_anywhere_gives_every_record_that_was_complete(tmp_path: Path, size: int):
    (tmp_path / "segment").write_bytes(TWO_BATCHES[:size])
    segment = spool.read_segment(tmp_path / "segment")
    one = spool.BATCH.itemsize + 2 * spool.HEADER.itemsize + 3
    assert datagrams(segment) == ([b"one", b""] if size >= one else [])
    assert segment.torn_bytes == (size - one if size >= one else size)


def test_a_tail_of_zeros_ends_a_segment(tmp_path: Path):
    (tmp_path / "segment").write_bytes(TWO_BATCHES + bytes(4096))
    segment = spool.read_segment(tmp_path / "segment")
    assert len(datagrams(segment)) == 3
    assert segment.torn_bytes == 4096


def test_segments_are_listed_oldest_first_and_nothing_else_is(tmp_path: Path):
    for name in ("0000000012.log", "0000000003.log", "journal.jsonl", "0000000001.orphan"):
        (tmp_path / name).touch()
    assert spool.numbers(tmp_path) == [3, 12]
    assert spool.path(tmp_path, 12).name == "0000000012.log"
