"""Call types: settings and grants that many calls share, and the types that are always there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field, JsonValue

from isotrack.calls.grants import DEFAULT_GRANTS, Permission
from isotrack.calls.members import CALL_MEMBER
from isotrack.calls.settings import overridden
from isotrack.calls.users import DEFAULT_ROLE as USER
from isotrack.contract.call_types import CreateCallTypeRequest, UpdateCallTypeRequest
from isotrack.contract.media_settings import (
    AudioSettingsRequest,
    ScreensharingSettingsRequest,
    TargetResolution,
    VideoSettingsRequest,
)
from isotrack.contract.settings import CallSettingsRequest
from isotrack.recording.tracks import Frozen, Id


class CallType(Frozen):
    """A call type as made or changed by a server, or built in."""

    name: Id
    version: int = 0
    """Counts the writes; 0 was never written."""
    settings: CallSettingsRequest = CallSettingsRequest()
    """Sections that replace ours, in calls that do not replace them again."""
    grants: dict[str, tuple[str, ...]] = Field(default_factory=lambda: dict(DEFAULT_GRANTS))
    """What each role may do in calls of the type (`calls.grants`)."""
    external_storage: str | None = None
    """Name of the storage that recordings go to; None is ours."""
    notification_settings: dict[str, JsonValue] = Field(default_factory=dict)
    """As it was set; nobody is notified."""
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def create(cls, request: CreateCallTypeRequest, at: datetime) -> CallType:
        """A call type as asked for; roles that it says nothing of have the default grants."""
        return cls(name=request.name, created_at=at, updated_at=at).update(request, at)

    def update(self, request: UpdateCallTypeRequest, at: datetime) -> CallType:
        """The call type changed: sections of settings, and grants of roles, one by one."""
        return self.model_copy(
            update={
                "settings": overridden(self.settings, request.settings),
                "grants": {**self.grants, **(request.grants or {})},
                "external_storage": self.external_storage
                if request.external_storage is None
                else request.external_storage or None,
                "notification_settings": {
                    **self.notification_settings,
                    **(request.notification_settings or {}),
                },
                "updated_at": at,
            }
        )


_EVERYTHING = tuple(permission.value for permission in Permission)
_COMING = (Permission.READ_CALL.value, Permission.JOIN_CALL.value)
"""Of calls that everybody may come to."""
_OWN = tuple(
    f"{permission}-owner"
    for permission in (
        Permission.END_CALL,
        Permission.START_RECORDING,
        Permission.STOP_RECORDING,
        Permission.UPDATE_CALL,
        Permission.UPDATE_CALL_MEMBERS,
        Permission.UPDATE_CALL_MEMBER_ROLE,
        Permission.REMOVE_CALL_MEMBERS,
    )
)
_GUESTS = {"guest": _COMING, "anonymous": _COMING}
_STAGE = {USER: (Permission.CREATE_CALL.value, *_COMING, *_OWN), **_GUESTS}
_HD = TargetResolution(width=1920, height=1080, bitrate=3_000_000)


def _built_in(
    name: str, settings: CallSettingsRequest, grants: Mapping[str, tuple[str, ...]]
) -> CallType:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return CallType(
        name=name,
        settings=settings,
        grants={**DEFAULT_GRANTS, **grants},
        created_at=since,
        updated_at=since,
    )


_DEFAULT = _built_in(
    "default",
    CallSettingsRequest(
        audio=AudioSettingsRequest(default_device="earpiece"),
        video=VideoSettingsRequest(
            target_resolution=TargetResolution(width=2560, height=1440, bitrate=5_000_000)
        ),
    ),
    {},
)
_AUDIO_ROOM = _built_in(
    "audio_room",
    CallSettingsRequest(
        audio=AudioSettingsRequest(default_device="speaker", mic_default_on=False),
        video=VideoSettingsRequest(
            enabled=False, access_request_enabled=False, camera_default_on=False
        ),
        screensharing=ScreensharingSettingsRequest(enabled=False, access_request_enabled=False),
    ),
    _STAGE,
)
_LIVESTREAM = _built_in(
    "livestream",
    CallSettingsRequest(
        audio=AudioSettingsRequest(
            default_device="speaker", access_request_enabled=False, mic_default_on=False
        ),
        video=VideoSettingsRequest(access_request_enabled=False, target_resolution=_HD),
        screensharing=ScreensharingSettingsRequest(access_request_enabled=False),
    ),
    _STAGE,
)
_DEVELOPMENT = _built_in(
    "development",
    CallSettingsRequest(
        audio=AudioSettingsRequest(default_device="earpiece"),
        video=VideoSettingsRequest(target_resolution=_HD),
    ),
    {USER: _EVERYTHING, CALL_MEMBER: _EVERYTHING, **_GUESTS},
)
BUILT_IN: Mapping[str, CallType] = {
    built_in.name: built_in for built_in in (_AUDIO_ROOM, _DEFAULT, _DEVELOPMENT, _LIVESTREAM)
}
"""Those that are there before any was made; one of the same name that was written hides it."""
