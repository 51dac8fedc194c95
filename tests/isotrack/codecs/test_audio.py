"""What holds of every audio codec alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.audio import AudioCodec, audio_codec
from tests.sound import durations, silent_frames

SHORTEST = {"opus": 120, "pcmu": 1, "pcma": 1, "g722": 1}
CODECS = [("opus", 48_000, 2), ("pcmu", 8000, 1), ("pcma", 8000, 2), ("g722", 8000, 1)]


def codec_of(name: str, clock_rate: int, channels: int) -> AudioCodec:
    return audio_codec(name, clock_rate, channels, {})


every_codec = pytest.mark.parametrize(("name", "clock_rate", "channels"), CODECS)


@every_codec
@given(ticks=st.integers(0, 100_000))
def test_silence_fills_what_it_is_given_up_to_the_shortest_frame(
    name: str, clock_rate: int, channels: int, ticks: int
) -> None:
    silence = codec_of(name, clock_rate, channels).silence(ticks)

    assert 0 <= ticks - silence.duration.sum() < SHORTEST[name]
    assert silence.size.sum() == len(silence.body)
    assert len(silence.duration) == len(silence.size)


@every_codec
def test_silent_frames_last_what_the_codec_says_of_them(
    name: str, clock_rate: int, channels: int
) -> None:
    codec = codec_of(name, clock_rate, channels)
    silence = codec.silence(clock_rate * 3 + 1234)

    assert durations(codec, silent_frames(silence)) == silence.duration.tolist()
    assert silence.duration.max() == clock_rate // 50


@every_codec
@pytest.mark.parametrize("ticks", [0, -1, -48_000])
def test_there_is_no_silence_in_no_time(
    name: str, clock_rate: int, channels: int, ticks: int
) -> None:
    silence = codec_of(name, clock_rate, channels).silence(ticks)

    assert (len(silence.duration), len(silence.size), silence.body) == (0, 0, b"")


@every_codec
def test_an_empty_payload_is_not_to_be_played(name: str, clock_rate: int, channels: int) -> None:
    codec = codec_of(name, clock_rate, channels)

    assert durations(codec, [b"", b""]) == [0, 0]
    nothing = np.zeros(0, np.int64)
    assert codec.durations(np.zeros(0, np.uint8), nothing, nothing).tolist() == []


@every_codec
def test_the_clock_of_rtp_is_not_always_that_of_the_sound(
    name: str, clock_rate: int, channels: int
) -> None:
    """Edge case 160: G.722 counts 8000 ticks a second, and samples 16,000 times."""
    codec = codec_of(name, clock_rate, channels)

    assert codec.clock_rate == clock_rate
    assert codec.sampling_frequency == (16_000 if name == "g722" else clock_rate)


def test_opus_of_more_than_two_channels_is_refused() -> None:
    """Edge case 150: it has a channel mapping of its own, and no stereo header describes it."""
    with pytest.raises(ValueError, match="Opus of 6 channels"):
        audio_codec("opus", 48_000, 6, {})
    with pytest.raises(ValueError, match="mapping of its own"):
        audio_codec("opus", 48_000, 2, {"channel_mapping": "0,4,1,2,3,5"})
    with pytest.raises(ValueError, match="'multiopus'"):
        audio_codec("multiopus", 48_000, 6, {"num_streams": "4"})


@pytest.mark.parametrize("name", ["cn", "telephone-event", "red", "l16", "vp8", ""])
def test_what_is_no_sound_has_no_codec(name: str) -> None:
    with pytest.raises(ValueError, match=f"no audio codec is called '{name}'"):
        audio_codec(name, 8000, 1, {})


@pytest.mark.parametrize(
    ("name", "clock_rate", "channels", "message"),
    [
        ("opus", 16_000, 2, r"clock of opus is 48000 Hz \(RFC 7587"),
        ("g722", 16_000, 1, r"clock of g722 is 8000 Hz \(RFC 3551"),
        ("g722", 8000, 2, "mono only"),
        ("pcmu", 8000, 6, "6 channels"),
        ("pcma", 8000, 0, "0 channels"),
        ("pcma", 1, 1, "clock rate of 1 Hz"),
    ],
)
def test_a_codec_with_a_clock_or_channels_it_does_not_have_is_refused(
    name: str, clock_rate: int, channels: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        audio_codec(name, clock_rate, channels, {})
