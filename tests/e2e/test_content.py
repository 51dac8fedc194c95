"""The measuring instruments themselves, on files whose content is known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from infra.local.demo.picture import Painter
from infra.local.demo.sound import beeps
from isotrack.adapters.ffmpeg import (
    AUDIO_FRAME_SAMPLES,
    AudioEncoder,
    PictureSize,
    VideoCodec,
    VideoEncoder,
)
from tests.e2e.content import audio_content, seconds_in, video_content

OPUS_LOOK_AHEAD_MS = 6.5
"""libopus delays sound by 312 samples, which a decoder without pre-skip does not take back."""

START_MS = 340
"""Of the call, where these files begin: no whole second."""


def _film(path: Path, codec: VideoCodec, seconds: int) -> None:
    painter = Painter("test", 160, 96, color=1)
    encoder = VideoEncoder(codec, 160, 96, fps=25, bitrate_bps=200_000)
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream(codec, rate=25, width=160, height=96)
        for at_ms in range(START_MS, START_MS + seconds * 1000, 40):
            packet = av.Packet(encoder.encode(painter.paint(at_ms * 1000)))
            packet.stream, packet.pts, packet.dts = stream, at_ms - START_MS, at_ms - START_MS
            packet.time_base, packet.is_keyframe = Fraction(1, 1000), at_ms == START_MS
            container.mux(packet)


def _tape(path: Path, packets: int, silent: range) -> None:
    encoder = AudioEncoder()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="stereo")
        for number in range(packets):
            first = START_MS * 48 + number * AUDIO_FRAME_SAMPLES
            at_us = np.arange(first, first + AUDIO_FRAME_SAMPLES) / 0.048
            encoded = encoder.encode(beeps(at_us, 1_000))
            if number in silent:
                continue
            packet = av.Packet(encoded)
            packet.stream = stream
            packet.pts = packet.dts = number * AUDIO_FRAME_SAMPLES
            packet.time_base = Fraction(1, 48_000)
            container.mux(packet)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_flashes_are_found_at_the_picture_that_shows_them_first(
    codec: VideoCodec, tmp_path: Path
) -> None:
    _film(tmp_path / "film.mkv", codec, seconds=4)
    content = video_content(tmp_path / "film.mkv")
    assert content.count == 100
    assert content.corrupt == 0
    # 340 + 40 n first reaches a second at 1020, 2020, ... : 20 ms after it, the camera's own grid.
    assert content.flashes_ms == (680.0, 1680.0, 2680.0, 3680.0)
    assert content.sizes == (PictureSize(0, 160, 96),)
    assert content.longest_pause_ms == 40


def test_beeps_are_found_to_five_milliseconds(tmp_path: Path) -> None:
    _tape(tmp_path / "tape.mkv", packets=200, silent=range(0))
    found = audio_content(tmp_path / "tape.mkv").beeps_ms
    truth = [second * 1000 - START_MS + OPUS_LOOK_AHEAD_MS for second in (1, 2, 3, 4)]
    assert found == pytest.approx(truth, abs=5)


def test_a_hole_in_the_sound_is_measured_and_its_beep_missed(tmp_path: Path) -> None:
    _tape(tmp_path / "tape.mkv", packets=200, silent=range(70, 90))  # 1740 to 2140 ms of the call
    content = audio_content(tmp_path / "tape.mkv")
    truth = [second * 1000 - START_MS + OPUS_LOOK_AHEAD_MS for second in (1, 3, 4)]
    assert content.beeps_ms == pytest.approx(truth, abs=5)
    assert content.longest_hole_ms == pytest.approx(400, abs=2)


def test_only_seconds_that_are_whole_in_a_stretch_count() -> None:
    assert seconds_in([(1200, 2500), (4000, 6050)]) == [2000, 4000, 5000]
