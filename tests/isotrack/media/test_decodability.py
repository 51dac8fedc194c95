"""What of a stream can be decoded after a loss, told by the place of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from isotrack.codecs.media import Layering
from isotrack.media.decodability import Decodability, Units

SHORT, LONG, DESCRIPTOR = 1 << 7, 1 << 15, 1 << 16


class F(NamedTuple):
    """A frame as it came, or one that is missing."""

    picture: int = -1
    temporal: int = -1
    base: int = -1
    sync: bool = False
    references: tuple[int, ...] | None = None
    """Differences to its own number, where they are all told."""
    key: bool = False
    whole: bool = True
    shown: bool = True
    gap: bool = False
    """Packets are missing before it."""
    modulo: int = LONG
    rows: int = 1
    """Packets; each of a further picture where there are references (spatial layers)."""


def kept(frames: Sequence[F], *, size: int = 10**6, layered: bool = True) -> list[bool]:
    return [flag for flag, _ in judged(frames, size=size, layered=layered)]


def judged(
    frames: Sequence[F], *, size: int = 10**6, layered: bool = True
) -> list[tuple[bool, bool]]:
    """Whether each frame is kept, and whether something was really lost before it."""
    decodability = Decodability()
    found: list[tuple[bool, bool]] = []
    for at in range(0, len(frames), size):
        part = frames[at : at + size]
        layering = columns(part) if layered else None
        entry = np.array([frame.key and frame.whole for frame in part])
        flags = decodability.kept(units_of(part), entry, layering and (lambda it=layering: it))
        found += zip(*(column.tolist() for column in flags), strict=True)
    return found


def units_of(frames: Sequence[F]) -> Units:
    return Units(
        first=np.cumsum([0, *(frame.rows for frame in frames)]),
        timestamp=3000 * np.arange(len(frames)),
        whole=np.array([frame.whole for frame in frames]),
        keyframe=np.array([frame.key for frame in frames]),
        after_loss=np.array([frame.gap for frame in frames]),
        shown=np.array([frame.shown for frame in frames]),
    )


def columns(frames: Sequence[F]) -> Layering:
    rows = [
        frame._replace(
            picture=frame.picture + extra if frame.references is not None else frame.picture
        )
        for frame in frames
        for extra in range(frame.rows)
    ]
    width = max(len(frame.references or ()) for frame in rows)
    references = [list(frame.references or ()) for frame in rows]
    return Layering(
        picture=np.array([row.picture for row in rows], np.int64),
        modulo=np.array([row.modulo for row in rows], np.int64),
        base=np.array([row.base for row in rows], np.int64),
        temporal=np.array([row.temporal for row in rows], np.int64),
        sync=np.array([row.sync for row in rows], np.bool_),
        exact=np.array([row.references is not None for row in rows], np.bool_),
        references=np.array([each + [0] * (width - len(each)) for each in references], np.int64),
    )


def numbered(count: int, *, first: int = 10, modulo: int = LONG) -> list[F]:
    """Frames with a PictureID and nothing else."""
    return [F(picture=(first + n) % modulo, key=n == 0, modulo=modulo) for n in range(count)]


def layers(count: int, pattern: Sequence[int] = (0, 2, 1, 2), *, first: int = 10) -> list[F]:
    """Frames in temporal layers, numbered, from a keyframe on."""
    frames: list[F] = []
    base = 254
    for n in range(count):
        temporal = pattern[n % len(pattern)]
        base += n > 0 and temporal == 0
        frames.append(F(first + n, temporal, base % 256, key=n == 0))
    return frames


def without(frames: Sequence[F], *lost: int) -> list[F]:
    """The frames that came, each told of the gap before it."""
    return [frame._replace(gap=n - 1 in lost) for n, frame in enumerate(frames) if n not in lost]


def missing(frames: Sequence[F], came: Sequence[F], flags: Sequence[bool]) -> list[int]:
    """Which of the frames that came were not kept, as places among those sent."""
    return [
        frames.index(f._replace(gap=False)) for f, flag in zip(came, flags, strict=True) if not flag
    ]


def test_nothing_is_kept_before_the_first_keyframe() -> None:
    """Edge case 72."""
    frames = [F(), F(), F(key=True, whole=False), F(), F(key=True), F(), F()]

    assert kept(frames, layered=False) == [False] * 4 + [True] * 3


@pytest.mark.parametrize("layered", [True, False])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_without_layers_a_loss_freezes_until_the_next_keyframe(layered: bool, size: int) -> None:
    """Edge case 59 and edge case 74: a decision: a still is better than a picture that smears."""
    frames = numbered(12)
    frames[8] = frames[8]._replace(key=True)
    came = without(frames, 3)

    flags = judged(came, size=size, layered=layered)

    assert [flag for flag, _ in flags] == [True] * 3 + [False] * 4 + [True] * 4
    assert [lost for _, lost in flags] == [False] * 3 + [True] + [False] * 7


def test_a_frame_that_is_there_in_part_freezes_the_picture_too() -> None:
    frames = numbered(6)
    frames[2] = frames[2]._replace(whole=False)

    assert kept(frames) == [True, True, False, False, False, False]


def test_a_keyframe_that_cannot_be_used_ends_what_can_be_decoded() -> None:
    decodability = Decodability()
    frames = [F(key=True), F(), F(key=True), F()]
    entry = np.array([True, False, False, False])

    flags, _ = decodability.kept(units_of(frames), entry, None)

    assert flags.tolist() == [True, True, False, False]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (F(126, modulo=SHORT), F(127, modulo=SHORT)),
        (F(127, modulo=SHORT), F(0, modulo=SHORT)),
        (F(32_767), F(0)),
        (F(127, modulo=SHORT), F(128)),
    ],
    ids=["next", "7 bits wrap", "15 bits wrap", "7 bits become 15"],
)
def test_a_gap_between_numbers_that_follow_each_other_was_no_picture(
    before: F, after: F, size: int
) -> None:
    """Edge case 58: it was padding or FEC."""
    frames = [F(5, key=True), before._replace(key=True), after._replace(gap=True), after]

    assert judged(frames[1:3], size=size) == [(True, False)] * 2


@pytest.mark.parametrize("modulo", [SHORT, LONG])
def test_a_gap_between_numbers_with_a_gap_was_a_picture(modulo: int) -> None:
    """Edge case 59."""
    frames = [F(5, key=True, modulo=modulo), F(7, gap=True, modulo=modulo), F(8, modulo=modulo)]

    assert judged(frames) == [(True, False), (False, True), (False, False)]


def test_the_tail_of_a_frame_lost_is_a_loss_whatever_the_numbers_say() -> None:
    frames = [F(5, key=True), F(6, whole=False), F(7, gap=True), F(8)]

    assert kept(frames) == [True, False, False, False]


def test_a_keyframe_behind_padding_is_behind_no_loss() -> None:
    """Edge case 58."""
    frames = [F(5, key=True), F(6), F(7, key=True, gap=True), F(9, key=True, gap=True)]

    assert judged(frames) == [(True, False), (True, False), (True, False), (True, True)]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_layers_that_an_sfu_drops_are_no_loss(size: int) -> None:
    """Edge case 89: the numbers of pictures leap, those of packets do not."""
    frames = [frame for frame in layers(40) if frame.temporal < 2]

    assert judged(frames, size=size) == [(True, False)] * 20


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("lost", [5, 7])
def test_a_frame_lost_of_the_top_layer_costs_that_layer(lost: int, size: int) -> None:
    """Edge case 89: a real loss this time; the base layer plays on."""
    frames = layers(16)
    came = without(frames, lost)

    flags = kept(came, size=size)

    gone = [n for n in range(lost, 16) if frames[n].temporal and n != lost]
    assert missing(frames, came, flags) == gone


def test_a_base_frame_lost_freezes_the_picture() -> None:
    frames = layers(16)
    came = without(frames, 8)

    assert missing(frames, came, kept(came)) == [*range(9, 16)]


def test_a_frame_of_the_middle_layer_in_part_leaves_the_base_layer() -> None:
    frames = layers(12)
    frames[6] = frames[6]._replace(whole=False)

    flags = kept(frames)

    assert [n for n, flag in enumerate(flags) if not flag] == [6, 7, 9, 10, 11]


def test_a_frame_of_the_top_layer_in_part_leaves_those_below() -> None:
    frames = layers(12)
    frames[5] = frames[5]._replace(whole=False)

    assert [n for n, flag in enumerate(kept(frames)) if not flag] == [5, 7, 9, 11]


def test_layers_come_back_one_by_one_where_a_frame_needs_the_base_alone() -> None:
    frames = layers(20)
    for n in (9, 10, 14, 15):  # top, middle, middle, top
        frames[n] = frames[n]._replace(sync=True)
    came = without(frames, 5)

    flags = kept(came)

    # The top layer is whole again only when that below it was at its sync.
    assert missing(frames, came, flags) == [6, 7, 11, 13]


def test_a_sync_frame_of_the_top_layer_does_not_bring_the_middle_one_back() -> None:
    frames = layers(20)
    frames[9] = frames[9]._replace(sync=True)
    came = without(frames, 5)

    assert missing(frames, came, kept(came)) == [6, 7, 10, 11, 13, 14, 15, 17, 18, 19]


def test_the_number_of_the_base_layer_wraps() -> None:
    frames = layers(40)
    assert {frame.base for frame in frames} >= {255, 0}
    came = without(frames, 7, 11, 15)

    assert [f.temporal for f, flag in zip(came, kept(came), strict=True) if flag and f.gap] == [
        0
    ] * 3


def test_after_a_very_long_gap_the_base_layer_tells_nothing() -> None:
    """Its number has eight bits: 256 base frames later it is what was expected."""
    frames = layers(2400)
    came = without(frames, *range(5, 1028))
    assert came[5].base == frames[4].base + 0
    assert came[5].temporal == 0

    assert not any(kept(came)[5:])


def exact(count: int, *, first: int = 100, modulo: int = DESCRIPTOR) -> list[F]:
    """Three temporal layers as AV1's descriptors tell them: L1T3, each frame by its references."""
    differences = {0: (4,), 1: (1,), 2: (2,), 3: (1,)}
    frames = []
    for n in range(count):
        needs = () if n == 0 else differences[n % 4]
        number = (first + n) % modulo
        frames.append(F(number, -1, references=needs, key=n == 0, modulo=modulo))
    return frames


