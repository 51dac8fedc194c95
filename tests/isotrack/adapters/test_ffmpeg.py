"""FFmpeg's encoders and decoders as we use them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from isotrack.adapters.ffmpeg import (
    AUDIO_FRAME_SAMPLES,
    AudioEncoder,
    PictureSize,
    VideoCodec,
    VideoEncoder,
    pictures,
    probe,
    sounds,
)
from isotrack.recording.errors import CorruptInput


def _gray(width: int, height: int, luma: int) -> np.ndarray:
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    picture[:height] = luma
    return picture


def _encoder(codec: VideoCodec, width: int = 160, height: int = 96) -> VideoEncoder:
    return VideoEncoder(codec, width, height, fps=25, bitrate_bps=200_000)


def _mux(path: Path, codec: VideoCodec, frames: list[bytes], keyframes: tuple[int, ...]) -> None:
    """A file of these frames, 40 ms apart, made by FFmpeg's own muxer."""
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream(codec, rate=25, width=160, height=96)
        for number, frame in enumerate(frames):
            packet = av.Packet(frame)
            packet.stream, packet.pts, packet.dts = stream, number * 40, number * 40
            packet.time_base, packet.is_keyframe = Fraction(1, 1000), number in keyframes
            container.mux(packet)


def _turned(path: Path, codec: VideoCodec) -> Path:
    """Eight pictures, dark but for the fifth; after the sixth the camera is turned."""
    lying, standing = _encoder(codec), _encoder(codec, 96, 160)
    frames = [lying.encode(_gray(160, 96, 235 if n == 4 else 40)) for n in range(6)]
    frames += [standing.encode(_gray(96, 160, 40)) for _ in range(2)]
    _mux(path, codec, frames, keyframes=(0, 6))
    return path


def test_each_picture_gives_one_frame_at_once() -> None:
    for codec in ("vp8", "h264"):
        encoder = _encoder(codec)
        assert all(encoder.encode(_gray(160, 96, 40 + n)) for n in range(5))


def test_a_vp8_frame_is_a_keyframe_when_asked_and_only_then() -> None:
    encoder = _encoder("vp8")
    frames = [encoder.encode(_gray(160, 96, 40), keyframe=n == 3) for n in range(6)]
    is_keyframe = [not frame[0] & 1 for frame in frames]  # RFC 6386, section 9.1
    assert is_keyframe == [True, False, False, True, False, False]


def test_each_idr_picture_of_h264_brings_its_parameter_sets() -> None:
    encoder = _encoder("h264")
    frames = [encoder.encode(_gray(160, 96, 40), keyframe=n == 3) for n in range(6)]
    types = [
        {unit[0] & 0x1F for unit in frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit}
        for frame in frames
    ]
    assert [{7, 8, 5} <= found for found in types] == [True, False, False, True, False, False]
    assert all(1 in found for found in (types[1], types[2], types[4], types[5]))


def test_an_audio_packet_is_20_ms_of_stereo_opus() -> None:
    packet = AudioEncoder().encode(np.zeros((AUDIO_FRAME_SAMPLES, 2), np.int16))
    configuration, stereo, frames = packet[0] >> 3, packet[0] >> 2 & 1, packet[0] & 3
    assert configuration in {1, 5, 9, 13, 15, 19, 23, 27, 31}  # 20 ms (RFC 6716, table 2)
    assert stereo == 1
    assert frames == 0  # one


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_pictures_come_back_with_their_time_and_brightness(
    codec: VideoCodec, tmp_path: Path
) -> None:
    seen = list(pictures(_turned(tmp_path / "turned.mkv", codec)))
    assert [picture.at_us for picture in seen] == [n * 40_000 for n in range(8)]
    assert [picture.luma.mean() > 200 for picture in seen] == [n == 4 for n in range(8)]
    assert [picture.luma.shape for picture in seen] == [(96, 160)] * 6 + [(160, 96)] * 2
    assert not any(picture.corrupt for picture in seen)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_a_probe_tells_each_size_and_when_it_first_shows(codec: VideoCodec, tmp_path: Path) -> None:
    summary = probe(_turned(tmp_path / "turned.mkv", codec))
    assert summary.codecs == (codec,)
    assert summary.sizes == (PictureSize(0, 160, 96), PictureSize(240, 96, 160))
    assert abs(summary.duration_ms - 320) <= 40  # the last picture's own duration is unknown


def test_sound_comes_back_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "tone.mkv"
    encoder = AudioEncoder()
    tone = (16_000 * np.sin(np.arange(AUDIO_FRAME_SAMPLES) / 6)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="stereo")
        for number in range(10):
            packet = av.Packet(encoder.encode(np.stack((tone, tone), axis=1)))
            packet.stream, packet.pts, packet.dts = stream, number * 960, number * 960
            packet.time_base = Fraction(1, 48_000)
            container.mux(packet)
    heard = list(sounds(path))
    assert sum(sound.samples.shape[1] for sound in heard) > 9 * AUDIO_FRAME_SAMPLES
    assert heard[5].samples.shape[0] == 2
    assert float(np.abs(heard[5].samples).max()) == pytest.approx(0.49, abs=0.1)
    steps = np.diff([sound.at_us for sound in heard[1:]])
    assert steps == pytest.approx([20_000] * len(steps), abs=1_000)  # Matroska counts milliseconds


def test_a_file_that_is_no_media_is_corrupt_input(tmp_path: Path) -> None:
    path = tmp_path / "noise.mkv"
    path.write_bytes(b"not a media file" * 100)
    with pytest.raises(CorruptInput, match=r"noise\.mkv cannot be decoded"):
        probe(path)


def test_a_damaged_frame_is_reported_and_not_concealed(tmp_path: Path) -> None:
    encoder = _encoder("vp8")
    noise = np.random.default_rng(7)
    frames = [encoder.encode(noise.integers(0, 255, (144, 160), dtype=np.uint8)) for _ in range(4)]
    frames[2] = frames[2][:3]
    path = tmp_path / "damaged.mkv"
    _mux(path, "vp8", frames, keyframes=(0,))
    with pytest.raises(CorruptInput, match=r"damaged\.mkv cannot be decoded"):
        list(pictures(path))
