"""`tracks.json`: what a person, or an SDP, says of the tracks in a capture.

It has the form of the capture agent's track announcement, and says whose a track is and where in
the capture it is found. Written by hand, so it may be said in more than one way, and what can be
told from the rest may be left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from isotrack.recording.announced_forms import (
    FlowFilter,
    as_extensions,
    as_fec,
    as_flow,
    as_fmtp,
    as_layers,
    as_mime_type,
    as_payload_type_only,
    as_rtx,
    as_ssrcs,
    default_format,
)
from isotrack.recording.errors import Invalid
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

MAX_TRACKS = 4096


class AnnouncedTrack(BaseModel):
    """One track of a capture, every default filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    user_id: UserId
    user_session_id: Id
    track_id: Id | None = None
    """Made of the user and the type when absent."""
    track_type: TrackType
    mime_type: Annotated[
        MimeType,
        BeforeValidator(as_mime_type),
        Field(validation_alias=AliasChoices("mime_type", "mime", "codec")),
    ]
    payload_type: Annotated[
        PayloadType | None, Field(validation_alias=AliasChoices("payload_type", "pt"))
    ] = None
    """None: whatever the SSRC sends most."""
    clock_rate: ClockRate
    channels: Channels = 1
    fmtp: Annotated[dict[str, str], BeforeValidator(as_fmtp)] = {}
    ssrc: Annotated[tuple[Ssrc, ...], BeforeValidator(as_ssrcs)] = ()
    """Of the media; several are the layers of simulcast."""
    layers: Annotated[
        tuple[Layer, ...],
        BeforeValidator(as_layers),
        Field(max_length=8, validation_alias=AliasChoices("layers", "encodings", "rids")),
    ] = ()
    rtx: Annotated[Rtx | None, BeforeValidator(as_rtx)] = None
    red: Annotated[Red | None, BeforeValidator(as_payload_type_only)] = None
    fec: Annotated[Fec | None, BeforeValidator(as_fec)] = None
    header_extensions: Annotated[dict[str, ExtensionId], BeforeValidator(as_extensions)] = {}
    mid: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    """Of the media section (RFC 8843), where packets bear it in a header extension."""
    flow: Annotated[FlowFilter | None, BeforeValidator(as_flow)] = None
    rtp_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    rtcp_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    file: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Which of the files it is in, by name or path; in any when absent."""
    joined_at: AwareDatetime | None = None
    announced_at: AwareDatetime | None = None
    withdrawn_at: AwareDatetime | None = None
    rtcp_mux: bool = False
    """Of the agent's announcement; RTCP is found by its SSRC anyway."""
    feedback: dict[str, Any] | None = None
    """Of the agent's announcement; nobody is left to ask."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        filled = {name: value for name, value in said.items() if value is not None}
        filled.setdefault("user_session_id", filled.get("user_id"))
        filled.setdefault("user_id", filled.get("user_session_id"))
        for name in ("user_id", "user_session_id"):
            if filled[name] is None:
                del filled[name]
        mime = next((filled[n] for n in ("mime_type", "mime", "codec") if n in filled), None)
        if isinstance(mime, str):
            return default_format(filled, as_mime_type(mime))
        return filled

    @model_validator(mode="after")
    def _kind_fits(self) -> AnnouncedTrack:
        if self.mime_type.partition("/")[0] != self.track_type.kind:
            raise ValueError(f"track_type: {self.track_type} is not {self.mime_type}")
        if self.payload_type is None and not self.media_ssrcs:
            raise ValueError("payload_type: needed to find the track, since it has no ssrc")
        return self

    @property
    def media_ssrcs(self) -> frozenset[int]:
        """All SSRCs the media is known to have."""
        layers = {layer.ssrc for layer in self.layers if layer.ssrc is not None}
        return frozenset(self.ssrc) | layers

    @property
    def repair_ssrcs(self) -> frozenset[int]:
        """All SSRCs that retransmissions and FEC are known to have."""
        found = {layer.rtx_ssrc for layer in self.layers} | {self.rtx.ssrc if self.rtx else None}
        found.add(self.fec.ssrc if self.fec else None)
        return frozenset(ssrc for ssrc in found if ssrc is not None)

    def matches_flow(self, source: str, destination: str) -> bool:
        """Whether the track may be in a flow; any may be meant where addresses are not known."""
        if not source and not destination:
            return True
        ports = {end.rpartition(":")[2] for end in (source, destination)}
        if self.rtp_port is not None and str(self.rtp_port) not in ports:
            return False
        return self.flow is None or self.flow.matches(source, destination)

    def matches_file(self, path: str) -> bool:
        """Whether the track may be in a file."""
        return self.file is None or path == self.file or path.endswith(f"/{self.file}")


class AnnouncedTracks(BaseModel):
    """The tracks of a capture and the call they were published in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call_type: Id = "default"
    call_id: Id = "import"
    call_session_id: Id | None = None
    """That of the call when absent."""
    egress_id: Id = "import"
    recording_started_at: AwareDatetime | None = None
    """When the first packet came, when absent."""
    output_types: Annotated[tuple[OutputType, ...], Field(min_length=1)] = DEFAULT_OUTPUT_TYPES
    tracks: Annotated[tuple[AnnouncedTrack, ...], Field(max_length=MAX_TRACKS)]

    @model_validator(mode="before")
    @classmethod
    def _split_cid(cls, said: Any) -> Any:
        if isinstance(said, dict) and isinstance(said.get("call_cid"), str):
            call_type, _, call_id = said["call_cid"].partition(":")
            named = {"call_type": call_type, "call_id": call_id}
            return named | {name: value for name, value in said.items() if name != "call_cid"}
        return said

    def named(self) -> AnnouncedTracks:
        """The same, each track with a `track_id`. Raises Invalid if two have the same."""
        taken: set[tuple[str, str]] = set()
        for index, track in enumerate(self.tracks):
            name = (track.user_session_id, track.track_id or "")
            if track.track_id is not None and name in taken:
                raise Invalid(f"{_place(index, track)}: track_id: another track has it")
            taken.add(name)
        named = []
        for track in self.tracks:
            track_id = track.track_id or _free_id(track, taken)
            taken.add((track.user_session_id, track_id))
            named.append(track.model_copy(update={"track_id": track_id}))
        return self.model_copy(update={"tracks": tuple(named)})


