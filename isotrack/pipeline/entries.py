"""The Matroska track of a lane."""

from __future__ import annotations

import hashlib

from isotrack.codecs import opus
from isotrack.codecs.audio import audio_codec
from isotrack.codecs.keyframes import PictureSize
from isotrack.matroska import tracks as matroska
from isotrack.matroska.tracks import TrackEntry
from isotrack.media.lanes import Lane
from isotrack.pipeline.survey import Survey


def track_entry(
    number: int, lane: Lane, found: Survey, key: str, largest: PictureSize | None
) -> TrackEntry:
    """The track of a lane, set up as its first stream begins, of layers the highest.

    Args:
        number: of the track in the file.
        lane: its frames.
        found: the source.
        key: of the file, for a UID that no other track has.
        largest: the largest picture, once it is known; until then the first one.
    """
    first = lane.leader
    track = found.tracks[first.track]
    uid = int.from_bytes(hashlib.sha256(f"{key}#{number}".encode()).digest()[:7]) | 1
    name = track.captured.track.track_type.value.replace("_", " ")
    if lane.kind == "audio":
        if lane.codec == "opus":
            channels = min(track.form.channels, 2)  # RFC 7587: Opus has no more in RTP
            head = opus.identification_header(channels)
            return matroska.opus(number, uid, channels, head, name=name)
        form = track.form
        codec = audio_codec(form.codec, form.clock_rate, form.channels, form.fmtp)
        frequency = codec.sampling_frequency
        return matroska.acm(number, uid, lane.codec, frequency, form.channels, name=name)
    opening = track.openings[first.stream]
    width, height = opening.width, opening.height
    if largest is not None:
        width, height = largest.width, largest.height
    if lane.codec in ("vp8", "vp9"):
        entry = matroska.vp8 if lane.codec == "vp8" else matroska.vp9
        return entry(number, uid, width, height, name=name)
    configured = {"h264": matroska.avc, "h265": matroska.hevc, "av1": matroska.av1}[lane.codec]
    return configured(number, uid, width, height, opening.configuration, name=name)
