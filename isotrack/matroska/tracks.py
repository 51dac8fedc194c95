"""Tracks of a Matroska file, as its readers see them first (RFC 9559, section 5.1.4)."""

from __future__ import annotations

from typing import NamedTuple

from isotrack.matroska import ebml, ids

MAX_TRACK_NUMBER = 126
"""What one byte of a block's header can say, all ones being kept (RFC 9559, section 10.1)."""

V_VP8 = "V_VP8"
V_AVC = "V_MPEG4/ISO/AVC"
A_OPUS = "A_OPUS"

OPUS_SEEK_PREROLL_NS = 80_000_000
"""What an Opus decoder needs to settle after a seek (RFC 7845, section 4.6)."""

_TRACK_TYPES = {"video": 1, "audio": 2}
_PROGRESSIVE = 2
_UNDETERMINED = "und"  # left out, the language would be English


class TrackEntry(NamedTuple):
    """One track: what it is and what a decoder has to know before its first frame.

    Sizes are in pixels, `sampling_frequency` in Hz. `width` and `height` are those of the first
    frame; a later keyframe may bring others.
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
                ebml.unsigned(ids.PIXEL_WIDTH, self.width),
                ebml.unsigned(ids.PIXEL_HEIGHT, self.height),
            )
        if self.sampling_frequency <= 0 or self.channels <= 0:
            raise ValueError(f"track {self.number} has no sampling frequency or no channels")
        return ebml.master(
            ids.AUDIO,
            ebml.float64(ids.SAMPLING_FREQUENCY, self.sampling_frequency),
            ebml.unsigned(ids.CHANNELS, self.channels),
        )


def _unless_zero(identifier: int, value: int) -> bytes:
    return ebml.unsigned(identifier, value) if value else b""


def vp8(number: int, uid: int, width: int, height: int, *, name: str = "") -> TrackEntry:
    """A VP8 track: its decoder needs nothing but the first keyframe."""
    return TrackEntry(number, uid, "video", V_VP8, name=name, width=width, height=height)


def avc(
    number: int, uid: int, width: int, height: int, avcc: bytes, *, name: str = ""
) -> TrackEntry:
    """An H.264 track of length-prefixed NAL units.

    `avcc` is the AVCDecoderConfigurationRecord (ISO/IEC 14496-15) of its first keyframe.
    """
    return TrackEntry(number, uid, "video", V_AVC, avcc, name=name, width=width, height=height)


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
