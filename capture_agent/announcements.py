"""What an SFU says of its calls, participant sessions and tracks, as request bodies."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.tracks import (
    Channels,
    ClockRate,
    ExtensionId,
    Fec,
    Id,
    Layer,
    MimeType,
    PayloadType,
    Red,
    Rtx,
    Ssrc,
    TrackType,
    UserId,
)

FmtpName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
FmtpValue = Annotated[str, StringConstraints(max_length=1024)]
ExtensionUri = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Announcement(BaseModel):
    """A body that may say nothing but what is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Feedback(Announcement):
    """Where RTCP feedback about a track goes: an address of the SFU."""

    host: Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]
    port: Annotated[int, Field(ge=1, le=65535)]


class CallAnnouncement(Announcement):
    """A call begins on this SFU."""

    call_session_id: Id | None = None
    """Made up by the agent when absent."""
    started_at: AwareDatetime | None = None
    """Now when absent."""


class SessionAnnouncement(Announcement):
    """A participant joins."""

    user_id: UserId
    joined_at: AwareDatetime | None = None
    """Now when absent."""


class TrackAnnouncement(Announcement):
    """A participant publishes a track, in the words of SDP (RFC 8866)."""

    track_type: TrackType
    mime_type: MimeType
    payload_type: PayloadType
    clock_rate: ClockRate
    channels: Channels = 1
    fmtp: Annotated[dict[FmtpName, FmtpValue], Field(max_length=64)] = {}
    ssrc: Ssrc | None = None
    """Media of any SSRC but this one and those below is dropped; without any, none is."""
    header_extensions: Annotated[dict[ExtensionUri, ExtensionId], Field(max_length=64)] = {}
    rtx: Rtx | None = None
    """Retransmissions (RFC 4588), sent to the same ports."""
    red: Red | None = None
    """Redundant audio (RFC 2198), sent instead of the plain payload type or beside it."""
    fec: Fec | None = None
    """Forward error correction, sent to the same ports."""
    layers: Annotated[tuple[Layer, ...], Field(max_length=8)] = ()
    """Of simulcast (RFC 8853), in any order; empty where there is one encoding."""
    rtcp_mux: bool = False
    """RTP and RTCP on one port (RFC 5761)."""
    feedback: Feedback | None = None
    """Where to ask for a keyframe when recording begins; needs the `ssrc`, or those of layers."""

    @model_validator(mode="after")
    def _mime_type_fits(self) -> Self:
        if self.mime_type.partition("/")[0] != self.track_type.kind:
            raise PydanticCustomError(
                "mime_type",
                "{mime_type} is not {kind}, which a track of type {track_type} carries",
                {
                    "mime_type": self.mime_type,
                    "kind": self.track_type.kind,
                    "track_type": self.track_type.value,
                },
            )
        return self


class RecordingOrder(Announcement):
    """A recording to start where no control plane starts any."""

    egress_id: Id | None = None
    """Made up by the agent when absent."""
    output_types: Annotated[tuple[OutputType, ...], Field(min_length=1)] = DEFAULT_OUTPUT_TYPES
    storage: Id = "isotrack"
