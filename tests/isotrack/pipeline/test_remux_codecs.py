"""Every codec from an encoder through packets, chunks and files to a decoder."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest

from isotrack.codecs import av1, h264, h265, vp8, vp9_packetizer
from isotrack.recording.tracks import TrackType
from tests.frames import encode_video
from tests.isotrack.pipeline.remuxing import demuxed, made, matroska
from tests.nal import decode
from tests.pcap import read_pcap
from tests.sessions import START_US, Datagram, Sender, Session, opus_call
from tests.sound import decode_sound, encode_sound, tone

DATA = Path(__file__).parents[2] / "data"
SECONDS, FRAMES = 2, 60


class Video(NamedTuple):
    """How a codec is encoded, sent and decoded here."""

    encoder: str
    decoder: str
    options: Mapping[str, str]
    packetize: Callable[[bytes, int], list[bytes]]
    """The payloads of a frame, given its number."""


REALTIME = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "20"}
ZERO_LATENCY = {"preset": "ultrafast", "tune": "zerolatency", "g": "20"}
X265 = {"x265-params": "log-level=none:keyint=20:repeat-headers=1:scenecut=0"}
SVT = {"preset": "11", "g": "20", "svtav1-params": "rc=2:pred-struct=1:rtc=1:lp=1"}
VIDEO = {
    "VP8": Video("libvpx", "vp8", REALTIME, lambda frame, n: vp8.packetize(frame, n, 1100)),
    "VP9": Video(
        "libvpx-vp9", "vp9", REALTIME, lambda frame, n: vp9_packetizer.packetize(frame, n, 1100)
    ),
    "H264": Video(
        "libx264",
        "h264",
        ZERO_LATENCY,
        lambda frame, _: h264.packetize(h264.split_annexb(frame), 1100),
    ),
    "H265": Video(
        "libx265",
        "hevc",
        ZERO_LATENCY | X265,
        lambda frame, _: h265.packetize(h265.split_annexb(frame), 1100),
    ),
    "AV1": Video("libsvtav1", "libdav1d", SVT, lambda frame, _: av1.packetize(frame, 1100)),
}


def sent(codec: str, frames: Sequence[bytes]) -> list[Datagram]:
    """Frames as a publisher sends them, 30 a second."""
    sender = Sender()
    for i, frame in enumerate(frames):
        at_us = START_US + i * 1_000_000 // 30
        sender.send(3000 * i, *VIDEO[codec].packetize(frame, i), arrival_us=at_us)
    return sender.sent


def encoded(codec: str, count: int, width: int = 320, height: int = 180) -> list[bytes]:
    video = VIDEO[codec]
    return list(
        encode_video(video.encoder, count, width=width, height=height, options=video.options)
    )


@pytest.mark.parametrize("codec", VIDEO)
def test_every_picture_is_decoded_as_it_was_encoded_at_its_time(codec: str) -> None:
    frames = encoded(codec, FRAMES)
    assert len(frames) == FRAMES
    expected = decode(VIDEO[codec].decoder, frames)
    session = Session()
    session.capture(
        TrackType.VIDEO, sent(codec, frames), mime_type=f"video/{codec}", chunk_us=400_000
    )
    session.capture(TrackType.AUDIO, opus_call(SECONDS))
    session.seal()

    _, video, both = made(session)

    for file in (video, both):
        assert file.codecs[0] == codec.lower()
        body = session.store.objects[file.key]
        with av.open(io.BytesIO(body)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name in (VIDEO[codec].decoder, VIDEO[codec].encoder)
            assert (stream.codec_context.width, stream.codec_context.height) == (320, 180)
            shown = list(container.decode(stream))
        offset = shown[0].pts
        assert [picture.pts - offset for picture in shown] == [
            round(i * 1000 / 30) for i in range(FRAMES)
        ]
        for picture, wanted in zip(shown, expected, strict=True):
            assert (picture.to_ndarray() == wanted.to_ndarray()).all()
    keyframes = [packet.keyframe for packet in demuxed(session.store, video)]
    assert np.flatnonzero(keyframes).tolist() == [0, 20, 40]
    assert [time for time, _ in matroska(session.store, video).cues] == [0, 667, 1333]


AUDIO = [("PCMU", 8000, 0, 1), ("PCMU", 8000, 0, 2), ("PCMA", 8000, 8, 1), ("G722", 16_000, 9, 1)]


@pytest.mark.parametrize(("codec", "rate", "payload_type", "channels"), AUDIO)
def test_every_sample_is_decoded_as_it_was_encoded(
    codec: str, rate: int, payload_type: int, channels: int
) -> None:
    name, layout = codec.lower(), "stereo" if channels == 2 else "mono"
    pcm = tone(SECONDS * rate, 440, rate).repeat(channels)
    coded = encode_sound(name, pcm, rate, layout)
    size = len(coded) // (SECONDS * 50)
    payloads = [coded[at : at + size] for at in range(0, len(coded), size)]
    sender = Sender(payload_type=payload_type, ssrc=7)
    for i, payload in enumerate(payloads):
        # The RTP clock of G.722 is 8000 Hz though it has twice as many samples.
        sender.send(160 * i, payload, arrival_us=START_US + 20_000 * i)
    session = Session()
    session.capture(
        TrackType.AUDIO,
        sender.sent,
        mime_type=f"audio/{codec}",
        payload_type=payload_type,
        clock_rate=8000,
        channels=channels,
        chunk_us=400_000,
    )
    session.seal()

    (file,) = made(session)

    packets = demuxed(session.store, file)
    assert [packet.frame for packet in packets] == payloads
    assert [packet.time_ms for packet in packets] == [20 * i for i in range(SECONDS * 50)]
    assert file.duration_ms == SECONDS * 1000
    with av.open(io.BytesIO(session.store.objects[file.key])) as container:
        context = container.streams.audio[0].codec_context
        assert (context.sample_rate, context.layout.nb_channels) == (rate, channels)
        heard = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    expected = decode_sound(name, payloads, rate, layout)
    assert (np.concatenate(heard) == expected).all()
    assert len(expected) == SECONDS * rate * channels


def opus_packets() -> list[bytes]:
    """A stereo tone in packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    pcm = tone(SECONDS * 48_000, 440, 48_000).repeat(2)
    packets: list[bytes] = []
    for at in range(0, len(pcm), 1920):
        sound = av.AudioFrame.from_ndarray(
            pcm[at : at + 1920].reshape(1, -1), format="s16", layout="stereo"
        )
        sound.sample_rate, sound.pts = 48_000, at // 2
        packets += map(bytes, encoder.encode(sound))
    return packets


