from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isotrack.media.simulcast import (
    LATE_US,
    LOOKAHEAD_US,
    PATIENCE_US,
    SLOWEST_PACE_US,
    LayerSelector,
    Run,
)

LOW, MIDDLE, HIGH = (1, 100), (4, 400), (16, 1600)


class Frames(NamedTuple):
    """The frames of a layer: when they play, and which are keyframes."""

    time_us: NDArray[np.int64]
    keyframe: NDArray[np.bool_]


def sent(ms: Iterable[int], keyframes: Iterable[int] = ()) -> Frames:
    """Frames at these times; the first is a keyframe, and those named."""
    times = np.array([*ms], np.int64)
    keys = np.isin(times, [*keyframes])
    keys[:1] = True
    return Frames(times * 1000, keys)


def camera(start_ms: int, end_ms: int, *keyframes: int, step: int = 40) -> Frames:
    return sent(range(start_ms, end_ms, step), keyframes)


def selected(layers: dict[tuple[int, ...], Frames], piece_ms: int = 1000) -> list[Run]:
    """The runs of layers by rank, fed a stretch of time after another."""
    selector, runs = LayerSelector([*layers]), []
    last_us = max(int(each.time_us[-1]) for each in layers.values())
    for start_us in range(0, last_us + 1, piece_ms * 1000):
        for number, layer in enumerate(layers.values()):
            mine = (layer.time_us >= start_us) & (layer.time_us < start_us + piece_ms * 1000)
            selector.add(number, layer.time_us[mine], layer.keyframe[mine])
        runs += selector.choose()
    for number in range(len(layers)):
        selector.end_of(number)
    return runs + selector.choose()


def shown(layers: dict[tuple[int, ...], Frames], piece_ms: int = 1000) -> Iterator[tuple[int, int]]:
    """Layer and milliseconds of each frame seen."""
    frames = list(layers.values())
    for run in selected(layers, piece_ms):
        for time_us in frames[run.layer].time_us[run.first : run.end].tolist():
            yield run.layer, time_us // 1000


def turns(layers: dict[tuple[int, ...], Frames], piece_ms: int = 1000) -> list[list[int]]:
    """Which layer is seen, from when to when."""
    found: list[list[int]] = []
    for layer, ms in shown(layers, piece_ms):
        if found and found[-1][0] == layer:
            found[-1][2] = ms
        else:
            found.append([layer, ms, ms])
    return found


def test_the_highest_of_three_layers_is_seen_alone() -> None:
    """Edge case 207: the keyframes that begin them are some milliseconds apart."""
    layers = {LOW: camera(0, 9000), MIDDLE: camera(3, 9000), HIGH: camera(7, 9000)}

    assert turns(layers) == [[2, 7, 8967]]


def test_rank_and_not_order_tells_which_is_the_highest() -> None:
    assert turns({HIGH: camera(0, 5000), LOW: camera(0, 5000)}) == [[0, 0, 4960]]
    assert turns({LOW: camera(0, 5000), HIGH: camera(0, 5000)}) == [[1, 0, 4960]]


def test_a_layer_that_stops_is_followed_at_the_next_keyframe_of_a_lower_one() -> None:
    """Edge case 208: no frame of the lower one before it, and back up at a keyframe."""
    high = sent([*range(0, 4000, 40), *range(12_000, 20_000, 40)], [12_000])
    layers = {LOW: camera(0, 20_000, 3000, 5200), HIGH: high}

    assert turns(layers) == [[1, 0, 3960], [0, 5200, 11_960], [1, 12_000, 19_960]]
    first, second, third = (run for run in selected(layers) if run.begins)
    assert (first.frozen, second.frozen, third.frozen) == (False, True, False)


def test_a_keyframe_right_behind_the_last_picture_is_no_freeze() -> None:
    layers = {LOW: camera(0, 9000, 4000), HIGH: camera(0, 4000)}

    assert turns(layers) == [[1, 0, 3960], [0, 4000, 8960]]
    assert not any(run.frozen for run in selected(layers))


def test_of_lower_layers_the_higher_is_taken_where_keyframes_come_together() -> None:
    layers = {
        LOW: camera(0, 9000, 5000),
        MIDDLE: camera(0, 9000, 5040),
        HIGH: camera(0, 4000),
    }

    assert turns(layers) == [[2, 0, 3960], [1, 5040, 8960]]


def test_the_low_layer_begins_where_others_have_no_keyframe() -> None:
    """Edge case 209: up, and further up, as keyframes come."""
    layers = {LOW: camera(0, 9000), MIDDLE: camera(2000, 9000), HIGH: camera(4000, 9000)}

    assert turns(layers) == [[0, 0, 1960], [1, 2000, 3960], [2, 4000, 8960]]


