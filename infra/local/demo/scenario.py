"""A call as data: who joins, publishes, mutes, turns the phone and leaves, and when.

The demo and the end-to-end tests play these; times are milliseconds of the call. What files they
must give is not written here: `expected_outputs` asks the same function that the product asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType, resolve_outputs
from isotrack.recording.tracks import Call, Frozen, Id, Source, TrackType, UserId

AtMs = Annotated[int, Field(ge=0)]


class Join(Frozen):
    """A participant enters the call."""

    do: Literal["join"] = "join"
    at_ms: AtMs


class Publish(Frozen):
    """A track begins, with the codec and, for pictures, the size and rate of its encoder."""

    do: Literal["publish"] = "publish"
    at_ms: AtMs
    track: TrackType
    codec: Literal["opus", "vp8", "h264"]
    width: Annotated[int, Field(ge=32, le=3840, multiple_of=2)] = 640
    height: Annotated[int, Field(ge=32, le=3840, multiple_of=2)] = 360
    fps: Annotated[int, Field(ge=1, le=60)] = 30
    bitrate_bps: Annotated[int, Field(ge=6_000)] = 600_000

    @model_validator(mode="after")
    def _codec_fits(self) -> Self:
        if (self.codec == "opus") != (self.track.kind == "audio"):
            raise ValueError(f"a track of type {self.track} cannot carry {self.codec}")
        return self


class Mute(Frozen):
    """A track falls silent, still published: no packets."""

    do: Literal["mute"] = "mute"
    at_ms: AtMs
    track: TrackType


class Unmute(Frozen):
    """A muted track goes on."""

    do: Literal["unmute"] = "unmute"
    at_ms: AtMs
    track: TrackType


class Rotate(Frozen):
    """The phone is turned: width and height change places."""

    do: Literal["rotate"] = "rotate"
    at_ms: AtMs
    track: TrackType


class Unpublish(Frozen):
    """A track ends."""

    do: Literal["unpublish"] = "unpublish"
    at_ms: AtMs
    track: TrackType


class Leave(Frozen):
    """A participant leaves the call; all of their tracks end."""

    do: Literal["leave"] = "leave"
    at_ms: AtMs


Action = Annotated[
    Join | Publish | Mute | Unmute | Rotate | Unpublish | Leave, Field(discriminator="do")
]


class Link(Frozen):
    """The network between a participant and the SFU, one way."""

    delay_ms: Annotated[int, Field(ge=0, le=2_000)] = 0
    loss: Annotated[float, Field(ge=0, lt=1)] = 0.0
    reorder: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of packets that are held back long enough to come after their successors."""


class Participant(Frozen):
    """One stay of a user in the call, on a device whose clock is wrong in its own way."""

    user_id: UserId
    user_session_id: Id
    actions: tuple[Action, ...]
    beep_hz: Annotated[int, Field(ge=100, le=8_000)]
    clock_offset_ms: int = 0
    """Their wall clock minus the true time, as their sender reports will show it."""
    clock_drift_ppm: Annotated[int, Field(ge=-500, le=500)] = 0
    """How much faster than true time their clock runs."""
    link: Link = Link()
    seed: int = 1
    """Of their SSRCs, first sequence numbers and packet loss."""

    @model_validator(mode="after")
    def _plays_in_order(self) -> Self:
        times = [action.at_ms for action in self.actions]
        if times != sorted(times):
            raise ValueError(f"the actions of {self.user_id} are not in order of time")
        words = [action.do for action in self.actions]
        if words[:1] != ["join"] or words[-1:] != ["leave"] or words.count("leave") > 1:
            raise ValueError(f"{self.user_id} does not join first and leave last")
        return self

    @property
    def left_ms(self) -> int:
        """When they leave."""
        return self.actions[-1].at_ms

    def published(self, before_ms: int) -> Iterator[Publish]:
        """The tracks that they begin to publish before a time."""
        for action in self.actions:
            if isinstance(action, Publish) and action.at_ms < before_ms:
                yield action


class Scenario(Frozen):
    """A whole call, recorded from its beginning until `stop_ms`."""

    call: Call
    participants: Annotated[tuple[Participant, ...], Field(min_length=1)]
    stop_ms: Annotated[int, Field(gt=0)]
    """When the recording is stopped by the API; who is still there goes on without it."""

    @property
    def duration_ms(self) -> int:
        """When the last participant leaves, or the recording stops, whatever is later."""
        return max(self.stop_ms, *(participant.left_ms for participant in self.participants))

    def expected_outputs(self) -> dict[str, tuple[OutputType, ...]]:
        """The files promised for each participant session, by its id."""
        return {
            participant.user_session_id: _outputs_of(participant, self.stop_ms)
            for participant in self.participants
        }


def _outputs_of(participant: Participant, stop_ms: int) -> tuple[OutputType, ...]:
    tracks = [publish.track for publish in participant.published(stop_ms)]
    return tuple(
        output
        for source in Source
        for output in resolve_outputs(
            DEFAULT_OUTPUT_TYPES, {track.kind for track in tracks if track.source is source}, source
        )
    )