def test_opus_is_decoded_to_the_tone_it_was() -> None:
    packets, sender = opus_packets(), Sender(payload_type=111, ssrc=7)
    for i, packet in enumerate(packets):
        sender.send(960 * i, packet, arrival_us=START_US + 20_000 * i)
    session = Session()
    session.capture(TrackType.AUDIO, sender.sent, chunk_us=400_000)
    session.seal()

    (file,) = made(session)

    assert [packet.frame for packet in demuxed(session.store, file)] == packets
    with av.open(io.BytesIO(session.store.objects[file.key])) as container:
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(samples) == 960 * len(packets)
    spectrum = np.abs(np.fft.rfft(samples[4800 : 4800 + 48_000]))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize(
    ("codec", "start"),
    [("H264", b"\x01"), ("H265", b"\x01"), ("AV1", b"\x81"), ("VP8", None), ("VP9", None)],
)
def test_a_decoder_finds_what_it_needs_before_the_first_picture(
    codec: str, start: bytes | None
) -> None:
    """Edge case 216: avcC, hvcC, av1C; VP8 and VP9 need nothing."""
    session = Session()
    frames = encoded(codec, 5)
    session.capture(TrackType.VIDEO, sent(codec, frames), mime_type=f"video/{codec}")
    session.seal()

    (file,) = made(session)

    (track,) = matroska(session.store, file).tracks
    private = track.get("CodecPrivate")
    if start is None:
        assert private is None
    else:
        assert isinstance(private, bytes)
        assert private.startswith(start)
        # A decoder that knows this alone takes the first keyframe as it lies in the file.
        first = demuxed(session.store, file)[0].frame
        assert len(decode(VIDEO[codec].decoder, [first], private)) == 1


def test_opus_has_its_head_and_a_preroll_to_seek_with() -> None:
    """Edge case 216: no CodecDelay, since WebRTC starts somewhere within a stream."""
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(1))
    session.seal()

    (file,) = made(session)

    (track,) = matroska(session.store, file).tracks
    head = track.get("CodecPrivate")
    assert isinstance(head, bytes)
    assert head.startswith(b"OpusHead\x01\x02\x00\x00")  # two channels, a pre-skip of 0
    assert track.get("SeekPreRoll") == 80_000_000
    assert track.get("CodecDelay", 0) == 0


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_pictures_that_change_their_size_are_decoded_to_the_last(codec: str) -> None:
    sizes = [(320, 180), (180, 320), (640, 360)]
    frames = [frame for size in sizes for frame in encoded(codec, 15, *size)]
    session = Session()
    session.capture(TrackType.VIDEO, sent(codec, frames), mime_type=f"video/{codec}")
    session.seal()

    (file,) = made(session)

    assert [(r.width, r.height, r.at_ms) for r in file.resolutions] == [
        (320, 180, 0),
        (180, 320, 500),
        (640, 360, 1000),
    ]
    (track,) = matroska(session.store, file).tracks
    picture = track.one("Video")
    assert (picture.get("PixelWidth"), picture.get("PixelHeight")) == (640, 360)
    with av.open(io.BytesIO(session.store.objects[file.key])) as container:
        stream = container.streams.video[0]
        assert stream.time_base == Fraction(1, 1000)
        shown = [(frame.width, frame.height) for frame in container.decode(stream)]
    assert shown == [size for size in sizes for _ in range(15)]


def test_b_frames_keep_their_times_and_are_shown_in_their_order() -> None:
    """Edge case 183 and edge case 202: x264 with B-frames, as membrane's demo was sent."""
    capture = read_pcap(DATA / "codecs" / "membrane_demo_h264.pcap")
    datagrams = [
        Datagram(at_ns // 1000, data)
        for at_ns, _, data in capture
        if len(data) > 12 and data[1] & 0x7F == 96
    ]
    session = Session()
    session.capture(TrackType.VIDEO, datagrams, mime_type="video/H264")
    session.seal()

    (file,) = made(session)

    packets = demuxed(session.store, file)
    times = [packet.time_ms for packet in packets]
    assert times != sorted(times)
    assert min(times) == times[0] >= 0
    ticks = {int.from_bytes(each.data[4:8]) for each in datagrams}
    from_first = sorted((at - int.from_bytes(datagrams[0].data[4:8])) / 90 for at in ticks)
    for time_ms, wanted in zip(sorted(times), from_first, strict=False):
        assert abs(time_ms - times[0] - wanted) <= 1
    with av.open(io.BytesIO(session.store.objects[file.key])) as container:
        shown = [frame.pts for frame in container.decode(video=0)]
    assert shown == sorted(times)