def test_a_keyframe_of_a_layer_that_does_not_go_on_is_left() -> None:
    high = sent([0, *range(6000, 9000, 40)], [6000])

    assert turns({LOW: camera(3, 9000), HIGH: high}) == [[0, 3, 5963], [1, 6000, 8960]]


def test_a_picture_is_never_older_than_one_seen_before() -> None:
    """Edge case 210: what is left of the clocks' errors moves layers against each other."""
    high = sent([*range(0, 4000, 40), *range(7990, 12_000, 40)], [7990])
    layers = {LOW: camera(15, 12_000, 4015), HIGH: high}

    times = [ms for _, ms in shown(layers)]

    assert times == sorted(set(times))
    assert turns(layers)[-1] == [1, 7990, 11_990]


def test_the_same_picture_is_not_seen_twice() -> None:
    layers = {LOW: camera(0, 6000), HIGH: camera(3005, 6000)}

    assert (0, 3000) not in list(shown(layers))
    assert (0, 2960) in list(shown(layers))


def test_a_pause_of_all_layers_stops_none() -> None:
    pauses = [*range(0, 2000, 40), *range(9000, 12_000, 40)]
    layers = {LOW: sent(pauses, [9000]), HIGH: sent([ms + 25 for ms in pauses])}

    assert turns(layers) == [[1, 25, 11_985]]


@pytest.mark.parametrize(("gap_ms", "stops"), [(700, False), (900, True)])
def test_a_layer_has_stopped_after_its_usual_pace_and_some_patience(
    gap_ms: int, stops: bool
) -> None:
    assert PATIENCE_US == 750_000
    high = sent([*range(0, 3000, 40), *range(2960 + gap_ms, 9000, 40)])
    layers = {LOW: camera(0, 9000, 3040), HIGH: high}

    assert (turns(layers)[1:2] == [[0, 3040, 8960]]) is stops


def test_a_shared_screen_of_a_frame_a_second_is_alive() -> None:
    layers = {LOW: camera(0, 20_000, *range(0, 20_000, 400)), HIGH: sent(range(0, 20_000, 1000))}

    assert turns(layers) == [[1, 0, 19_000]]


def test_the_end_of_all_layers_is_no_reason_to_change() -> None:
    layers = {LOW: camera(0, 5000, 4880), HIGH: camera(0, 4880)}

    assert turns(layers) == [[1, 0, 4840]]


def test_what_comes_in_pieces_gives_the_same() -> None:
    high = sent([*range(7, 4000, 40), *range(14_007, 30_000, 40)], [14_007])
    layers = {
        LOW: camera(0, 30_000, 4400, 21_000),
        MIDDLE: camera(3, 30_000, 7003, 23_003),
        HIGH: high,
    }

    expected = [[2, 7, 3967], [0, 4400, 6960], [1, 7003, 13_963], [2, 14_007, 29_967]]
    for piece_ms in (100, 400, 3000, 30_000):
        assert turns(layers, piece_ms) == expected


def test_a_layer_that_is_silent_for_an_hour_holds_nothing_up() -> None:
    selector = LayerSelector([LOW, HIGH])
    selector.add(1, *camera(0, 1000))
    seen = 0
    for second in range(3600):
        selector.add(0, *camera(second * 1000, second * 1000 + 1000))
        seen += sum(run.end - run.first for run in selector.choose())
    behind_us = 3_599_960_000 - selector.decided_us

    assert behind_us <= LATE_US + LOOKAHEAD_US
    assert seen >= 25 * 3500
    assert selector.passed(0) >= 25 * 3580


def test_one_layer_alone_is_seen_whole() -> None:
    assert turns({LOW: camera(0, 5000)}) == [[0, 0, 4960]]
    assert SLOWEST_PACE_US < LOOKAHEAD_US


layer_frames = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 60), st.integers(1, 20)), min_size=1, max_size=6
).map(
    lambda bursts: sent(
        sorted({50 * (at + i) for at, count, _ in bursts for i in range(count)}),
        {50 * (at + i) for at, count, every in bursts for i in range(0, count, every)},
    )
)


@settings(max_examples=50, deadline=None)
@given(st.lists(layer_frames, min_size=1, max_size=3), st.integers(50, 5000))
def test_whatever_is_sent_what_is_seen_can_be_decoded(made: list[Frames], piece_ms: int) -> None:
    layers = {(number,): frames for number, frames in enumerate(made)}

    runs = selected(layers, piece_ms)

    times = [ms for _, ms in shown(layers, piece_ms)]
    assert times == sorted(set(times))
    before: Run | None = None
    for run in runs:
        follows = before is not None and (before.layer, before.end) == (run.layer, run.first)
        assert run.begins or follows
        if run.begins:
            assert made[run.layer].keyframe[run.first]
        before = run
    assert turns(layers, piece_ms) == turns(layers, 100)
