"""Settings of a call session: limits, ringing, inactivity, geofences, encryption."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from isotrack.contract.fields import Disabled, Maybe, Name
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Frozen

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
RingMilliseconds = Annotated[int, Field(ge=5_000, le=180_000)]
IdleSeconds = Annotated[int, Field(ge=5, le=900)]
Roles = Annotated[tuple[Name, ...], Field(max_length=100)]
Fence = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class LimitsSettingsRequest(Frozen):
    """How long a call may last, and for how many."""

    max_duration_seconds: Count | None = None
    max_participants: Count | None = None
    max_participants_exclude_owner: bool | None = None
    max_participants_exclude_roles: Roles | None = None


class LimitsSettingsResponse(Frozen):
    """How long a call may last, and for how many; it is for the SFU to see to it."""

    max_duration_seconds: Maybe[int] = None
    max_participants: Maybe[int] = None
    max_participants_exclude_owner: Maybe[bool] = None
    max_participants_exclude_roles: tuple[str, ...] = ()


class RingSettingsRequest(Frozen):
    """How long somebody is rung up."""

    auto_cancel_timeout_ms: RingMilliseconds
    incoming_call_timeout_ms: RingMilliseconds
    missed_call_timeout_ms: RingMilliseconds | None = None


class RingSettingsResponse(Frozen):
    """How long clients ring before they give up."""

    auto_cancel_timeout_ms: int = 15_000
    incoming_call_timeout_ms: int = 15_000
    missed_call_timeout_ms: int = 15_000


class SessionSettingsRequest(Frozen):
    """When an abandoned session ends."""

    inactivity_timeout_seconds: IdleSeconds


class SessionSettingsResponse(Frozen):
    """When an abandoned session ends; it is for the SFU to see to it."""

    inactivity_timeout_seconds: int = 30


class GeofenceSettingsRequest(Frozen):
    """Where a call may be served."""

    names: Annotated[tuple[Fence, ...], Field(max_length=100)] | None = None


class GeofenceSettingsResponse(Frozen):
    """Where a call may be served; an installation has one place, so there are no fences."""

    names: tuple[str, ...] = ()


class EncryptionSettingsRequest(Frozen):
    """End-to-end encryption."""

    mode: Mode | None = None


class EncryptionSettingsResponse(Frozen):
    """End-to-end encryption, under which nothing could be recorded."""

    mode: Disabled = "disabled"
