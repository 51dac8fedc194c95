"""How to read a track's packets: what signaling said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from isotrack.media.repair import RepairFormat

AUDIO_CODECS = frozenset({"opus", "pcmu", "pcma", "g722"})
VIDEO_CODECS = frozenset({"vp8", "vp9", "h264", "h265", "av1"})
SUPPORTED_CODECS = AUDIO_CODECS | VIDEO_CODECS
"""Lower-case encoding names of what can be remuxed."""


class TrackFormat(NamedTuple):
    """A track's codec, its payload types and its SSRCs."""

    codec: str
    payload_types: tuple[int, ...]
    """Of the media; that of RED behind that of the codec."""
    clock_rate: int
    channels: int = 1
    ssrcs: tuple[int, ...] = ()
    """Of the media, one for each layer; empty takes every SSRC that sends the payload types."""
    fmtp: Mapping[str, str] = {}
    header_extensions: Mapping[str, int] = {}
    """URI to id (RFC 8285)."""
    repair: RepairFormat | None = None
    """What is sent against loss; None: nothing."""

    @property
    def kind(self) -> str:
        """`audio` or `video`."""
        return "audio" if self.codec in AUDIO_CODECS else "video"
