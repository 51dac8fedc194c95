"""What the demo shows and plays, as a function of the call's time."""

from __future__ import annotations

import numpy as np
import pytest

from infra.local.demo.lettering import lettering
from infra.local.demo.picture import Painter, clock_face, flashes
from infra.local.demo.sound import beeps


@pytest.mark.parametrize(
    ("call_us", "face"),
    [(0, "00:00.000"), (1_234_567, "00:01.234"), (61_000_000, "01:01.000")],
)
def test_the_clock_shows_the_time_of_the_call(call_us: int, face: str) -> None:
    assert clock_face(call_us) == face


def test_a_picture_flashes_for_80_ms_at_each_second() -> None:
    assert [flashes(at) for at in (999_999, 1_000_000, 1_079_999, 1_080_000)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (480, 270), (1280, 720)])
def test_a_flash_is_bright_and_all_else_is_not(width: int, height: int) -> None:
    painter = Painter("alice screen", width, height, color=3)
    dark, flash = painter.paint(1_500_000), painter.paint(2_000_000)
    assert dark.shape == flash.shape == (height * 3 // 2, width)
    assert dark[:height].mean() < 130
    assert flash[:height].mean() > 200


def test_the_bar_sweeps_through_the_second() -> None:
    painter = Painter("bob", 640, 360, color=0)
    row = 360 - 360 // 8 + 2
    lengths = [int((painter.paint(at)[row] == 235).sum()) for at in (1_250_000, 1_500_000)]
    assert lengths == [160, 320]


def test_letters_are_seven_dots_high_and_grow_by_whole_dots() -> None:
    assert lettering("AB", 1).shape == (7, 12)
    assert lettering("AB", 3).shape == (21, 36)
    assert np.array_equal(lettering("AB", 3)[::3, ::3], lettering("AB", 1))
    assert np.array_equal(lettering("ü", 1), lettering("-", 1))


def test_a_beep_sounds_for_80_ms_at_each_second_and_else_there_is_silence() -> None:
    times_us = np.arange(900_000, 2_100_000, 1e6 / 48_000)
    loud = np.abs(beeps(times_us, 1_000)[:, 0]) > 8_000
    heard = times_us[loud]
    assert heard.min() == pytest.approx(1_001_000, abs=2_000)
    assert heard[heard < 1_900_000].max() == pytest.approx(1_079_000, abs=2_000)
    assert not np.any((heard > 1_080_000) & (heard < 2_000_000))


def test_a_beep_has_the_pitch_that_was_asked_for() -> None:
    times_us = 1_010_000 + np.arange(2_400) / 0.048
    spectrum = np.abs(np.fft.rfft(beeps(times_us, 1_600)[:, 1].astype(float)))
    assert int(spectrum.argmax()) * 48_000 / 2_400 == 1_600
