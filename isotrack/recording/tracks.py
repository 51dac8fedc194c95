"""What a participant publishes: calls, participant sessions and their tracks, as announced."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A name given by the outside: a call, a session, a track. No path before `keys` encoded it."""

UserId = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")
]

MimeType = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^(?i:audio|video)/[A-Za-z0-9.+-]{1,32}$")
]
"""Lower case, as everywhere below."""

PayloadType = Annotated[int, Field(ge=0, le=127)]
ClockRate = Annotated[int, Field(gt=0, le=1_000_000)]
Channels = Annotated[int, Field(ge=1, le=8)]
Ssrc = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
ExtensionId = Annotated[int, Field(ge=1, le=255)]


class Frozen(BaseModel):
    """A value that crosses a boundary: validated on the way in, never changed after."""

    model_config = ConfigDict(frozen=True)


class Source(StrEnum):
    """What one file set shows: a participant (microphone and camera), or what they share."""

    PARTICIPANT = "participant"
    SCREENSHARE = "screenshare"


class TrackType(StrEnum):
    """The role of a track in a participant session."""

    AUDIO = "audio"
    VIDEO = "video"
    SCREENSHARE_AUDIO = "screenshare_audio"
    SCREENSHARE_VIDEO = "screenshare_video"

    @property
    def source(self) -> Source:
        """The source whose files this track goes into."""
        return Source.SCREENSHARE if self.value.startswith("screenshare_") else Source.PARTICIPANT

    @property
    def kind(self) -> str:
        """`audio` or `video`."""
        return self.value.removeprefix("screenshare_")


class Call(Frozen):
    """A call, named by its type and its id within that type."""

    call_type: Id
    call_id: Id

    @property
    def cid(self) -> str:
        """The name of the call in events: `type:id`."""
        return f"{self.call_type}:{self.call_id}"


class ParticipantSession(Frozen):
    """One stay of a user in a call: a user who comes back has a further one."""

    user_id: UserId
    user_session_id: Id
    joined_at: AwareDatetime


class Rtx(Frozen):
    """Retransmissions of a track or of one of its layers (RFC 4588)."""

    payload_type: PayloadType
    ssrc: Ssrc | None = None
    """None where the SFU does not know it: any SSRC that sends the payload type is taken."""


class Red(Frozen):
    """Redundant audio (RFC 2198), on the SSRC of the media."""

    payload_type: PayloadType


class Fec(Frozen):
    """Forward error correction of a track."""

    mechanism: Literal["ulpfec", "flexfec-03"]
    """RFC 5109, or draft-ietf-payload-flexible-fec-scheme-03."""
    payload_type: PayloadType
    ssrc: Ssrc | None = None
    """None: that of the media (ulpfec, alone or inside RED)."""


class Layer(Frozen):
    """One encoding of a simulcast track (RFC 8853)."""

    rid: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    ssrc: Ssrc | None = None
    """None where only the rid is known: the header extension tells."""
    rtx_ssrc: Ssrc | None = None


class Track(Frozen):
    """A track as announced by the SFU: all that is needed to read its packets (RFC 8866 words)."""

    track_id: Id
    track_type: TrackType
    mime_type: MimeType
    payload_type: PayloadType
    clock_rate: ClockRate
    channels: Channels = 1
    fmtp: dict[str, str] = {}
    ssrc: Ssrc | None = None
    """Of the media; None where the SFU does not know it: any SSRC of the payload type is kept."""
    header_extensions: dict[str, ExtensionId] = {}
    """URI of each header extension (RFC 8285) to its id in this track's packets."""
    rtx: Rtx | None = None
    red: Red | None = None
    fec: Fec | None = None
    layers: Annotated[tuple[Layer, ...], Field(max_length=8)] = ()
    """Of simulcast, in any order; empty where there is one encoding."""
    announced_at: AwareDatetime
    withdrawn_at: AwareDatetime | None = None

    @property
    def codec(self) -> str:
        """The encoding name, lower case: `opus`, `vp8`, `h264`."""
        return self.mime_type.partition("/")[2]
