from __future__ import annotations

import numpy as np

from isotrack.codecs.media import Media
from isotrack.media.frames import Frames, group


def frames() -> Frames:
    """Three frames of one, two and three slices: a, bc, def."""
    return Frames(
        timestamp=np.array([0, 3000, 6000]),
        duration=np.array([960, 960, 480]),
        keyframe=np.array([True, False, False]),
        after_loss=np.array([False, False, True]),
        rotation=np.array([0, 90, 0], np.int16),
        first_slice=np.array([0, 1, 3, 6]),
        slice_offset=np.arange(6) * 2,
        slice_length=np.ones(6, np.int64),
        buffer=np.frombuffer(b"a-b-c-d-e-f-", np.uint8),
    )


def test_a_frame_is_its_slices_joined() -> None:
    assert [frames().frame(i) for i in range(3)] == [b"a", b"bc", b"def"]


def test_frames_are_taken_with_their_slices() -> None:
    taken = frames().take(np.array([True, False, True]))

    assert taken.count == 2
    assert [taken.frame(i) for i in range(2)] == [b"a", b"def"]
    assert taken.first_slice.tolist() == [0, 1, 4]
    assert taken.timestamp.tolist() == [0, 6000]
    assert taken.rotation.tolist() == [0, 0]
    assert taken.after_loss.tolist() == [False, True]


def test_no_frame_at_all_is_fine() -> None:
    taken = frames().take(np.zeros(3, np.bool_))

    assert taken.count == 0
    assert taken.first_slice.tolist() == [0]
    assert taken.slice_offset.tolist() == []


def test_all_frames_are_taken_as_they_are() -> None:
    every = frames()

    assert every.take(np.ones(3, np.bool_)) is every


def test_slices_are_grouped_by_the_unit_of_their_packet() -> None:
    none = np.zeros(5, np.bool_)
    media = Media(
        np.zeros(9, np.uint8), none, none, none, np.array([0, 0, 1, 3, 4]), *[np.arange(5)] * 2
    )

    first_slice = group(media, np.array([0, 2, 3, 5]))

    assert first_slice.tolist() == [0, 3, 3, 5]
