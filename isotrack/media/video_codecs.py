"""What the media core knows of each video codec, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from isotrack.codecs import (
    av1,
    h264,
    h264_parameters,
    h264_pictures,
    h265,
    h265_parameters,
    h265_pictures,
    vp8,
)
from isotrack.codecs.av1_keyframes import Av1Keyframes
from isotrack.codecs.h264_keyframes import H264Keyframes
from isotrack.codecs.h265_keyframes import H265Keyframes
from isotrack.codecs.keyframes import KeyframeReader
from isotrack.codecs.media import Media, PacketColumns
from isotrack.codecs.vp8 import Vp8Keyframes
from isotrack.codecs.vp9_frames import Vp9Keyframes
from isotrack.media.decodability import Units
from isotrack.media.leading import Leading
from isotrack.media.ordering import Ordered, Pictures
from isotrack.media.spatial import Vp9Pictures


class VideoCodec(NamedTuple):
    """How the packets of one stream become frames."""

    depacketize: Callable[[PacketColumns], Media]
    keyframes: KeyframeReader
    pictures: Pictures | None = None
    """Marks the packets with a part of a picture, where others have a timestamp of their own
    (parameter sets, edge case 106); None where every packet with media has."""
    refine: Callable[[Ordered, Media, Units], tuple[Media, Units]] | None = None
    """Makes pictures of spatial layers."""
    leading: Leading | None = None
    """Finds pictures that cannot be decoded where decoding begins just before them."""


def video_codec(name: str, fmtp: Mapping[str, str]) -> VideoCodec:
    """The codec of one stream, with what signaling said of it.

    Raises:
        KeyError: there is none of that name.
    """
    return _CODECS[name](fmtp)


def _vp8(_: Mapping[str, str]) -> VideoCodec:
    return VideoCodec(vp8.depacketize, Vp8Keyframes())


def _vp9(_: Mapping[str, str]) -> VideoCodec:
    keyframes = Vp9Keyframes()
    pictures = Vp9Pictures(keyframes.sizes)
    return VideoCodec(pictures.depacketize, keyframes, refine=pictures.refine)


def _h264(fmtp: Mapping[str, str]) -> VideoCodec:
    try:
        sets = h264_parameters.sprop_parameter_sets(fmtp.get("sprop-parameter-sets", ""))
    except ValueError:
        sets = []  # not worth a recording: most senders repeat them in band
    return VideoCodec(h264.depacketize, H264Keyframes(sets), h264_pictures.carries_picture)


def _h265(fmtp: Mapping[str, str]) -> VideoCodec:
    try:
        sets = h265_parameters.sprop_parameter_sets(fmtp)
    except ValueError:
        sets = []
    donl = h265_parameters.has_donl(fmtp)
    return VideoCodec(
        partial(h265.depacketize, with_donl=donl),
        H265Keyframes(sets),
        partial(h265_pictures.carries_picture, with_donl=donl),
        leading=Leading(partial(h265_pictures.carries_rasl, with_donl=donl)),
    )


def _av1(_: Mapping[str, str]) -> VideoCodec:
    return VideoCodec(av1.depacketize, Av1Keyframes())


_CODECS: dict[str, Callable[[Mapping[str, str]], VideoCodec]] = {
    "vp8": _vp8,
    "vp9": _vp9,
    "h264": _h264,
    "h265": _h265,
    "av1": _av1,
}
