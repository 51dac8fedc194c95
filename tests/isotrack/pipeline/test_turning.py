"""One lane's pictures: which are turned, which are left, and what is noted of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from isotrack.codecs.keyframes import PictureSize
from isotrack.media.placed import place_whole
from isotrack.pipeline.orientation import MAX_CHANGES, Orientation, OrientationLog, shown_sizes
from isotrack.pipeline.ports import CodedPicture, TurnedPicture
from isotrack.pipeline.queueing import Due
from isotrack.pipeline.turning import LaneTurner


def due(degrees: Sequence[int], keyframes: Sequence[int] = (), *, first: int = 0) -> Due:
    """Frames a second apart, each of them its number from `first` on."""
    count = len(degrees)
    times = (first + np.arange(count)) * 1_000_000
    return Due(
        times,
        place_whole(
            time_us=times,
            duration_us=np.zeros(count, np.int64),
            keyframe=np.isin(np.arange(count) + first, list(keyframes)),
            after_loss=np.zeros(count, np.bool_),
            rotation=np.array(degrees, np.int16),
            size=np.ones(count, np.int64),
            body=bytes(range(first, first + count)),
        ),
    )


def frames(dues: Sequence[Due]) -> list[str]:
    """The number of each frame, with what was done to it."""
    return [
        frame.decode("latin1") if len(frame) > 1 else str(frame[0])
        for each in dues
        for frame in map(each.placed.frame, range(each.placed.count))
    ]


class Turner:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.followed: list[int] = []

    def follow(self, frame: bytes) -> None:
        self.followed.append(frame[0])

    def turn(self, pictures: Sequence[CodedPicture]) -> list[TurnedPicture]:
        return [
            TurnedPicture(i, f"{picture.frame[0]}:{picture.degrees}".encode(), picture.keyframe)
            for i, picture in enumerate(pictures)
        ]


class Lane:
    """A lane turner, with what it asked for."""

    def __init__(self, *again: Sequence[int]) -> None:
        self.turners: list[Turner] = []
        self.asked: list[tuple[bytes, int, int]] = []
        self._again = again
        self.turner = LaneTurner(self._make, self._reread)

    def _make(self) -> Turner:
        self.turners.append(Turner())
        return self.turners[-1]

    def _reread(self, keyframe: bytes, time_us: int, skip: int) -> Iterator[bytes]:
        self.asked.append((keyframe, time_us, skip))
        found = self._again[skip] if skip < len(self._again) else ()
        return (bytes([number]) for number in found)


def test_the_first_picture_says_how_the_file_is_turned() -> None:
    lane = Lane()
    given = due([90, 90, 90], [0])
    assert lane.turner.turn(given) == [given]
    assert lane.turner.log.roll_degrees == -90
    assert not lane.turners


def test_a_stretch_goes_up_to_a_keyframe_that_is_held_as_the_header_says() -> None:
    lane = Lane(range(8))
    dues = lane.turner.turn(due([90, 90, 0, 180, 90, 0, 90, 90], [0, 5, 6]))
    assert frames(dues) == ["0", "1", "2:270", "3:90", "4:0", "5:270", "6", "7"]
    assert lane.asked == [(b"\0", 0, 0)]
    assert [turner.followed for turner in lane.turners] == [[0, 1]]
    assert np.concatenate([each.placed.time_us for each in dues]).tolist() == [
        i * 1_000_000 for i in range(8)
    ]


def test_a_stretch_goes_on_from_window_to_window() -> None:
    lane = Lane(range(8))
    dues = lane.turner.turn(due([0, 0, 90], [0]))
    dues += lane.turner.turn(due([90, 90], first=3))
    dues += lane.turner.turn(due([0, 0, 0], [6], first=5))
    assert frames(dues) == ["0", "1", "2:90", "3:90", "4:90", "5:0", "6", "7"]
    assert len(lane.turners) == 1


def test_frames_since_the_keyframe_are_counted_over_windows() -> None:
    lane = Lane(range(1, 20))
    lane.turner.turn(due([0, 0, 0], [0, 1]))
    lane.turner.turn(due([0, 0], first=3))
    lane.turner.turn(due([0, 90], first=5))
    assert lane.asked == [(b"\1", 1_000_000, 0)]
    assert lane.turners[0].followed == [1, 2, 3, 4, 5]


def test_a_stretch_that_begins_with_a_keyframe_needs_nothing_from_before() -> None:
    lane = Lane()
    assert frames(lane.turner.turn(due([0, 0, 90, 90], [0, 2]))) == ["0", "1", "2:90", "3:90"]
    assert not lane.asked
    assert lane.turners[0].followed == []


def test_another_keyframe_that_is_the_same_is_passed_over() -> None:
    lane = Lane([0], [0, 1])  # behind the first one there is less than was written
    assert frames(lane.turner.turn(due([0, 0, 90], [0]))) == ["0", "1", "2:90"]
    assert [skip for _, _, skip in lane.asked] == [0, 1]
    assert lane.turners[-1].followed == [0, 1]


def test_what_cannot_be_read_again_leaves_pictures_as_published_up_to_a_keyframe() -> None:
    lane = Lane()
    dues = lane.turner.turn(due([0, 0, 90, 90], [0]))
    dues += lane.turner.turn(due([90, 90, 90], [5], first=4))
    assert frames(dues) == ["0", "1", "2", "3", "4", "5:90", "6:90"]
    assert len(lane.asked) == 1
    assert [c.turned for c in lane.turner.log.changes] == [False, False, True]


def test_without_anything_that_turns_the_header_says_what_holds_longest() -> None:
    turner = LaneTurner(None, lambda *_: iter(()))
    given = due([0, 0, 180, 180, 180], [0])
    assert turner.turn(given) == [given]
    assert turner.log.roll_degrees == 180
    assert turner.log.changes == [Orientation(0, 0, False), Orientation(2_000_000, 180, False)]


@pytest.mark.parametrize(("clockwise", "roll"), [(0, 0), (90, -90), (180, 180), (270, 90)])
def test_the_header_counts_counterclockwise(clockwise: int, roll: int) -> None:
    log = OrientationLog(fixed=True)
    assert log.roll_degrees == 0
    log.add(np.array([5]), np.array([clockwise], np.int16), turned=False)
    assert (log.header_degrees, log.roll_degrees) == (clockwise, roll)


def test_a_camera_that_spins_makes_no_endless_list() -> None:
    log = OrientationLog(fixed=True)
    for batch in range(3):
        times = np.arange(MAX_CHANGES) + batch * MAX_CHANGES
        log.add(times, (times % 4 * 90).astype(np.int16), turned=False)
    assert len(log.changes) == MAX_CHANGES


def test_sizes_are_those_that_are_seen() -> None:
    log = OrientationLog(fixed=True)
    log.add(np.array([10, 20]), np.array([90, 90], np.int16), turned=False)
    log.add(np.array([30]), np.array([0], np.int16), turned=False)  # it could not be turned
    log.add(np.array([40, 50]), np.array([0, 90], np.int16), turned=True)
    sizes = [(10, PictureSize(0, 640, 360)), (40, PictureSize(9, 320, 180))]
    assert list(shown_sizes(sizes, log)) == [
        (10, 360, 640),
        (30, 360, 640),
        (40, 320, 180),
        (50, 180, 320),
    ]