def read_announced(text: str | bytes, place: str) -> AnnouncedTracks:
    """Read a `tracks.json`: a list of tracks, or an object with `tracks` in it.

    Raises:
        Invalid: something is wrong; the message names the file, the track and the field.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{place}: not JSON: {error}") from error
    whole = {"tracks": said} if isinstance(said, list) else said
    try:
        return AnnouncedTracks.model_validate(whole).named()
    except ValidationError as error:
        raise Invalid(f"{place}: {_first_problem(error, whole)}") from error
    except Invalid as error:
        raise Invalid(f"{place}: {error}") from error


def _first_problem(error: ValidationError, said: Any) -> str:
    """The first complaint: `tracks[1] (alice, video/vp8): ssrc: Input should be ...`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = list(first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    where = ""
    if steps[:1] == ["tracks"] and len(steps) > 1 and isinstance(steps[1], int):
        track = said["tracks"][steps[1]]
        where = f"{_place(steps[1], track)}: "
        steps = steps[2:]
    field = ".".join(map(str, steps))
    return where + (f"{field}: {message}" if field else message)


def _place(index: int, track: Any) -> str:
    """A track as its author finds it again."""
    names = ("user_id", "user_session_id", "track_id", "track_type", "mime_type", "mime", "codec")
    of = track if isinstance(track, dict) else dict(track) if isinstance(track, BaseModel) else {}
    known = [str(of[name]) for name in names if isinstance(of.get(name), str)]
    return f"tracks[{index}]" + (f" ({', '.join(dict.fromkeys(known))})" if known else "")


def _free_id(track: AnnouncedTrack, taken: set[tuple[str, str]]) -> str:
    stem = f"{track.user_id}-{track.track_type}"[-56:]
    names: Sequence[str] = [stem, *(f"{stem}-{number}" for number in range(2, MAX_TRACKS + 2))]
    return next(name for name in names if (track.user_session_id, name) not in taken)
