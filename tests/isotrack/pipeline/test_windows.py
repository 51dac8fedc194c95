from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.media.placed import Placed
from isotrack.media.scattered import within
from isotrack.pipeline.queueing import Due
from isotrack.pipeline.windows import Merged, merged, window


class Frame(NamedTuple):
    """A frame as the tests think of it."""

    lane: int
    due_us: int
    slices: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        return b"".join(self.slices)


def due(frames: Sequence[Frame]) -> Due:
    """Frames of one lane as a queue gives them, over a buffer of their own."""
    length = np.array([len(each) for frame in frames for each in frame.slices], np.int64)
    body = b"".join(b"?" + each for frame in frames for each in frame.slices)
    end = np.array([len(frame.slices) for frame in frames], np.int64).cumsum()
    times = np.array([frame.due_us for frame in frames], np.int64)
    count = len(frames)
    placed = Placed(
        time_us=times,
        duration_us=np.full(count, 20_000),
        keyframe=np.arange(count) % 2 == 0,
        after_loss=np.zeros(count, np.bool_),
        rotation=np.zeros(count, np.int16),
        size=np.array([len(frame.data) for frame in frames], np.int64),
        first=np.concatenate(([0], end[:-1])),
        end=end,
        slices=within(np.frombuffer(body, np.uint8), (length + 1).cumsum() - length, length),
    )
    return Due(times, placed)


def written(found: Merged) -> list[bytes]:
    """Each frame behind the header of its block, as a sink gets them."""
    count = found.count
    marks = within(np.arange(256).astype(np.uint8), np.arange(count), np.ones(count, np.int64))
    whole, at, blocks = found.behind(marks).joined(), 0, []
    for row, size in enumerate(found.size.tolist()):
        assert whole[at] == row
        blocks.append(whole[at + 1 : at + 1 + size])
        at += 1 + size
    assert at == len(whole)
    return blocks


def assert_holds(found: Merged, frames: Sequence[Frame]) -> None:
    """The window has these frames, in this order."""
    assert found.lane.tolist() == [frame.lane for frame in frames]
    assert found.time_us.tolist() == [frame.due_us for frame in frames]
    assert written(found) == [frame.data for frame in frames]


def in_order(frames: Sequence[Frame]) -> list[Frame]:
    return sorted(frames, key=lambda frame: (frame.due_us, frame.lane))


@st.composite
def pieces(draw: st.DrawFn) -> list[list[Frame]]:
    """Frames of some lanes, lane by lane, each lane's in the order they are due."""
    found = []
    for lane in sorted(draw(st.sets(st.integers(0, 3), min_size=1))):
        times = sorted(draw(st.lists(st.integers(0, 50), min_size=1, max_size=12)))
        slices = st.lists(st.binary(max_size=5), max_size=3).map(tuple)
        frames = [Frame(lane, at, draw(slices)) for at in times]
        cut = draw(st.integers(0, len(frames) - 1))
        found += [part for part in (frames[:cut], frames[cut:]) if part]
    return found


@settings(max_examples=80, deadline=None)
@given(first=pieces(), second=pieces(), data=st.data())
def test_any_pieces_are_merged_and_written_in_the_order_they_are_due(
    first: list[list[Frame]], second: list[list[Frame]], data: st.DataObject
) -> None:
    found = merged(window([(piece[0].lane, due(piece)) for piece in first]))
    expected = in_order([frame for piece in first for frame in piece])
    assert_holds(found, expected)

    cut = data.draw(st.integers(0, len(expected)))
    assert_holds(found.until(cut), expected[:cut])
    rest = found.since(cut)
    assert_holds(rest, expected[cut:])
    assert rest.slices.count == sum(len(frame.slices) for frame in expected[cut:])

    more = merged(window([(piece[0].lane, due(piece)) for piece in second]), rest)
    later = in_order([frame for piece in second for frame in piece])
    assert_holds(more, expected[cut:] + later)


def test_parts_of_frames_that_lie_in_one_buffer_are_merged_as_those_of_several() -> None:
    """What a queue gives of a chunk in turns, a lane of sound with many frames to a chunk."""
    sound = [Frame(0, 20 * i, (b"%d" % i,)) for i in range(90)]
    pictures = [Frame(1, 33 * i, (b"a%d" % i, b"b", b"c%d" % i)) for i in range(60)]
    whole = {0: due(sound), 1: due(pictures)}

    found = [
        merged(window([(0, whole[0].part(a, a + 30)), (1, whole[1].part(b, b + 20))]))
        for a, b in ((0, 0), (30, 20), (60, 40))
    ]

    for i, each in enumerate(found):
        assert_holds(each, in_order(sound[30 * i : 30 * i + 30] + pictures[20 * i : 20 * i + 20]))
        assert each.slices.count == 30 + 60


def test_what_is_left_keeps_no_buffer_it_does_not_need() -> None:
    found = merged(window([(lane, due([Frame(lane, lane, (b"x",))])) for lane in range(5)]))

    assert len(found.slices.buffers) == 5
    assert len(found.since(3).slices.buffers) == 2
    assert len(found.since(5).slices.buffers) == 0


def test_frames_without_a_byte_are_blocks_all_the_same() -> None:
    none = Frame(0, 0, ())

    assert_holds(merged(window([(0, due([none, none]))])), [none, none])
