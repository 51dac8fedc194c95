"""Call types: settings and grants that many calls share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints

from isotrack.contract.fields import Maybe, Name, Off, at_most
from isotrack.contract.settings import CallSettingsRequest, CallSettingsResponse
from isotrack.contract.times import Timed, Timestamp
from isotrack.recording.tracks import Frozen

PermissionId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Grants = Annotated[dict[Name, tuple[PermissionId, ...]], at_most(64 * 1024)]
"""Permissions of each role."""
NotificationSettings = Annotated[dict[str, JsonValue], at_most(16 * 1024)]


class UpdateCallTypeRequest(Frozen):
    """What shall change of a call type; what is None stays."""

    settings: CallSettingsRequest | None = None
    grants: Grants | None = None
    """Of the roles named; those of other roles stay."""
    external_storage: Annotated[str, StringConstraints(max_length=255)] | None = None
    notification_settings: NotificationSettings | None = None
    """Kept as they are; nobody is notified here."""


class CreateCallTypeRequest(UpdateCallTypeRequest):
    """A call type to be made."""

    name: Name


class EventNotificationSettingsResponse(Frozen):
    """Push notifications of an event; none are sent here."""

    enabled: Off = False
    apns: dict[str, Any] = Field(default_factory=dict)
    fcm: dict[str, Any] = Field(default_factory=dict)


class NotificationSettingsResponse(Frozen):
    """Push notifications; none are sent here."""

    enabled: Off = False
    call_live_started: EventNotificationSettingsResponse = EventNotificationSettingsResponse()
    call_missed: EventNotificationSettingsResponse = EventNotificationSettingsResponse()
    call_notification: EventNotificationSettingsResponse = EventNotificationSettingsResponse()
    call_ring: EventNotificationSettingsResponse = EventNotificationSettingsResponse()
    session_started: EventNotificationSettingsResponse = EventNotificationSettingsResponse()


class CallTypeResponse(Frozen):
    """A call type."""

    name: str
    settings: CallSettingsResponse
    grants: dict[str, tuple[str, ...]]
    notification_settings: NotificationSettingsResponse = NotificationSettingsResponse()
    external_storage: Maybe[str] = None
    created_at: Timestamp
    updated_at: Timestamp


class CreateCallTypeResponse(CallTypeResponse, Timed):
    """The call type that was made."""


class UpdateCallTypeResponse(CallTypeResponse, Timed):
    """The call type as it is after a change."""


class GetCallTypeResponse(CallTypeResponse, Timed):
    """A call type."""


class ListCallTypeResponse(Timed):
    """All call types, by name."""

    call_types: dict[str, CallTypeResponse]


class DeleteCallTypeResponse(Timed):
    """The call type is gone."""
