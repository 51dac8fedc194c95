from __future__ import annotations

from isotrack.media.stretches import Stretches
from isotrack.pipeline.clipping import Clip

START_US = 1_760_000_000_000_000
CLIP = Clip(START_US, START_US + 10_000_000)


def at(ms: int) -> int:
    return START_US + ms * 1000


def test_times_are_rounded_to_the_nearest_millisecond() -> None:
    assert [CLIP.ms(START_US + us) for us in (-1501, -400, 499, 500, 1499)] == [-2, 0, 0, 1, 1]


def test_what_is_outside_the_file_does_not_count() -> None:
    stretches = Stretches()
    for start_ms, end_ms in [(-5000, -4000), (-300, 200), (1000, 3000), (9000, 12_000)]:
        stretches.add(at(start_ms), at(end_ms))

    clipped = CLIP.clipped(stretches)

    assert clipped.ms == [(0, 200), (1000, 3000), (9000, 10_000)]
    assert clipped.total_ms == 200 + 2000 + 1000
    assert clipped.joined == 0


def test_what_was_joined_is_told_and_the_total_stays_exact() -> None:
    stretches = Stretches(2)
    for start_ms in (0, 1000, 1100, 5000):
        stretches.add(at(start_ms), at(start_ms + 50))

    clipped = CLIP.clipped(stretches)

    assert clipped.ms == [(0, 1150), (5000, 5050)]
    assert clipped.total_ms == 200
    assert clipped.joined == 2
