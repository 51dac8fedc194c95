"""Track entries: what they hold, what players make of them, and those that cannot be."""

from __future__ import annotations

import io
import math

import av
import numpy as np
import pytest

from isotrack.codecs.audio import audio_codec
from isotrack.matroska.tracks import TrackEntry, acm, av1, avc, hevc, opus, vp8, vp9
from tests.ebml_reader import Element, read_elements
from tests.isotrack.matroska.recording import (
    Frame,
    avcc_of,
    demux,
    encode_video,
    to_avcc,
    write_file,
)
from tests.sound import decode_sound, encode_sound, silent_frames, tone

CAMERA = vp8(1, 11, 320, 240)
MICROPHONE = opus(2, 22, 2, b"OpusHead")


@pytest.mark.parametrize(
    ("track", "message"),
    [
        (CAMERA._replace(number=0), "track number 0"),
        (CAMERA._replace(number=127), "track number 127"),
        (CAMERA._replace(uid=0), "no UID"),
        (CAMERA._replace(uid=1 << 64), "unsigned integer"),
        (CAMERA._replace(kind="subtitle"), "subtitle"),
        (CAMERA._replace(height=0), "no picture size"),
        (CAMERA._replace(width=1 << 32), "unsigned integer"),
        (CAMERA._replace(roll_degrees=181), "turned by 181 degrees"),
        (CAMERA._replace(roll_degrees=-270), "turned by -270 degrees"),
        (CAMERA._replace(codec_id="V_ÜP8"), "ASCII"),
        (MICROPHONE._replace(channels=0), "no channels"),
        (MICROPHONE._replace(sampling_frequency=0.0), "no sampling frequency"),
        (MICROPHONE._replace(default_duration_ns=-1), "-1"),
    ],
)
def test_a_track_that_cannot_be_is_refused(track: TrackEntry, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        track.encode()


def read_entry(track: TrackEntry) -> Element:
    element = track.encode()
    (entry,) = read_elements(element, 0, len(element))
    return entry


def test_every_field_is_written() -> None:
    track = avc(126, (1 << 64) - 1, 1280, 720, b"\x01avcC", name="Bildschirm")._replace(
        codec_delay_ns=6_500_000, default_duration_ns=40_000_000
    )
    entry = read_entry(track)
    fields = {child.name: child.value for child in entry.children if not child.children}
    assert fields == {
        "TrackNumber": 126,
        "TrackUID": (1 << 64) - 1,
        "TrackType": 1,
        "FlagLacing": 0,
        "Language": "und",
        "Name": "Bildschirm",
        "CodecID": "V_MPEG4/ISO/AVC",
        "CodecPrivate": b"\x01avcC",
        "DefaultDuration": 40_000_000,
        "CodecDelay": 6_500_000,
    }
    video = {child.name: child.value for child in entry.one("Video").children}
    del video["Void"]  # room for a roll
    assert video == {"FlagInterlaced": 2, "PixelWidth": 1280, "PixelHeight": 720}


@pytest.mark.parametrize(
    ("track", "codec_id", "private"),
    [
        (vp9(1, 2, 640, 360), "V_VP9", b""),
        (av1(1, 2, 640, 360, b"\x81\x05"), "V_AV1", b"\x81\x05"),
        (hevc(1, 2, 640, 360, b"\x01hvcC"), "V_MPEGH/ISO/HEVC", b"\x01hvcC"),
    ],
)
def test_each_codec_has_its_name_and_its_configuration(
    track: TrackEntry, codec_id: str, private: bytes
) -> None:
    fields = {child.name: child.value for child in read_entry(track._replace(name="x")).children}

    assert (fields["CodecID"], fields["Name"]) == (codec_id, "x")
    assert fields.get("CodecPrivate", b"") == private
    assert "Name" not in {child.name for child in read_entry(track).children}


def test_another_picture_size_can_be_written_over_the_first() -> None:
    sizes = [(1, 1), (320, 240), (65_536, 16), (1 << 31, (1 << 32) - 1)]
    entries = [CAMERA._replace(width=width, height=height) for width, height in sizes]

    assert len({len(entry.encode()) for entry in entries}) == 1
    for entry, (width, height) in zip(entries, sizes, strict=True):
        video = {child.name: child.value for child in read_entry(entry).one("Video").children}
        del video["Void"]
        assert video == {"FlagInterlaced": 2, "PixelWidth": width, "PixelHeight": height}


def test_a_roll_can_be_written_over_none() -> None:
    entries = [CAMERA._replace(roll_degrees=degrees) for degrees in (0, -90, 90, 180)]
    assert len({len(entry.encode()) for entry in entries}) == 1


@pytest.mark.parametrize("degrees", [-90, 90, 180, -180, 7])
def test_a_picture_that_is_turned_has_a_projection(degrees: int) -> None:
    video = read_entry(CAMERA._replace(roll_degrees=degrees)).one("Video")

    fields = {child.name: child.value for child in video.one("Projection").children}
    assert fields == {"ProjectionType": 0, "ProjectionPoseRoll": float(degrees)}


@pytest.mark.parametrize("degrees", [0, -90, 90, 180])
@pytest.mark.parametrize("codec", ["libvpx", "libx264"])
def test_players_turn_the_picture(codec: str, degrees: int) -> None:
    """Edge case 35: "turn 90 degrees clockwise" is a roll of -90."""
    frames = encode_video(codec, 64, 32, 2)
    if codec == "libvpx":
        track = vp8(1, 11, 64, 32)
    else:
        track, frames = avc(1, 11, 64, 32, avcc_of(frames[0])), to_avcc(frames)
    file = write_file([track._replace(roll_degrees=degrees)], frames, duration_ms=80)

    with av.open(io.BytesIO(file)) as container:
        decoded = list(container.decode(video=0))
    # FFmpeg's rotation counts counterclockwise.
    assert {(frame.rotation - degrees) % 360 for frame in decoded} == {0}
    assert len(decoded) == 2


RATES = {"pcmu": 8000, "pcma": 8000, "g722": 16_000}


@pytest.mark.parametrize(
    ("codec", "rate", "channels", "private"),
    [
        ("pcmu", 8000, 1, "07000100401f0000401f0000010008000000"),
        ("pcmu", 8000, 2, "07000200401f0000803e0000020008000000"),
        ("pcma", 8000, 1, "06000100401f0000401f0000010008000000"),
        ("pcma", 16_000, 2, "06000200803e0000007d0000020008000000"),
        ("g722", 16_000, 1, "8f020100803e0000401f0000010004000000"),
    ],
)
def test_a_wave_format_says_what_the_sound_is(
    codec: str, rate: int, channels: int, private: str
) -> None:
    entry = read_entry(acm(2, 22, codec, rate, channels, name="audio"))

    fields = {child.name: child.value for child in entry.children}
    assert (fields["CodecID"], fields["Name"]) == ("A_MS/ACM", "audio")
    assert fields["CodecPrivate"] == bytes.fromhex(private)
    audio = {child.name: child.value for child in entry.one("Audio").children}
    assert audio == {"SamplingFrequency": float(rate), "Channels": channels}


@pytest.mark.parametrize(
    ("codec", "rate", "channels", "message"),
    [
        ("opus", 48_000, 2, "'opus' has no WAVE format"),
        ("pcmu", 8000, 1 << 16, "no WAVEFORMATEX"),
        ("pcmu", -1, 1, "no WAVEFORMATEX"),
        ("pcmu", 1 << 32, 1, "no WAVEFORMATEX"),
    ],
)
def test_what_a_wave_format_cannot_say_is_refused(
    codec: str, rate: int, channels: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        acm(2, 22, codec, rate, channels)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("codec", ["pcmu", "pcma", "g722"])
def test_files_of_telephone_sound_decode_to_what_was_said_when_it_was(
    codec: str, channels: int
) -> None:
    """Edge cases 160 and 162: a tone, half a second of nothing, and the tone again."""
    if codec == "g722" and channels == 2:
        return
    rate, layout = RATES[codec], "stereo" if channels == 2 else "mono"
    pcm = np.repeat(tone(rate, 440, rate), channels)
    coded = encode_sound(codec, pcm, rate, layout)
    size = len(coded) // 50  # of 20 ms
    assert size == 160 * channels
    payloads = [coded[at : at + size] for at in range(0, len(coded), size)]
    frames = [Frame(2, n * 20 + 500 * (n >= 25), True, each) for n, each in enumerate(payloads)]
    track = acm(2, 22, codec, rate, channels)

    file = write_file([track], frames, duration_ms=1500)

    assert [frame[1:] for frame in demux(file)] == [frame[1:] for frame in frames]
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.audio[0]
        assert (stream.sample_rate, stream.channels) == (rate, channels)
        decoded = list(container.decode(stream))
    assert [frame.pts * frame.time_base * 1000 for frame in decoded] == [f.time_ms for f in frames]
    assert {frame.samples for frame in decoded} == {rate // 50}
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in decoded])
    assert np.array_equal(samples, decode_sound(codec, payloads, rate, layout))
    loud = np.abs(np.fft.rfft(samples.reshape(-1, channels)[:, 0]))
    assert int(loud.argmax()) == 440


@pytest.mark.parametrize("codec", ["pcmu", "pcma", "g722"])
def test_silence_put_into_a_file_is_as_long_as_it_says(codec: str) -> None:
    rate = RATES[codec]
    silence = audio_codec(codec, 8000, 1, {}).silence(8000 + 83)
    starts = np.cumsum(silence.duration) - silence.duration
    frames = [
        Frame(2, int(start) // 8, True, body)
        for start, body in zip(starts, silent_frames(silence), strict=True)
    ]

    file = write_file([acm(2, 22, codec, rate, 1)], frames, duration_ms=1010)

    with av.open(io.BytesIO(file)) as container:
        samples = np.concatenate([f.to_ndarray().reshape(-1) for f in container.decode(audio=0)])
    assert len(samples) == (8000 + 83) * rate // 8000
    assert 20 * math.log10(max(int(np.abs(samples).max()), 1) / 32_768) < -60
