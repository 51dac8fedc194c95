from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from isotrack.codecs.g722 import G722
from tests.sound import decode_sound, durations, encode_sound, silent_frames, tone

CODEC = G722()


def test_a_byte_is_a_tick_and_two_samples() -> None:
    """Edge case 160: 160 bytes are 20 ms, 160 ticks of RTP and 320 samples."""
    assert durations(CODEC, [bytes(80), bytes(160), bytes(480), b"\0"]) == [80, 160, 480, 1]

    coded = encode_sound("g722", tone(16_000, 440, 16_000), 16_000)
    assert durations(CODEC, [coded]) == [8000]
    assert len(decode_sound("g722", [coded], 16_000)) == 16_000


def test_silence_is_silence_from_the_start() -> None:
    silence = CODEC.silence(16_003)
    pcm = decode_sound("g722", silent_frames(silence), 16_000)

    assert silence.duration.tolist() == [160] * 100 + [3]
    assert len(pcm) == 2 * 16_003
    assert np.abs(pcm).max() <= 32


def sounds() -> Iterator[bytes]:
    """Sound at full scale."""
    random = np.random.default_rng(722)
    at = np.arange(8000)
    yield encode_sound("g722", np.full(8000, 30_000, np.int16), 16_000)
    yield encode_sound("g722", (30_000 * np.sign(np.sin(at * 0.04))).astype(np.int16), 16_000)
    yield encode_sound("g722", random.integers(-32_000, 32_000, 8000).astype(np.int16), 16_000)
    for frequency in (80, 440, 1000, 2500, 5000, 6500, 7500):
        yield encode_sound("g722", tone(8000, frequency, 16_000, 32_000), 16_000)


def garbage() -> Iterator[bytes]:
    """What leaves a decoder in states that sound does not."""
    random = np.random.default_rng(722)
    yield from (random.integers(0, 256, 4000, np.uint8).tobytes() for _ in range(12))
    yield from (bytes((code,)) * 4000 for code in range(0, 256, 9))


def dbfs(peak: float) -> float:
    return 20 * float(np.log10(max(peak, 1e-9) / 32_768))


@pytest.mark.parametrize("states", [sounds, garbage])
def test_silence_is_not_heard_whatever_was_decoded_before(
    states: Callable[[], Iterator[bytes]],
) -> None:
    for before in states():
        pcm = decode_sound("g722", [before, *silent_frames(CODEC.silence(8000))], 16_000)
        quiet = pcm[2 * len(before) :]

        assert len(quiet) == 16_000
        assert dbfs(float(np.abs(quiet[320:]).max())) < -51  # direct current, half of it
        assert dbfs(float(quiet[8000:].std())) < -61  # a tone of 8 kHz, or nothing at all


def speech(count: int) -> NDArray[np.int16]:
    at = np.arange(count)
    harmonics = ((5000, 150), (4000, 450), (3000, 900), (2000, 1800), (800, 3300))
    voiced = sum(peak * np.sin(at * hz * 2 * np.pi / 16_000 + hz) for peak, hz in harmonics)
    return (voiced * (0.6 + 0.4 * np.sin(at * 4 * 2 * np.pi / 16_000))).astype(np.int16)


def test_what_follows_silence_sounds_as_it_would_have() -> None:
    coded = encode_sound("g722", speech(32_000), 16_000)
    halves = coded[:8000], coded[8000:]
    whole = decode_sound("g722", halves, 16_000)[16_000:]

    parted = decode_sound("g722", [halves[0], CODEC.silence(4000).body, halves[1]], 16_000)

    wrong = whole - parted[24_000:]
    assert wrong[:1600].std() < whole[:1600].std()  # no burst where it sets in
    assert dbfs(float(wrong[1600:].std())) < -50  # and nothing is left of it after 100 ms
