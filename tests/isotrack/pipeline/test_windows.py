from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.matroska.blocks import HEADER_SIZE, block_headers
from isotrack.media.placed import ROOM, Placed
from isotrack.pipeline.queueing import Due
from isotrack.pipeline.windows import Window, joined, merged


class Frame(NamedTuple):
    """A frame as the tests think of it."""

    lane: int
    due_us: int
    data: bytes


def due(frames: Sequence[Frame]) -> Due:
    """Frames of one lane as a queue gives them, over a body of their own."""
    size = np.array([len(frame.data) for frame in frames], np.int64)
    body = b"".join(b"?" * ROOM + frame.data for frame in frames)
    times = np.array([frame.due_us for frame in frames], np.int64)
    count = len(frames)
    placed = Placed(
        time_us=times,
        duration_us=np.full(count, 20_000),
        keyframe=np.arange(count) % 2 == 0,
        after_loss=np.zeros(count, np.bool_),
        rotation=np.zeros(count, np.int16),
        size=size,
        offset=np.cumsum(size + ROOM) - size,
        body=np.frombuffer(bytearray(body), np.uint8),
    )
    return Due(times, placed)


def frames_of(window: Window) -> list[Frame]:
    """What is in a window, read frame by frame."""
    return [
        Frame(int(lane), int(time), window.bodies[body][offset : offset + size].tobytes())
        for lane, time, body, offset, size in zip(
            window.lane, window.time_us, window.body, window.offset, window.size, strict=True
        )
    ]


def written(window: Window, ends: Sequence[int], mark: int = 0) -> list[bytes]:
    """The blocks up to each end, as a muxer that numbers its tracks from `mark` writes them."""
    count = ends[-1]
    relative = np.arange(count) % 1000
    headers = block_headers(
        window.size[:count], window.lane[:count] + mark + 1, relative, window.keyframe[:count]
    )
    window.write_headers(headers)
    runs = window.runs(ends)
    expected = [
        headers[i].tobytes() + frame.data for i, frame in enumerate(frames_of(window)[:count])
    ]
    assert [b"".join(pieces) for pieces in runs] == [
        b"".join(expected[a:z]) for a, z in pairwise([0, *ends])
    ]
    return [b"".join(pieces) for pieces in runs]


@st.composite
def pieces(draw: st.DrawFn) -> list[list[Frame]]:
    """Frames of some lanes, each piece in the order its frames are due."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        lane = draw(st.integers(0, 3))
        times = sorted(draw(st.lists(st.integers(0, 50), min_size=1, max_size=8)))
        found.append([Frame(lane, at, draw(st.binary(max_size=12))) for at in times])
    return found


@settings(max_examples=80, deadline=None)
@given(found=pieces(), data=st.data())
def test_any_pieces_are_merged_and_written_in_the_order_they_are_due(
    found: list[list[Frame]], data: st.DataObject
) -> None:
    window = merged([(piece[0].lane, due(piece)) for piece in found])

    together = [frame for piece in found for frame in piece]
    assert frames_of(window) == sorted(together, key=lambda frame: frame.due_us)
    ends = data.draw(st.sets(st.integers(1, window.count), min_size=1).map(sorted))
    written(window, ends)
    rows = data.draw(st.lists(st.booleans(), min_size=window.count, max_size=window.count))
    kept = window.take(np.array(rows))
    assert frames_of(kept) == [
        frame for frame, row in zip(frames_of(window), rows, strict=True) if row
    ]
    assert len(kept.bodies) == len(set(kept.body.tolist()))
    if kept.count:
        more = merged([(piece[0].lane, due(piece)) for piece in found])
        written(joined(kept, more), [kept.count, kept.count + more.count])


def test_frames_that_lie_behind_each_other_are_one_piece() -> None:
    window = merged([(0, due([Frame(0, at, b"frame") for at in range(100)]))])
    written(window, [30, 100])

    assert [len(pieces) for pieces in window.runs([30, 100])] == [1, 1]


def test_the_headers_of_one_file_do_not_disturb_the_other() -> None:
    """Two muxers in turn, over the same bodies, one of them with a frame left for later."""
    pieces = [
        (lane, due([Frame(lane, 10 * i + lane, b"%d" % i) for i in range(9)])) for lane in (0, 1)
    ]
    window = merged(pieces)
    own = window.take(window.lane == 1)
    rest = own.take(slice(5, None))

    alone = written(merged(pieces).take(window.lane == 1), [9], mark=7)
    first = written(own, [5], mark=7)
    written(window, [3, 18])
    second = written(rest, [4], mark=7)

    lengths = [len(first[0]), len(second[0])]
    assert len(alone[0]) == sum(lengths)
    assert first[0] == alone[0][: lengths[0]]
    assert [frame.data for frame in frames_of(window)] == [b"%d" % (i // 2) for i in range(18)]


def test_what_is_taken_keeps_no_body_it_does_not_need() -> None:
    window = merged([(lane, due([Frame(lane, lane, b"x")])) for lane in range(5)])

    kept = window.take(np.array([3, 1]))

    assert [frame.lane for frame in frames_of(kept)] == [3, 1]
    assert len(kept.bodies) == 2
    assert window.take(slice(0, 0)).bodies == []


def test_a_header_fills_the_room_before_a_frame_and_no_more() -> None:
    window = merged([(0, due([Frame(0, 0, b""), Frame(0, 1, b"abc")]))])

    (block,) = written(window, [2])

    assert len(block) == 2 * HEADER_SIZE + 3
    assert block.endswith(b"abc")
