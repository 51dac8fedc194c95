"""Change what is set for a call."""

from __future__ import annotations

from datetime import datetime

from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.contract.calls import UpdateCallRequest, UpdateCallResponse
from isotrack.control.authorize import authorize
from isotrack.control.call_state import call_state
from isotrack.control.publish import publish
from isotrack.control.update import update_call
from isotrack.control.world import World
from isotrack.recording.tracks import Call


def change_call(
    call: Call, request: UpdateCallRequest, *, caller: Caller, world: World, now: datetime
) -> UpdateCallResponse:
    """The call as it is after the change, which `call.updated` tells to all who watch it.

    Settings are replaced section by section, `custom` as a whole; what the request leaves out
    stays as it was. A recording that runs keeps the settings it was started with.

    Raises:
        Missing: nobody created the call.
        Forbidden: the caller may not change it, or not its settings.
    """
    seen = authorize(caller, call, Permission.READ_CALL, world=world)
    asked = request.model_dump(exclude_none=True).keys()
    if "settings_override" in asked:
        seen.access.require(Permission.UPDATE_CALL_SETTINGS)
    if asked != {"settings_override"}:
        seen.access.require(Permission.UPDATE_CALL)

    def change(record: CallRecord) -> CallRecord:
        return record.update(
            now,
            custom=request.custom,
            settings_override=request.settings_override,
            starts_at=request.starts_at,
        )

    record = update_call(call, change, calls=world.calls) if asked else seen.record
    state = call_state(seen._replace(record=publish(record, world=world)), world=world)
    return UpdateCallResponse(**dict(state))