def needed(frames: Sequence[F], lost: Sequence[int]) -> list[int]:
    """The frames that cannot be decoded without some others, by definition."""
    gone = set(lost)
    for n, frame in enumerate(frames):
        if frame.key:
            gone -= {n}
        elif any(n - difference in gone for difference in frame.references or ()):
            gone.add(n)
    return sorted(gone - set(lost))


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("lost", [[5], [6], [4], [5, 6, 7], [9, 14], [1, 3, 5, 7]])
@pytest.mark.parametrize("first", [100, DESCRIPTOR - 6])
def test_exact_references_cost_what_needs_the_lost_frame_and_no_more(
    lost: list[int], size: int, first: int
) -> None:
    """Edge case 59: as the Dependency Descriptor of AV1 tells, and flexible VP9."""
    frames = exact(24, first=first)
    came = without(frames, *lost)

    flags = kept(came, size=size)

    assert missing(frames, came, flags) == needed(frames, lost)


def test_a_frame_in_part_is_a_lost_one() -> None:
    frames = exact(16)
    frames[6] = frames[6]._replace(whole=False)

    assert [n for n, flag in enumerate(kept(frames)) if not flag] == [6, 7]


def test_a_keyframe_mends_all() -> None:
    frames = exact(24)
    frames[12] = frames[12]._replace(key=True, references=())
    came = without(frames, 4)

    assert missing(frames, came, kept(came)) == [5, 6, 7, 8, 9, 10, 11]


