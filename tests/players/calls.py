"""Calls made for the players: every codec, every mishap that shows in a file, every option.

All media is real: what encoders give, packetized as WebRTC has it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import av
import numpy as np

from isotrack.rtp.header import write_header
from tests import turned_camera
from tests.captures import Sent, reports_of
from tests.isotrack.codecs import svc
from tests.sessions import START_US, Sender
from tests.sound import encode_sound, tone

FPS = 30
KEYFRAME_EVERY = 30
SMALL, TALL, LARGE = (320, 180), (180, 320), (640, 360)
PAYLOAD_TYPES = {
    "pcmu": 0,
    "pcma": 8,
    "g722": 9,
    "vp8": 96,
    "vp9": 98,
    "h264": 102,
    "h265": 104,
    "av1": 106,
    "opus": 111,
}
CAMERA, MICROPHONE = 1, 2
"""SSRCs."""


class Call(NamedTuple):
    """What of a call is captured, what is told of it, and how it is to be remuxed."""

    tracks: list[dict[str, Any]]
    packets: list[Sent]
    options: tuple[str, ...] = ()


def about(codec: str, ssrc: int, **more: Any) -> dict[str, Any]:
    """A track in `tracks.json`."""
    known = {"user_id": "alice", "mime": codec, "payload_type": PAYLOAD_TYPES[codec]}
    return {**known, **({} if "layers" in more else {"ssrc": ssrc}), **more}


def camera(
    codec: str,
    *,
    sizes: Sequence[tuple[int, int]] = (SMALL,),
    seconds: float = 4,
    ssrc: int = CAMERA,
    from_us: int = 0,
    lost: Collection[int] = (),
    absent: Collection[int] = (),
    payloads: Callable[[str, bytes, int], list[bytes]] = turned_camera.payloads,
) -> list[Sent]:
    """The packets of a camera, a keyframe each second and at each change of size.

    Args:
        codec: of them.
        sizes: of its pictures, each for its part of the time.
        seconds: all of it.
        ssrc: of its stream.
        from_us: when it is switched on.
        lost: frames of which the first packet never arrives.
        absent: frames that are never sent: the camera is muted.
        payloads: of a frame.
    """
    each = int(seconds * FPS) // len(sizes)
    keyframes = range(0, each, KEYFRAME_EVERY)
    frames = [
        frame
        for width, height in sizes
        for frame in turned_camera.encoded(codec, [0] * each, keyframes, width=width, height=height)
    ]
    sender = Sender(PAYLOAD_TYPES[codec], ssrc, arrival_us=START_US + from_us)
    sent: list[Sent] = []
    for number, frame in enumerate(frames):
        if number in absent:
            continue
        at_us = START_US + from_us + number * 1_000_000 // FPS
        start = len(sender.sent)
        parts = payloads(codec, frame, number)
        sender.send(2**32 - 90_000 + number * 90_000 // FPS, *parts, arrival_us=at_us)
        first = start + 1 if number in lost else start
        sent += [(packet.arrival_us - START_US, packet.data) for packet in sender.sent[first:]]
    return sent


def single_nal_units(codec: str, frame: bytes, number: int) -> list[bytes]:
    """Packetization mode 0: each NAL unit is a packet (RFC 6184 section 6.2)."""
    return turned_camera.h264.split_annexb(frame)


def layered_camera(name: str, inter_layer: str) -> list[Sent]:
    """The packets of VP9 in three spatial layers."""
    sent = []
    for number, packet in enumerate(svc.layer_packets(name, inter_layer=inter_layer)):
        header = write_header(
            PAYLOAD_TYPES["vp9"], number, 3000 * packet.picture, CAMERA, packet.marker
        )
        sent.append((packet.picture * 1_000_000 // FPS + number % 9 * 100, header + packet.payload))
    return sent


def microphone(
    codec: str,
    *,
    channels: int = 1,
    seconds: float = 4,
    from_us: int = 0,
    lost: Collection[int] = (),
    absent: Collection[int] = (),
) -> list[Sent]:
    """The packets of a microphone, 20 ms each.

    Args:
        codec: of them.
        channels: of the sound.
        seconds: all of it.
        from_us: when it is switched on.
        lost: packets that never arrive.
        absent: packets that are never sent: muted, or nothing to say (DTX).
    """
    packets = opus(channels, seconds) if codec == "opus" else plain(codec, channels, seconds)
    ticks = 960 if codec == "opus" else 160
    sender = Sender(PAYLOAD_TYPES[codec], MICROPHONE, sequence=7)
    for number, packet in enumerate(packets):
        if number in absent:
            continue
        if number in lost:
            sender.sequence += 1
            continue
        at_us = START_US + from_us + 20_000 * number
        sender.send(777 + ticks * number, packet, arrival_us=at_us)
    return [(packet.arrival_us - START_US, packet.data) for packet in sender.sent]


def opus(channels: int, seconds: float) -> list[bytes]:
    """A tone in packets of 20 ms."""
    layout = "stereo" if channels == 2 else "mono"
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "s16"
    packets: list[bytes] = []
    for number in range(int(seconds * 50)):
        sound = tone(960 * (number + 1), 440, 48_000)[-960:]
        frame = av.AudioFrame.from_ndarray(
            np.repeat(sound, channels).reshape(1, -1), format="s16", layout=layout
        )
        frame.sample_rate, frame.pts = 48_000, 960 * number
        packets += map(bytes, encoder.encode(frame))
    return packets


def plain(codec: str, channels: int, seconds: float) -> list[bytes]:
    """A tone in packets of 20 ms, of a codec without frames of its own."""
    rate = 16_000 if codec == "g722" else 8000
    sound = np.repeat(tone(int(seconds * rate), 440, rate), channels)
    coded = encode_sound(codec, sound, rate, "stereo" if channels == 2 else "mono")
    size = 160 * channels
    return [coded[at : at + size] for at in range(0, int(seconds * 50) * size, size)]


def conversation(video: str, audio: str, *, channels: int = 1, **of_camera: Any) -> Call:
    """Camera and microphone with sender reports."""
    rate = 48_000 if audio == "opus" else 8000
    packets = [
        *camera(video, **of_camera),
        *microphone(audio, channels=channels),
        *reports_of(CAMERA, "alice", 90_000, 2**32 - 90_000),
        *reports_of(MICROPHONE, "alice", rate, 777),
    ]
    return Call([about(video, CAMERA), about(audio, MICROPHONE, channels=channels)], packets)


def damaged(video: str) -> Call:
    """Frames and sound are lost: the picture freezes twice, silence is filled in."""
    packets = camera(video, lost=(40, 41, 95)) + microphone("opus", channels=2, lost=range(70, 90))
    return Call([about(video, CAMERA), about("opus", MICROPHONE)], packets)


def muted(video: str, audio: str) -> Call:
    """Both are muted for two seconds and a half; the sound has pauses besides."""
    quiet = {*range(75, 200), *range(230, 240)}
    packets = [
        *camera(video, seconds=6, absent=range(45, 120)),
        *microphone(audio, seconds=6, absent=quiet),
    ]
    return Call([about(video, CAMERA), about(audio, MICROPHONE, channels=1)], packets)


def late_camera() -> Call:
    """The camera is switched on two seconds after the microphone."""
    packets = microphone("opus", channels=2) + camera("vp8", seconds=3, from_us=2_000_000)
    return Call([about("vp8", CAMERA), about("opus", MICROPHONE)], packets)


def two_cameras(first: str, second: str) -> Call:
    """One camera is unpublished, another published; the microphone stays."""
    packets = [
        *camera(first, seconds=2),
        *camera(second, sizes=(LARGE,), seconds=2, ssrc=3, from_us=2_500_000),
        *microphone("opus", channels=2, seconds=5),
    ]
    return Call([about(first, CAMERA), about(second, 3), about("opus", MICROPHONE)], packets)


def simulcast(video: str, *options: str) -> Call:
    """Three layers, of which the largest pauses for two seconds."""
    layers = [("q", 11, (160, 90), ()), ("h", 12, SMALL, ()), ("f", 13, LARGE, range(60, 120))]
    packets = [
        packet
        for _, ssrc, size, absent in layers
        for packet in camera(video, sizes=(size,), seconds=6, ssrc=ssrc, absent=absent)
    ]
    said = [{"rid": rid, "ssrc": ssrc} for rid, ssrc, *_ in layers]
    return Call([about(video, 0, layers=said)], packets, options)


def turned(video: str, *options: str) -> Call:
    """A phone that is turned by a quarter after two seconds, and back after four."""
    held = [0] * 60 + [90] * 60 + [0] * 60
    sent = turned_camera.phone_call(video, held, keyframes=(0, 60, 150))
    told = about(video, 1234, payload_type=96, header_extensions=turned_camera.EXTENSIONS)
    return Call([told], [(packet.arrival_us - START_US, packet.data) for packet in sent], options)


def blackened(video: str) -> Call:
    """Black where a muted camera sends nothing."""
    return muted(video, "opus")._replace(options=("--video-gaps", "black"))


VIDEO = ("vp8", "vp9", "h264", "h265", "av1")

CALLS: dict[str, Callable[[], Call]] = {
    "vp8-opus-stereo": lambda: conversation("vp8", "opus", channels=2),
    "vp9-opus-mono": lambda: conversation("vp9", "opus"),
    "h264-mode-1-pcmu": lambda: conversation("h264", "pcmu"),
    "h264-mode-0-pcmu-stereo": lambda: conversation(
        "h264", "pcmu", channels=2, payloads=single_nal_units
    ),
    "h265-pcma": lambda: conversation("h265", "pcma"),
    "av1-g722": lambda: conversation("av1", "g722"),
    "vp9-svc-l3t3": lambda: Call([about("vp9", CAMERA)], layered_camera("svc_l3t3.ivf", "always")),
    "vp9-svc-l3t3-key": lambda: Call(
        [about("vp9", CAMERA)], layered_camera("svc_l3t3_key.ivf", "key")
    ),
    "vp9-svc-s3t3": lambda: Call([about("vp9", CAMERA)], layered_camera("svc_s3t3.ivf", "never")),
    "late-camera": late_camera,
    "two-cameras": lambda: two_cameras("vp8", "vp8"),
    "two-cameras-two-codecs": lambda: two_cameras("vp8", "h264"),
    "media-span": lambda: late_camera()._replace(options=("--tracks-span", "media")),
    **{
        f"resized-{codec}": lambda codec=codec: conversation(
            codec, "opus", sizes=(SMALL, TALL, LARGE), seconds=6
        )
        for codec in VIDEO
    },
    **{f"damaged-{codec}": lambda codec=codec: damaged(codec) for codec in VIDEO},
    **{
        f"muted-{audio}": lambda audio=audio: muted("vp8", audio)
        for audio in ("opus", "pcmu", "pcma", "g722")
    },
    **{f"black-{codec}": lambda codec=codec: blackened(codec) for codec in VIDEO},
    **{f"turned-{codec}": lambda codec=codec: turned(codec) for codec in VIDEO},
    "turned-metadata": lambda: turned("h264", "--orientation", "metadata"),
    "simulcast-vp8": lambda: simulcast("vp8"),
    "simulcast-h264": lambda: simulcast("h264"),
    "simulcast-one-layer": lambda: simulcast("vp8", "--layer", "h"),
}
