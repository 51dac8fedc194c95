"""One contract for the tables in memory and in DynamoDB (moto): calls, call types, agents, app."""

from __future__ import annotations

import pytest

from isotrack.calls.call_types import CallType
from isotrack.calls.egresses import Egress
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession, Host, Participant
from isotrack.contract.recording_settings import IndividualRecordingSettingsRequest
from isotrack.contract.settings import CallSettingsRequest
from isotrack.control.ports import StaleRecord
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Call
from tests.builders import ALICE, CALL, EGRESS, NOON, at
from tests.tables import Tables

OUTPUTS = (OutputType.AUDIO_VIDEO, OutputType.SCREENSHARE_AUDIO_ONLY)
SETTINGS = CallSettingsRequest(
    individual_recording=IndividualRecordingSettingsRequest(mode=Mode.AUTO_ON, output_types=OUTPUTS)
)
DEEP: dict[str, object] = {"leaf": None}
for _ in range(40):
    DEEP = {"deeper": [DEEP]}
CUSTOM = {"half": 0.5, "tiny": 5e-324, "large": 10**60, "": "#%/\u2028\U0001f600", "deep": DEEP}
"""What DynamoDB's own numbers and maps cannot hold."""


def full_record() -> CallRecord:
    """A record with something in every field."""
    session = CallSession(
        call_session_id="session-1",
        started_at=NOON,
        hosts={"sfu-1": Host(poke_queue_url="https://queue", user_session_ids=("alice-1",))},
        participants=(Participant(**ALICE.model_dump()),),
    )
    record = CallRecord(call=CALL, session=session)
    created = record.create("alice", NOON, settings_override=SETTINGS, custom=CUSTOM)
    return created.start(EGRESS, at(5), OUTPUTS, "isotrack")


def call_type(name: str, version: int = 0) -> CallType:
    return CallType(
        name=name, version=version, settings=SETTINGS, created_at=NOON, updated_at=at(1)
    )


class TestCallTable:
    def test_a_call_never_saved_is_not_there(self, tables: Tables) -> None:
        assert tables.calls.get(CALL) is None

    def test_a_record_is_read_as_it_was_saved_with_its_version(self, tables: Tables) -> None:
        saved = tables.calls.save(full_record())
        assert saved.version == 1
        assert saved.model_copy(update={"version": 0}) == full_record()
        assert tables.calls.get(CALL) == saved

    def test_of_two_that_read_the_same_version_the_second_is_stale(self, tables: Tables) -> None:
        read = tables.calls.save(CallRecord(call=CALL))
        tables.calls.save(read.model_copy(update={"outbox": full_record().outbox}))
        with pytest.raises(StaleRecord):
            tables.calls.save(read)
        kept = tables.calls.get(CALL)
        assert kept is not None
        assert kept.outbox == full_record().outbox

    def test_of_two_first_saves_the_second_is_stale(self, tables: Tables) -> None:
        tables.calls.save(CallRecord(call=CALL))
        with pytest.raises(StaleRecord):
            tables.calls.save(CallRecord(call=CALL))

    def test_a_version_that_was_never_there_is_stale(self, tables: Tables) -> None:
        with pytest.raises(StaleRecord):
            tables.calls.save(CallRecord(call=CALL, version=3))

    def test_calls_whose_ids_run_together_are_kept_apart(self, tables: Tables) -> None:
        one = Call(call_type="a", call_id="b#c")
        other = Call(call_type="a#b", call_id="c")
        tables.calls.save(CallRecord(call=one))
        assert tables.calls.get(other) is None

    @pytest.mark.parametrize("name", ["..", "a/b", "é" * 64, "\U0001f600" * 64, "=", "a b"])
    def test_any_id_names_a_call(self, tables: Tables, name: str) -> None:
        call = Call(call_type=name, call_id=name)
        saved = tables.calls.save(CallRecord(call=call))
        tables.calls.save(CallRecord(call=Call(call_type=name, call_id=name[:-1] + "x")))
        assert tables.calls.get(call) == saved

    def test_many_are_read_at_once_and_those_unknown_left_out(self, tables: Tables) -> None:
        calls = [Call(call_type="default", call_id=f"call-{n}") for n in range(120)]
        saved = {call: tables.calls.save(CallRecord(call=call)) for call in calls[:110]}
        assert tables.calls.get_many([*calls, *calls[:5]]) == saved

    def test_of_no_calls_there_are_no_records(self, tables: Tables) -> None:
        assert tables.calls.get_many([]) == {}

    def test_a_stopped_recording_is_kept_beside_its_call(self, tables: Tables) -> None:
        egress = full_record().egresses[0].model_copy(update={"sealed": {"alice-1": 2}})
        for _ in range(2):
            tables.calls.keep_stopped(CALL, egress)
        assert tables.calls.stopped(CALL, EGRESS) == egress
        assert tables.calls.stopped(CALL, "another") is None
        assert tables.calls.get(CALL) is None

    def test_what_is_kept_of_a_stopped_recording_can_be_said_anew(self, tables: Tables) -> None:
        egress: Egress = full_record().egresses[0]
        tables.calls.keep_stopped(CALL, egress)
        changed = egress.model_copy(update={"ended_at": at(9)})
        tables.calls.keep_stopped(CALL, changed)
        assert tables.calls.stopped(CALL, EGRESS) == changed


class TestCallTypeTable:
    def test_a_call_type_is_read_as_it_was_saved(self, tables: Tables) -> None:
        assert tables.call_types.get("webinar") is None
        saved = tables.call_types.save(call_type("webinar"))
        assert saved == call_type("webinar", version=1)
        assert tables.call_types.get("webinar") == saved

    def test_of_two_changes_at_once_the_second_is_stale(self, tables: Tables) -> None:
        read = tables.call_types.save(call_type("webinar"))
        tables.call_types.save(read)
        with pytest.raises(StaleRecord):
            tables.call_types.save(read)
        with pytest.raises(StaleRecord):
            tables.call_types.save(call_type("webinar"))

    def test_all_are_listed_by_name(self, tables: Tables) -> None:
        assert list(tables.call_types.all()) == []
        for name in ("webinar", "audio", "town.hall"):
            tables.call_types.save(call_type(name))
        assert [each.name for each in tables.call_types.all()] == ["audio", "town.hall", "webinar"]

    def test_one_that_is_deleted_is_gone_and_may_be_made_again(self, tables: Tables) -> None:
        tables.call_types.save(tables.call_types.save(call_type("webinar")))
        assert tables.call_types.delete("webinar")
        assert not tables.call_types.delete("webinar")
        assert tables.call_types.get("webinar") is None
        assert tables.call_types.save(call_type("webinar")).version == 1


class TestAgentTable:
    def test_the_queue_of_an_agent_is_found_again(self, tables: Tables) -> None:
        assert tables.agents.poke_queue_url("sfu-1") is None
        tables.agents.keep_poke_queue_url("sfu-1", "https://queue")
        assert tables.agents.poke_queue_url("sfu-1") == "https://queue"
        assert tables.agents.poke_queue_url("sfu-2") is None


class TestAppTable:
    def test_tokens_are_revoked_until_that_is_taken_back(self, tables: Tables) -> None:
        assert tables.app.revoke_tokens_issued_before() is None
        tables.app.keep_revocation(NOON)
        assert tables.app.revoke_tokens_issued_before() == NOON
        tables.app.keep_revocation(None)
        tables.app.keep_revocation(None)
        assert tables.app.revoke_tokens_issued_before() is None
