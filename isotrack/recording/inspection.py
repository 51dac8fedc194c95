"""What `inspect` finds in captures: files, sources of packets, and what they probably are."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from isotrack.recording.tracks import Frozen


class Role(StrEnum):
    """What a source of packets is for."""

    AUDIO = "audio"
    VIDEO = "video"
    RTX = "rtx"
    FLEXFEC = "flexfec-03"
    UNKNOWN = "unknown"


class SentType(Frozen):
    """One payload type of a source."""

    payload_type: int
    packets: int
    format: str | None = None
    """Encoding name, or what else it is: `red`, `ulpfec`, `cn`, `telephone-event`."""


class SentExtension(Frozen):
    """One header extension of a source (RFC 8285), of the packets that were looked at."""

    id: int
    packets: int
    smallest: int
    """Bytes."""
    largest: int
    first_bytes: tuple[int, ...] = ()
    """The values that elements of one byte had."""


class InspectedSource(Frozen):
    """The packets of one SSRC on one flow."""

    file: str
    flow: str
    """Empty where the format records no addresses."""
    ssrc: int
    role: Role
    mime_type: str | None = None
    certainty: Literal["sure", "likely", "none"] = "none"
    """`sure`: a keyframe was read, or all timestamps agree with the payloads; or it is static."""
    clock_rate: int | None = None
    channels: int = 1
    measured_hz: float | None = None
    """RTP time against arrival."""
    repairs: int | None = None
    """The SSRC that retransmissions or FEC are for."""
    payload_types: tuple[SentType, ...]
    packets: int
    empty: int
    """Packets of padding alone."""
    bytes: int
    lost: int
    reordered: int
    duplicates: int
    restarts: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    bitrate_bps: int
    markers: int
    sender_reports: int
    cname: str | None = None
    header_extensions: tuple[SentExtension, ...] = ()
    keyframes: int = 0
    """Of the packets that were looked at."""
    fmtp: str = ""
    """As a Janus recording says it."""
    extension_uris: dict[str, int] = Field(default_factory=dict)
    """URI of a header extension to its id, as a Janus recording says it."""
    width: int | None = None
    height: int | None = None


class InspectedFile(Frozen):
    """A capture file."""

    file: str
    form: str
    packets: int
    rtcp: int
    malformed: int
    arrivals_made: bool
    """The format records no arrivals: they were made from RTP time."""
    skipped: dict[str, int]
    """What was passed over, by reason."""
    notes: tuple[str, ...] = ()


class Inspection(Frozen):
    """All that was found."""

    files: tuple[InspectedFile, ...]
    sources: tuple[InspectedSource, ...]
    """Those of the oldest file first, by the time they begin."""
