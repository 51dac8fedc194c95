"""Fuzz targets: payload formats, keyframes, and the headers and parameter sets in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from isotrack.codecs import (
    av1,
    av1_obu,
    av1_sequence,
    h264,
    h264_parameters,
    h264_pictures,
    h265,
    h265_parameters,
    h265_pictures,
    nal,
    vp8,
    vp9,
    vp9_frames,
)
from isotrack.codecs.audio import audio_codec
from isotrack.codecs.av1_keyframes import Av1Keyframes
from isotrack.codecs.h264_keyframes import H264Keyframes
from isotrack.codecs.h265_keyframes import H265Keyframes
from isotrack.codecs.keyframes import KeyframeReader
from isotrack.codecs.media import Media, PacketColumns
from isotrack.codecs.vp8 import Vp8Keyframes
from isotrack.codecs.vp9_frames import Vp9Keyframes
from isotrack.rtp.packet import Packets
from tests.fuzz.choices import Choices
from tests.fuzz.soundness import sound_media
from tests.fuzz.wire import packets_of

MAX_SIDE = 1 << 16
"""No codec's picture is larger."""


def _payloads(
    data: bytes, depacketize: Callable[[PacketColumns], Media], keyframes: KeyframeReader
) -> None:
    """Payloads become slices that are sound, and whatever they are joined to can be looked into."""
    packets = packets_of(data)
    before = packets.payload_length.copy()
    media = depacketize(packets)
    assert (packets.payload_length == before).all()
    sound_media(media, packets)
    for frame in _frames(packets, media):
        _keyframe(frame, keyframes)


def _frames(packets: Packets, media: Media) -> list[bytes]:
    """What all packets of one timestamp are joined to."""
    changes = np.flatnonzero(np.diff(packets.timestamp)) + 1
    unit = np.searchsorted(changes, media.slice_packet, side="right")
    first = np.searchsorted(unit, np.arange(len(changes) + 2)).tolist()
    view = memoryview(media.buffer)
    ends = (media.slice_offset + media.slice_length).tolist()
    slices = [view[a:z] for a, z in zip(media.slice_offset.tolist(), ends, strict=True)]
    return [b"".join(slices[a:z]) for a, z in itertools.pairwise(first)]


def _keyframe(frame: bytes, keyframes: KeyframeReader) -> None:
    """A keyframe that can be read leaves a set-up, and sizes that a picture can have."""
    known = len(keyframes.sizes)
    if frame and keyframes.read(frame, 0, after_loss=False):
        assert len(keyframes.configuration) <= 64 + 70 * len(frame) + 1_000_000
    assert len(keyframes.sizes) <= known + 1
    for size in keyframes.sizes[known:]:
        assert 0 < size.width <= MAX_SIDE
        assert 0 < size.height <= MAX_SIDE


def vp8_payloads(data: bytes) -> None:
    """VP8 (RFC 7741)."""
    _payloads(data, vp8.depacketize, Vp8Keyframes())


def vp9_payloads(data: bytes) -> None:
    """VP9 (RFC 9628)."""
    _payloads(data, vp9.depacketize, Vp9Keyframes())


def h264_payloads(data: bytes) -> None:
    """H.264 (RFC 6184)."""
    packets = packets_of(data)
    assert h264_pictures.carries_picture(packets).size == packets.count
    _payloads(data, h264.depacketize, H264Keyframes([]))


def h265_payloads(data: bytes) -> None:
    """H.265 (RFC 7798), with and without DONL."""
    choices = Choices(data)
    with_donl = bool(choices.number(1) & 1)
    packets = packets_of(body := choices.rest())
    for marks in (h265_pictures.carries_picture, h265_pictures.carries_rasl):
        assert marks(packets, with_donl=with_donl).size == packets.count
    _payloads(body, lambda p: h265.depacketize(p, with_donl=with_donl), H265Keyframes([]))


def av1_payloads(data: bytes) -> None:
    """AV1 (the AOM payload format)."""
    _payloads(data, av1.depacketize, Av1Keyframes())


def sound_payloads(data: bytes) -> None:
    """How long packets of sound last is told by the packets, and never more than they can hold."""
    packets: Packets = packets_of(data)
    for name, rate, channels in (
        ("opus", 48_000, 2),
        ("pcmu", 8000, 1),
        ("pcma", 8000, 2),
        ("g722", 8000, 1),
    ):
        codec = audio_codec(name, rate, channels, {})
        duration = codec.durations(packets.buffer, packets.payload_offset, packets.payload_length)
        assert duration.size == packets.count
        assert (duration >= 0).all()
        limit = 5760 if name == "opus" else packets.payload_length
        assert (duration <= limit).all()


def keyframes(data: bytes) -> None:
    """Frames that a reader of keyframes is given one after the other."""
    choices = Choices(data)
    readers: tuple[Callable[[], KeyframeReader], ...] = (
        Vp8Keyframes,
        Vp9Keyframes,
        lambda: H264Keyframes([]),
        lambda: H265Keyframes([]),
        Av1Keyframes,
    )
    reader = readers[choices.number(1) % len(readers)]()
    while not choices.is_over:
        _keyframe(choices.take(choices.number(2)), reader)


def bitstreams(data: bytes) -> None:
    """Headers and parameter sets alone: read, or refused with a ValueError."""
    for parse in (
        h264_parameters.parse_sps,
        h264_parameters.sps_id,
        h264_parameters.pps_ids,
        h264_parameters.slice_pps_id,
        h265_parameters.parse_sps,
        h265_parameters.vps_id,
        h265_parameters.pps_ids,
        h265_parameters.slice_pps_id,
        av1_sequence.parse_sequence_header,
        av1_obu.read_leb128,
        lambda each: list(av1_obu.split_unit(each)),
        lambda each: list(nal.nal_units(each)),
        vp8.frame_size,
        vp9_frames.is_keyframe,
        lambda each: _superframe(each),
        lambda each: h264_parameters.decoder_configuration([each], [each]),
        lambda each: h265_parameters.decoder_configuration([each], [each], [each]),
    ):
        try:
            parse(data)
        except ValueError:
            continue


def _superframe(data: bytes) -> None:
    assert sum(len(frame) for frame in vp9_frames.split_superframe(data)) <= len(data)
