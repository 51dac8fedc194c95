"""The keyframe reader of each video codec."""

from __future__ import annotations

from isotrack.codecs import h264_parameters as parameters
from isotrack.codecs.h264_keyframes import H264Keyframes
from isotrack.codecs.keyframes import KeyframeReader
from isotrack.codecs.vp8 import Vp8Keyframes


def keyframe_reader(codec: str, fmtp: dict[str, str]) -> KeyframeReader:
    """The reader of a video codec, with what signaling said of it."""
    if codec == "vp8":
        return Vp8Keyframes()
    try:
        out_of_band = parameters.sprop_parameter_sets(fmtp.get("sprop-parameter-sets", ""))
    except ValueError:
        out_of_band = []  # not worth a recording: most senders repeat them in band
    return H264Keyframes(out_of_band)
