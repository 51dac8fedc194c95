"""Tracks of a Matroska file, as its readers see them first (RFC 9559, section 5.1.4)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from isotrack.matroska import ebml, ids

MAX_TRACK_NUMBER = 126
"""What one byte of a block's header can say, all ones being kept (RFC 9559, section 10.1)."""

V_VP8 = "V_VP8"
V_VP9 = "V_VP9"
V_AVC = "V_MPEG4/ISO/AVC"
V_HEVC = "V_MPEGH/ISO/HEVC"
V_AV1 = "V_AV1"
A_OPUS = "A_OPUS"
A_ACM = "A_MS/ACM"

OPUS_SEEK_PREROLL_NS = 80_000_000
"""What an Opus decoder needs to settle after a seek (RFC 7845, section 4.6)."""

_TRACK_TYPES = {"video": 1, "audio": 2}
_PROGRESSIVE = 2
_PIXELS_WIDTH = 4  # bytes of a picture's size, whatever it is: it may be written over
_RECTANGULAR = 0

# WAVE format tag (RFC 2361 and mmreg.h) and bits per sample, by RTP's encoding name.
_ACM_FORMATS = {"pcmu": (0x0007, 8), "pcma": (0x0006, 8), "g722": (0x028F, 4)}
_UNDETERMINED = "und"  # left out, the language would be English


class TrackEntry(NamedTuple):
    """One track: what it is and what a decoder has to know before its first frame.

    Sizes are in pixels, `sampling_frequency` in Hz. A later keyframe may bring another size than
    `width` and `height`; whatever they and the roll are, they take the same number of bytes.
    """

    number: int
    uid: int
    kind: str
    """`video` or `audio`."""
    codec_id: str
    codec_private: bytes = b""
    name: str = ""
    width: int = 0
    height: int = 0
    sampling_frequency: float = 0.0
    channels: int = 0
    codec_delay_ns: int = 0
    seek_preroll_ns: int = 0
    default_duration_ns: int = 0
    roll_degrees: int = 0
    """Counterclockwise, -180 to 180, by how much players turn the picture: one that a camera says
    is to be turned 90 degrees clockwise (CVO) has -90."""

    def encode(self) -> bytes:
        """The TrackEntry element.

        Raises:
            ValueError: a field cannot be written, or the track lacks what its kind needs.
        """
        if not 1 <= self.number <= MAX_TRACK_NUMBER:
            raise ValueError(f"track number {self.number} is not in 1..{MAX_TRACK_NUMBER}")
        if self.uid <= 0:
            raise ValueError(f"track {self.number} has no UID")
        return ebml.master(
            ids.TRACK_ENTRY,
            ebml.unsigned(ids.TRACK_NUMBER, self.number),
            ebml.unsigned(ids.TRACK_UID, self.uid, 8),
            self._kind(),
            ebml.unsigned(ids.FLAG_LACING, 0),
            ebml.string(ids.LANGUAGE, _UNDETERMINED),
            ebml.utf8(ids.NAME, self.name) if self.name else b"",
            ebml.string(ids.CODEC_ID, self.codec_id),
            ebml.binary(ids.CODEC_PRIVATE, self.codec_private) if self.codec_private else b"",
            _unless_zero(ids.DEFAULT_DURATION, self.default_duration_ns),
            _unless_zero(ids.CODEC_DELAY, self.codec_delay_ns),
            _unless_zero(ids.SEEK_PRE_ROLL, self.seek_preroll_ns),
            self._settings(),
        )

    def _kind(self) -> bytes:
        if self.kind not in _TRACK_TYPES:
            raise ValueError(f"track {self.number} is neither video nor audio: {self.kind!r}")
        return ebml.unsigned(ids.TRACK_TYPE, _TRACK_TYPES[self.kind])

    def _settings(self) -> bytes:
        """The Video or the Audio element (RFC 9559, sections 5.1.4.1.28 and 5.1.4.1.29)."""
        if self.kind == "video":
            if self.width <= 0 or self.height <= 0:
                raise ValueError(f"track {self.number} has no picture size")
            return ebml.master(
                ids.VIDEO,
                ebml.unsigned(ids.FLAG_INTERLACED, _PROGRESSIVE),
                ebml.unsigned(ids.PIXEL_WIDTH, self.width, _PIXELS_WIDTH),
                ebml.unsigned(ids.PIXEL_HEIGHT, self.height, _PIXELS_WIDTH),
                self._projection(),
            )
        if self.sampling_frequency <= 0 or self.channels <= 0:
            raise ValueError(f"track {self.number} has no sampling frequency or no channels")
        return ebml.master(
            ids.AUDIO,
            ebml.float64(ids.SAMPLING_FREQUENCY, self.sampling_frequency),
            ebml.unsigned(ids.CHANNELS, self.channels),
        )

    def _projection(self) -> bytes:
        """How the picture is turned (RFC 9559, sections 5.1.4.1.28.41 to 46); room for it if not.

        It may be known only after the last frame.
        """
        if not -180 <= self.roll_degrees <= 180:
            raise ValueError(f"track {self.number} is turned by {self.roll_degrees} degrees")
        projection = ebml.master(
            ids.PROJECTION,
            ebml.unsigned(ids.PROJECTION_TYPE, _RECTANGULAR),
            ebml.float64(ids.PROJECTION_POSE_ROLL, self.roll_degrees),
        )
        return projection if self.roll_degrees else ebml.void(len(projection))


