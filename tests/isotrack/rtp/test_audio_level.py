from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.audio_level import ABSENT, SILENCE, AudioLevels, read_audio_levels
from isotrack.rtp.extensions import element
from isotrack.rtp.header import write_header
from tests.packets import packets_of

LEVEL = 1


def read(extensions: Sequence[dict[int, bytes]], identifier: int = LEVEL) -> AudioLevels:
    packets = packets_of(
        [write_header(111, n, 960 * n, 7, False, each) + b"x" for n, each in enumerate(extensions)]
    )
    return read_audio_levels(packets.buffer, *element(packets, identifier))


@pytest.mark.parametrize(
    ("value", "level", "voice"),
    [(0x00, 0, False), (0x80, 0, True), (0x2A, 42, False), (0xAA, 42, True), (0x7F, 127, False)],
)
def test_the_top_bit_is_a_voice_and_the_rest_how_far_below_the_loudest(
    value: int, level: int, voice: bool
) -> None:
    """Edge case 34."""
    found = read([{LEVEL: bytes((value,))}])

    assert (found.level.tolist(), found.voice.tolist()) == ([level], [voice])


def test_a_voice_that_is_silent_is_read_as_it_is() -> None:
    """Edge case 34: Chromium sends 0xFF, 1032 times in one capture."""
    found = read([{LEVEL: b"\xff"}] * 1032)

    assert found.level.tolist() == [SILENCE] * 1032
    assert found.voice.all()


@pytest.mark.parametrize("size", [0, 2, 3, 7, 16, 17])
def test_an_element_of_another_size_says_nothing(size: int) -> None:
    """Edge case 33: the packet is used, the value is absent."""
    found = read([{LEVEL: b"\x80" * size}, {LEVEL: b"\x90"}, {}])

    assert found.level.tolist() == [ABSENT, 16, ABSENT]
    assert found.voice.tolist() == [False, True, False]


def test_both_forms_of_extensions_and_packets_without_stand_side_by_side() -> None:
    """Edge case 34."""
    found = read([{LEVEL: b"\x85"}, {LEVEL: b"\x06", 20: b""}, {}, {2: b"\x85"}])

    assert found.level.tolist() == [5, 6, ABSENT, ABSENT]


def test_an_id_means_what_its_own_track_says() -> None:
    """Edge case 38: ids are per media section, 3 is a level here and a mid there."""
    microphone, camera = [{3: b"\x91"}], [{3: b"0", 4: b"\x92"}]

    assert read(microphone, 3).level.tolist() == [17]
    assert read(camera, 4).level.tolist() == [18]


def test_no_packets_have_no_levels() -> None:
    nothing = np.zeros(0, np.int64)
    found = read_audio_levels(np.zeros(0, np.uint8), nothing, nothing)

    assert (found.level.size, found.voice.size) == (0, 0)
    assert found.level.dtype == np.int8


@given(st.lists(st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=3)), max_size=9))
def test_every_level_is_one_that_its_packet_says(extensions: list[dict[int, bytes]]) -> None:
    if not extensions:
        return
    found = read(extensions)

    said = [each.get(LEVEL, b"") for each in extensions]
    assert found.level.tolist() == [v[0] & 127 if len(v) == 1 else ABSENT for v in said]
    assert found.voice.tolist() == [len(v) == 1 and v[0] > 127 for v in said]