def test_a_number_that_came_round_again_is_not_missing_any_more() -> None:
    """Hours without a keyframe are usual: numbers of 15 bits come back after 18 minutes."""
    frames = exact(LONG + 16, modulo=LONG)
    came = without(frames, 7)

    flags = kept(came, size=5000)

    assert all(flags)


def test_a_gap_too_long_to_be_frames_ends_what_can_be_decoded() -> None:
    frames = exact(600)
    came = without(frames, *range(5, 300))

    assert not any(kept(came)[5:])


def test_short_numbers_tell_nothing_of_what_is_needed() -> None:
    """Flexible VP9 with PictureIDs of 7 bits: one refers back as far as they reach."""
    frames = exact(12, modulo=SHORT)
    came = without(frames, 4)

    assert kept(came) == [True] * 4 + [False] * 7


def spatial(count: int) -> list[F]:
    """Units of two pictures each, the upper of which needs the lower one: AV1's L2T1."""
    return [
        F(2 * n, references=() if n == 0 else (2,), key=n == 0, modulo=DESCRIPTOR, rows=2)
        for n in range(count)
    ]


def test_all_layers_of_a_unit_are_lost_with_it() -> None:
    frames = spatial(6)
    frames[3] = frames[3]._replace(whole=False)
    lower_only = frames[4]._replace(rows=1)

    assert kept([*frames[:4], lower_only, frames[5]]) == [True] * 3 + [False] * 3


def test_what_shows_nothing_is_not_kept_and_costs_nothing() -> None:
    frames = numbered(6)
    frames[3] = frames[3]._replace(shown=False)

    assert kept(frames) == [True, True, True, False, True, True]


def test_spatial_layers_put_together_are_taken_as_they_are_from_an_entry_on() -> None:
    decodability = Decodability()
    frames = [F(), F(key=True), F(whole=False), F(gap=True), F()]
    units = units_of(frames)._replace(chained=True)
    entry = np.array([frame.key for frame in frames])

    flags, lost = decodability.kept(units, entry, None)

    assert flags.tolist() == [False, True, False, True, True]
    assert lost.tolist() == [False, False, False, True, False]
    again, _ = decodability.kept(units, np.zeros(5, np.bool_), None)
    assert again.tolist() == [True, True, False, True, True]