def _unless_zero(identifier: int, value: int) -> bytes:
    return ebml.unsigned(identifier, value) if value else b""


def vp8(number: int, uid: int, width: int, height: int, *, name: str = "") -> TrackEntry:
    """A VP8 track: its decoder needs nothing but the first keyframe."""
    return TrackEntry(number, uid, "video", V_VP8, name=name, width=width, height=height)


def vp9(number: int, uid: int, width: int, height: int, *, name: str = "") -> TrackEntry:
    """A VP9 track: its decoder needs nothing but the first keyframe."""
    return TrackEntry(number, uid, "video", V_VP9, name=name, width=width, height=height)


def avc(
    number: int, uid: int, width: int, height: int, avcc: bytes, *, name: str = ""
) -> TrackEntry:
    """An H.264 track of length-prefixed NAL units.

    `avcc` is the AVCDecoderConfigurationRecord (ISO/IEC 14496-15) of its first keyframe.
    """
    return TrackEntry(number, uid, "video", V_AVC, avcc, name=name, width=width, height=height)


def hevc(
    number: int, uid: int, width: int, height: int, hvcc: bytes, *, name: str = ""
) -> TrackEntry:
    """An H.265 track of length-prefixed NAL units.

    `hvcc` is the HEVCDecoderConfigurationRecord (ISO/IEC 14496-15) of its first keyframe.
    """
    return TrackEntry(number, uid, "video", V_HEVC, hvcc, name=name, width=width, height=height)


def av1(
    number: int, uid: int, width: int, height: int, av1c: bytes, *, name: str = ""
) -> TrackEntry:
    """An AV1 track of temporal units without their delimiters, each OBU with its size.

    `av1c` is the AV1CodecConfigurationRecord (AV1 in ISO Base Media File Format, section 2.3) of
    its first keyframe.
    """
    return TrackEntry(number, uid, "video", V_AV1, av1c, name=name, width=width, height=height)


def opus(number: int, uid: int, channels: int, opus_head: bytes, *, name: str = "") -> TrackEntry:
    """An Opus track; `opus_head` is the identification header (RFC 7845, section 5.1).

    Its pre-skip is to be 0: WebRTC starts somewhere within a stream, there is nothing to skip, and
    a CodecDelay would shift the whole track.
    """
    return TrackEntry(
        number,
        uid,
        "audio",
        A_OPUS,
        opus_head,
        name=name,
        sampling_frequency=48_000.0,
        channels=channels,
        seek_preroll_ns=OPUS_SEEK_PREROLL_NS,
    )


def acm(
    number: int, uid: int, codec: str, sampling_frequency: int, channels: int, *, name: str = ""
) -> TrackEntry:
    """A track of a codec that Matroska knows by its WAVE format: PCMU, PCMA or G.722.

    Its CodecPrivate is a WAVEFORMATEX with nothing behind it.

    Args:
        number: of the track.
        uid: of the track.
        codec: `pcmu`, `pcma` or `g722`.
        sampling_frequency: of the sound in Hz: 16,000 of G.722, whose RTP clock is half as fast.
        channels: of the sound.
        name: for people.

    Raises:
        ValueError: another codec, or a field that WAVEFORMATEX cannot hold.
    """
    if codec not in _ACM_FORMATS:
        raise ValueError(f"track {number}: {codec!r} has no WAVE format here")
    tag, bits = _ACM_FORMATS[codec]
    bytes_per_second = sampling_frequency * channels * bits // 8
    block = max(channels * bits // 8, 1)
    try:
        wave_format = struct.pack(
            "<HHIIHHH", tag, channels, sampling_frequency, bytes_per_second, block, bits, 0
        )
    except struct.error as error:
        raise ValueError(f"track {number} has no WAVEFORMATEX: {error}") from None
    return TrackEntry(
        number,
        uid,
        "audio",
        A_ACM,
        wave_format,
        name=name,
        sampling_frequency=float(sampling_frequency),
        channels=channels,
    )
