"""Call types: of servers."""

from __future__ import annotations

from functions.asking import Asked
from functions.operations import VIDEO_PREFIXES, Asking, Operations
from functions.routes.paths import CallTypePath
from isotrack.contract.call_types import (
    CreateCallTypeRequest,
    CreateCallTypeResponse,
    DeleteCallTypeResponse,
    GetCallTypeResponse,
    ListCallTypeResponse,
    UpdateCallTypeRequest,
    UpdateCallTypeResponse,
)
from isotrack.control import call_types as verbs

call_types = Operations(*VIDEO_PREFIXES, asking=Asking.SERVERS)


@call_types.get("ListCallTypes", "/calltypes")
def list_call_types(asked: Asked) -> ListCallTypeResponse:
    """Give all call types."""
    return verbs.list_call_types(world=asked.world)


@call_types.post("CreateCallType", "/calltypes")
def create_call_type(asked: Asked, body: CreateCallTypeRequest) -> CreateCallTypeResponse:
    """Make a call type."""
    return verbs.create_call_type(body, world=asked.world, now=asked.now)


@call_types.get("GetCallType", "/calltypes/{name}")
def get_call_type(asked: Asked, path: CallTypePath) -> GetCallTypeResponse:
    """Give one call type."""
    return verbs.get_call_type(path.name, world=asked.world)


@call_types.put("UpdateCallType", "/calltypes/{name}")
def update_call_type(
    asked: Asked, path: CallTypePath, body: UpdateCallTypeRequest
) -> UpdateCallTypeResponse:
    """Change the settings and grants of a call type."""
    return verbs.update_call_type(path.name, body, world=asked.world, now=asked.now)


@call_types.delete("DeleteCallType", "/calltypes/{name}")
def delete_call_type(asked: Asked, path: CallTypePath) -> DeleteCallTypeResponse:
    """Remove a call type."""
    return verbs.delete_call_type(path.name, world=asked.world)
