from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import pytest

from isotrack.media.placed import Placed
from isotrack.media.silence import MIN_HOLE_US, Hole, SilenceFiller, silence

START_US = 1_760_000_000_000_000


def sound(*times_ms: float, lost: Sequence[int] = (), duration_us: int = 20_000) -> Placed:
    count = len(times_ms)
    return Placed(
        time_us=START_US + np.array([int(t * 1000) for t in times_ms], np.int64),
        duration_us=np.full(count, duration_us),
        keyframe=np.ones(count, np.bool_),
        after_loss=np.isin(np.arange(count), list(lost)),
        size=np.full(count, 2),
        body=b"".join(bytes([0xFC, i]) for i in range(count)),
    )


def filled(filler: SilenceFiller, *pieces: Placed) -> list[tuple[int, int, bytes]]:
    """Time and duration in us from the start, and bytes, of each frame."""
    found = []
    for given in pieces:
        for piece in filler.fill(given):
            placed = silence(piece) if isinstance(piece, Hole) else piece
            ends = np.cumsum(placed.size)
            for i in range(placed.count):
                body = bytes(placed.body[ends[i] - placed.size[i] : ends[i]])
                found.append((int(placed.time_us[i]) - START_US, int(placed.duration_us[i]), body))
    return found


def test_sound_without_a_hole_is_left_as_it_is() -> None:
    placed = sound(0, 20, 40, 60)
    filler = SilenceFiller(START_US)

    assert filler.fill(placed) == [placed]
    assert filler.holes == []


@pytest.mark.parametrize("jitter_ms", [-9, -1, 1, 9.9])
def test_the_jitter_of_clocks_is_not_filled(jitter_ms: float) -> None:
    filler = SilenceFiller(START_US)

    found = filled(filler, sound(0, 20, 40 + jitter_ms), sound(60, 80 + jitter_ms))

    assert len(found) == 5
    assert filler.holes == []


def test_a_hole_is_filled_with_valid_silent_frames() -> None:
    filler = SilenceFiller(START_US)

    found = filled(filler, sound(0, 20, 100))

    assert found == [
        (0, 20_000, b"\xfc\x00"),
        (20_000, 20_000, b"\xfc\x01"),
        (40_000, 20_000, b"\xfc\xff\xfe"),
        (60_000, 20_000, b"\xfc\xff\xfe"),
        (80_000, 20_000, b"\xfc\xff\xfe"),
        (100_000, 20_000, b"\xfc\x02"),
    ]
    assert filler.holes == [Hole(START_US + 40_000, START_US + 100_000, False)]


@pytest.mark.parametrize("hole_us", [10_000, 12_499, 17_500, 39_999, 60_001, 9_999_999, 65_432_101])
def test_every_hole_ends_within_two_and_a_half_milliseconds(hole_us: int) -> None:
    placed = silence(Hole(START_US, START_US + hole_us, False))

    ends = placed.time_us + placed.duration_us
    assert 0 <= START_US + hole_us - ends[-1] < 2500
    assert placed.time_us[0] == START_US
    assert np.abs(np.diff(placed.time_us) - placed.duration_us[:-1]).max(initial=0) <= 1
    assert len(placed.body) == placed.size.sum()


def test_a_lane_that_comes_in_later_is_led_in() -> None:
    found = filled(SilenceFiller(START_US), sound(1000))

    assert found[0] == (0, 20_000, b"\xfc\xff\xfe")
    assert len(found) == 51


def test_a_hole_over_the_end_of_a_batch_is_one_hole() -> None:
    filler = SilenceFiller(START_US)

    found = filled(filler, sound(0), sound(500, lost=[0]))

    assert len(found) == 1 + 24 + 1
    assert filler.holes == [Hole(START_US + 20_000, START_US + 500_000, True)]


def test_comfort_noise_between_holes_makes_one_entry() -> None:
    filler = SilenceFiller(START_US)

    filled(filler, sound(0, 400, 800, 1200))

    assert filler.holes == [Hole(START_US + 20_000, START_US + 1_200_000, False)]


def test_loss_is_not_taken_together_with_silence() -> None:
    filler = SilenceFiller(START_US)

    filled(filler, sound(0, 400, 800, lost=[2]))

    assert [hole.lost for hole in filler.holes] == [False, True]


def test_longer_frames_cover_what_comes_before_they_end() -> None:
    filler = SilenceFiller(START_US)

    assert len(filled(filler, sound(0, duration_us=60_000), sound(60))) == 2


def test_sound_that_is_placed_before_what_was_there_opens_no_hole_behind_it() -> None:
    filler = SilenceFiller(START_US)

    filled(filler, sound(0, 20, 5, 40))

    assert filler.holes == []


@pytest.mark.parametrize("seconds", [0.5, 10, 25.5])
def test_a_hole_is_cut_into_pieces_that_give_the_same_silence(seconds: float) -> None:
    hole = Hole(START_US, START_US + int(seconds * 1e6) + 17_300, False)
    pieces, rest = [], hole
    while rest.start_us < rest.end_us:
        first, rest = rest.split()
        pieces.append(silence(first))

    whole = silence(hole)
    assert b"".join(bytes(p.body) for p in pieces) == whole.body
    assert np.array_equal(np.concatenate([p.time_us for p in pieces]), whole.time_us)
    assert max(p.count for p in pieces) <= 504


def test_silence_decodes_to_as_much_silence() -> None:
    placed = silence(Hole(START_US, START_US + 537_500, False))
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    ends = np.cumsum(placed.size).tolist()
    samples = [
        frame.to_ndarray()
        for end, size in zip(ends, placed.size.tolist(), strict=True)
        for frame in decoder.decode(av.Packet(bytes(placed.body[end - size : end])))
    ]

    pcm = np.concatenate([each.reshape(-1) for each in samples])
    assert len(pcm) == 2 * 48_000 * 0.5375
    assert np.abs(pcm.astype(np.float64)).max() == 0


def test_holes_too_short_to_fill_are_short() -> None:
    assert MIN_HOLE_US < 20_000
