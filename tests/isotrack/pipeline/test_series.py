from __future__ import annotations

import numpy as np
import pytest

from isotrack.media.activity import SECOND_US, BytesBySecond
from isotrack.pipeline.series import MAX_VALUES, Levels, Steps, by_step, kbps

NOON_S = 1_760_000_000


@pytest.mark.parametrize(
    ("length_s", "step_s", "values"),
    [(0, 1, 1), (60, 1, 60), (1000, 1, 1000), (1001, 2, 501), (3600, 5, 720), (86_400, 120, 720)],
)
def test_a_step_is_as_short_as_a_thousand_values_allow(
    length_s: int, step_s: int, values: int
) -> None:
    assert Steps.of(length_s * SECOND_US) == (step_s, values)


def test_a_file_of_months_has_no_more_values() -> None:
    assert Steps.of(100 * 86_400 * SECOND_US).values <= MAX_VALUES


def traffic(rows: dict[int, int]) -> BytesBySecond:
    return BytesBySecond(np.array([NOON_S + at for at in rows]), np.array(list(rows.values())))


def test_streams_are_added_up_and_what_is_outside_is_left_out() -> None:
    first, second = traffic({-1: 9999, 0: 1000, 1: 250}), traffic({1: 250, 5: 125, 60: 9999})

    assert kbps([first, second], NOON_S, Steps(1, 6)) == (8, 4, 0, 0, 0, 1)
    assert kbps([first, second], NOON_S, Steps(2, 3)) == (6, 0, 1)
    assert kbps([], NOON_S, Steps(2, 3)) == (0, 0, 0)


def test_levels_of_a_step_are_the_highest_peak_and_the_mean_of_power() -> None:
    levels = Levels(
        time_us=NOON_S * SECOND_US + np.array([100, 500_000, 1_500_000, 5_000_000, -1]),
        peak_dbov=np.array([-30, -20, -127, -50, 0], np.int8),
        mean_dbov=np.array([-40, -30, -127, -60, 0], np.int8),
    )

    peak, mean = by_step(levels, NOON_S * SECOND_US, Steps(2, 3))

    assert peak == (-20, None, -50)
    # (10 ** -4 + 10 ** -3 + nothing) / 3 is -34.4 dB.
    assert mean == (-34, None, -60)
