"""Make, find, change and remove call types. Those built in are always there."""

from __future__ import annotations

from datetime import datetime

from isotrack.calls.call_types import BUILT_IN, CallType
from isotrack.contract.call_types import (
    CreateCallTypeRequest,
    CreateCallTypeResponse,
    DeleteCallTypeResponse,
    GetCallTypeResponse,
    ListCallTypeResponse,
    UpdateCallTypeRequest,
    UpdateCallTypeResponse,
)
from isotrack.control.ports import StaleRecord
from isotrack.control.saving import keep_trying
from isotrack.control.views import call_type_view
from isotrack.control.world import World
from isotrack.recording.errors import Conflict, Invalid, Missing

OURS = "isotrack"
"""The storage every installation has."""


def find_call_type(name: str, *, world: World) -> CallType:
    """A call type as it was written, or as it is built in. Raises Missing."""
    call_type = world.call_types.get(name) or BUILT_IN.get(name)
    if call_type is None:
        raise Missing(f"there is no call type {name!r}")
    return call_type


def list_call_types(*, world: World) -> ListCallTypeResponse:
    """All call types."""
    written = {call_type.name: call_type for call_type in world.call_types.all()}
    known = {**BUILT_IN, **written}
    return ListCallTypeResponse(
        call_types={name: call_type_view(known[name], world.default) for name in sorted(known)}
    )


def get_call_type(name: str, *, world: World) -> GetCallTypeResponse:
    """One call type. Raises Missing."""
    shown = call_type_view(find_call_type(name, world=world), world.default)
    return GetCallTypeResponse(**dict(shown))


def create_call_type(
    request: CreateCallTypeRequest, *, world: World, now: datetime
) -> CreateCallTypeResponse:
    """Make a call type. Raises Conflict when there is one of this name, or Invalid."""
    _require_storage(request)
    if request.name in BUILT_IN:
        raise Conflict(f"call type {request.name!r} is there already: it is built in")
    try:
        created = world.call_types.save(CallType.create(request, now))
    except StaleRecord as error:
        raise Conflict(f"call type {request.name!r} is there already") from error
    return CreateCallTypeResponse(**dict(call_type_view(created, world.default)))


def update_call_type(
    name: str, request: UpdateCallTypeRequest, *, world: World, now: datetime
) -> UpdateCallTypeResponse:
    """Change a call type: the sections of settings and the roles that are named. Raises Missing."""
    _require_storage(request)

    def attempt() -> CallType:
        return world.call_types.save(find_call_type(name, world=world).update(request, now))

    updated = keep_trying(attempt, f"call type {name!r}")
    return UpdateCallTypeResponse(**dict(call_type_view(updated, world.default)))


def delete_call_type(name: str, *, world: World) -> DeleteCallTypeResponse:
    """Remove a call type; its calls are out of reach until it is made again.

    Raises Missing, or Invalid of one that is built in.
    """
    if name in BUILT_IN:
        raise Invalid(f"call type {name!r} is built in: it can be changed, not removed")
    if not world.call_types.delete(name):
        raise Missing(f"there is no call type {name!r}")
    return DeleteCallTypeResponse()


def _require_storage(request: UpdateCallTypeRequest) -> None:
    if request.external_storage not in (None, "", OURS):
        raise Invalid(f"external_storage: there is no storage named {request.external_storage!r}")
