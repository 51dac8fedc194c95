from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.permissions import Caller
from isotrack.calls.sessions import CallSession
from isotrack.contract.calls import UpdateCallRequest, UpdateCallResponse
from isotrack.contract.events import CallUpdatedEvent
from isotrack.control.change_call import change_call
from isotrack.recording.errors import Forbidden, Missing, Transient
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at
from tests.worlds import SERVER, MemoryWorld

SCREEN_ONLY = {
    "individual_recording": {"mode": "available", "output_types": ["screenshare_audio_video"]}
}


@pytest.fixture
def memory() -> MemoryWorld:
    """With a call of alice's, of which bob is a member."""
    memory = MemoryWorld()
    memory.user("bob")
    memory.create(
        members=[{"user_id": "bob"}],
        custom={"room": 7},
        settings_override={"video": {"camera_default_on": False}},
    )
    memory.bus.events.clear()
    return memory


def change(
    memory: MemoryWorld, caller: Caller = SERVER, call: Call = CALL, **fields: Any
) -> UpdateCallResponse:
    request = UpdateCallRequest.model_validate(fields)
    return change_call(call, request, caller=caller, world=memory.world, now=at(60))


def test_a_section_is_replaced_and_the_others_stay(memory: MemoryWorld) -> None:
    call = change(memory, settings_override=SCREEN_ONLY).call
    assert call.settings.individual_recording.mode is Mode.AVAILABLE
    assert call.settings.individual_recording.output_types == (OutputType.SCREENSHARE_AUDIO_VIDEO,)
    assert call.settings.video.camera_default_on is False
    assert call.custom == {"room": 7}
    assert (call.created_at, call.updated_at) == (NOON, at(60))


def test_all_six_output_types_can_be_set(memory: MemoryWorld) -> None:
    section = {"mode": "auto-on", "output_types": [each.value for each in OutputType]}
    settings = change(memory, settings_override={"individual_recording": section}).call.settings
    assert settings.individual_recording.output_types == tuple(OutputType)


def test_custom_data_and_the_start_time_are_replaced(memory: MemoryWorld) -> None:
    call = change(memory, custom={"room": 8}, starts_at="2026-03-02T09:00:00Z").call
    assert call.custom == {"room": 8}
    assert call.starts_at is not None
    assert call.starts_at.isoformat() == "2026-03-02T09:00:00+00:00"


def test_a_change_is_told_with_what_each_role_may_do(memory: MemoryWorld) -> None:
    change(memory, custom={"room": 8})
    (event,) = memory.bus.events
    assert isinstance(event, CallUpdatedEvent)
    assert event.call.custom == {"room": 8}
    assert "start-individual-record-call" in event.capabilities_by_role["host"]
    assert event.capabilities_by_role["call_member"] == ("join-call", "read-call")


def test_a_request_that_says_nothing_changes_and_tells_nothing(memory: MemoryWorld) -> None:
    before = memory.calls.records[CALL]
    assert change(memory).call.custom == {"room": 7}
    assert memory.calls.records[CALL] == before
    assert memory.bus.events == []


def test_each_change_has_an_event_of_its_own(memory: MemoryWorld) -> None:
    change(memory, custom={"room": 8})
    change(memory, custom={"room": 8})
    assert len({event.event_id for event in memory.bus.events}) == 2


def test_a_running_recording_keeps_its_settings(memory: MemoryWorld) -> None:
    session = CallSession(call_session_id="s-1", started_at=NOON)
    record = memory.calls.records[CALL].model_copy(update={"session": session})
    memory.calls.save(record.start("e-1", NOON, (OutputType.AUDIO_ONLY,), "isotrack"))
    change(memory, settings_override=SCREEN_ONLY)
    (egress,) = memory.calls.records[CALL].egresses
    assert egress.output_types == (OutputType.AUDIO_ONLY,)


def test_members_may_not_change_a_call(memory: MemoryWorld) -> None:
    with pytest.raises(Forbidden, match="lacks UpdateCall in"):
        change(memory, Caller(user_id="bob"), custom={})


def test_settings_take_a_permission_of_their_own(memory: MemoryWorld) -> None:
    memory.grant({"call_member": ["read-call", "update-call"]})
    bob = Caller(user_id="bob")
    assert change(memory, bob, custom={"room": 9}).call.custom == {"room": 9}
    with pytest.raises(Forbidden, match="lacks UpdateCallSettings"):
        change(memory, bob, settings_override=SCREEN_ONLY)


def test_a_call_nobody_created_cannot_be_changed(memory: MemoryWorld) -> None:
    with pytest.raises(Missing, match="Can't find call with id default:never"):
        change(memory, call=Call(call_type="default", call_id="never"), custom={})


def test_of_two_changes_at_once_both_are_made(memory: MemoryWorld) -> None:
    memory.contest(lambda: change(memory, custom={"room": 10}))
    call = change(memory, settings_override=SCREEN_ONLY).call
    assert call.custom == {"room": 10}
    assert call.settings.individual_recording.output_types == (OutputType.SCREENSHARE_AUDIO_VIDEO,)
    assert memory.bus.types == ["call.updated", "call.updated"]


def test_a_change_that_could_not_be_told_is_told_by_the_next(memory: MemoryWorld) -> None:
    memory.bus.refusals = 1
    with pytest.raises(Transient):
        change(memory, custom={"room": 8})
    assert memory.calls.records[CALL].custom == {"room": 8}
    change(memory)
    assert memory.bus.types == ["call.updated"]
    assert memory.calls.records[CALL].outbox == ()
