from __future__ import annotations

from collections.abc import Callable

import pytest

from isotrack.calls.egresses import EgressStatus
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession, Host, Participant
from isotrack.contract.recording_settings import IndividualRecordingSettingsRequest
from isotrack.contract.session_settings import LimitsSettingsRequest
from isotrack.contract.settings import CallSettingsRequest
from isotrack.recording.errors import Conflict, Invalid, Missing
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from tests.builders import CALL, NOON, at

OUTPUTS = (OutputType.AUDIO_VIDEO,)
DISABLED = CallSettingsRequest(
    individual_recording=IndividualRecordingSettingsRequest(mode=Mode.DISABLED)
)
LIMITED = CallSettingsRequest(limits=LimitsSettingsRequest(max_participants=3))
BOB = Participant(user_id="bob", user_session_id="bob-1", joined_at=at(1))


def in_session() -> CallRecord:
    hosts = {"sfu-1": Host(poke_queue_url="q1"), "sfu-2": Host()}
    session = CallSession(
        call_session_id="session-1", started_at=NOON, hosts=hosts, participants=(BOB,)
    )
    return CallRecord(call=CALL, session=session)


def started() -> CallRecord:
    return in_session().start("egress-1", at(5), OUTPUTS, "isotrack")


def recorded() -> CallRecord:
    (egress,) = started().egresses
    running = egress.model_copy(
        update={"status": EgressStatus.RUNNING, "observed_at": at(6), "agents": ("sfu-1",)}
    )
    return started().model_copy(update={"egresses": (running,)})


def created(record: CallRecord | None = None) -> CallRecord:
    return (record or CallRecord(call=CALL)).create("alice", at(0))


def told(record: CallRecord) -> list[str]:
    return [notice.type for notice in record.outbox]


def test_a_call_is_created_once_and_that_is_told() -> None:
    record = CallRecord(call=CALL).create(
        "alice", at(3), custom={"topic": "x"}, settings_override=DISABLED, starts_at=at(60)
    )
    assert record.created
    assert (record.created_by_id, record.created_at, record.updated_at) == ("alice", at(3), at(3))
    assert (record.custom, record.settings_override) == ({"topic": "x"}, DISABLED)
    assert record.starts_at == at(60)
    assert told(record) == ["call.created"]
    with pytest.raises(Conflict, match="call default:standup exists already"):
        record.create("bob", at(4))


def test_a_call_that_agents_saw_first_keeps_its_session_when_it_is_created() -> None:
    record = created(started())
    assert record.active_session == started().active_session
    assert record.active_egress == started().active_egress


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(at(1)),
        lambda record: record.end(at(1)),
        lambda record: record.members_added(["bob"], at(1)),
        lambda record: record.members_updated(["bob"], at(1)),
        lambda record: record.members_removed(["bob"], at(1)),
        lambda record: record.require_created(),
    ],
    ids=["update", "end", "add members", "update members", "remove members", "require"],
)
def test_a_call_that_nobody_created_does_not_exist(
    change: Callable[[CallRecord], CallRecord],
) -> None:
    with pytest.raises(Missing, match="default:standup"):
        change(in_session())


def test_an_update_replaces_what_it_has_and_leaves_the_rest() -> None:
    record = CallRecord(call=CALL).create("alice", at(0), custom={"a": 1}, starts_at=at(9))
    assert record.update(at(1)).model_dump(exclude={"outbox", "updated_at"}) == record.model_dump(
        exclude={"outbox", "updated_at"}
    )
    changed = record.update(at(2), custom={"b": 2}, starts_at=at(10))
    assert (changed.custom, changed.starts_at) == ({"b": 2}, at(10))
    assert (changed.created_at, changed.updated_at) == (at(0), at(2))
    assert changed.update(at(3), custom={}).custom == {}
    assert told(changed) == ["call.created", "call.updated"]


def test_settings_are_overridden_section_by_section() -> None:
    record = created().update(at(1), settings_override=DISABLED)
    both = record.update(at(2), settings_override=LIMITED).settings_override
    assert both is not None
    assert both.individual_recording == DISABLED.individual_recording
    assert both.limits == LIMITED.limits
    other = LimitsSettingsRequest(max_duration_seconds=60)
    replaced = record.update(at(3), settings_override=CallSettingsRequest(limits=other))
    assert replaced.settings_override is not None
    assert replaced.settings_override.limits == other


def test_ending_a_call_ends_its_session_and_tells_who_ended_it() -> None:
    record = created(in_session()).end(at(61), user_id="alice", reason="enough")
    assert record.ended_at == at(61)
    assert record.active_session is None
    assert record.session is not None
    assert record.session.participants == ()
    assert told(record) == [
        "call.created",
        "call.ended",
        "call.session_participant_left",
        "call.session_ended",
    ]
    _, ended, left, _ = record.outbox
    assert ended.type == "call.ended"
    assert (ended.user_id, ended.reason) == ("alice", "enough")
    assert left.type == "call.session_participant_left"
    assert (left.participant.user_id, left.duration_seconds) == ("bob", 60)


def test_ending_a_call_stops_its_recording_once_the_agents_are_done() -> None:
    (egress,) = created(recorded()).end(at(61)).egresses
    assert (egress.status, egress.ended_at) == (EgressStatus.STOPPING, at(61))
    assert created(recorded()).end(at(61)).desired("session-1") is None


def test_ending_a_call_that_nobody_recorded_yet_fails_the_recording() -> None:
    record = created(started()).end(at(61))
    assert [egress.status for egress in record.egresses] == [EgressStatus.STOPPED]
    assert told(record)[-1] == "call.recording_failed"


def test_an_ended_call_ends_no_further() -> None:
    record = created(in_session()).end(at(61))
    assert record.end(at(62), user_id="bob") == record


def test_an_ended_call_is_not_recorded() -> None:
    with pytest.raises(Invalid, match="no active session"):
        created(in_session()).end(at(61)).start("egress-1", at(62), OUTPUTS, "isotrack")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (CallRecord.members_added, "call.member_added"),
        (CallRecord.members_updated, "call.member_updated"),
        (CallRecord.members_removed, "call.member_removed"),
    ],
)
def test_changes_of_members_are_told(change: Callable[..., CallRecord], expected: str) -> None:
    record = change(created(), ["bob", "carol"], at(5))
    notice = record.outbox[-1].model_dump()
    assert (notice["type"], notice["user_ids"]) == (expected, ("bob", "carol"))
    assert record.updated_at == at(5)
    assert change(created(), [], at(5)) == created()


def test_two_changes_are_told_as_two_events_though_made_at_the_same_moment() -> None:
    once = created().update(at(1))
    again = once.model_copy(update={"version": 1}).update(at(1))
    assert len({notice for notice in again.outbox if notice.type == "call.updated"}) == 2


def test_what_is_told_is_forgotten_and_what_came_since_is_kept() -> None:
    before = created()
    after = before.update(at(1))
    assert told(after.told(before.outbox)) == ["call.updated"]
    assert after.told(after.outbox).outbox == ()


def test_a_recording_starts_in_the_session_going_on() -> None:
    egress = started().active_egress
    assert egress is not None
    assert egress.call_session_id == "session-1"
    assert egress.started_at == at(5)
    assert egress.status is EgressStatus.STARTING


def test_a_call_without_session_is_not_recorded() -> None:
    with pytest.raises(Invalid, match=r"^there is no active session$"):
        CallRecord(call=CALL).start("egress-1", NOON, OUTPUTS, "isotrack")


def test_a_session_that_is_over_is_not_recorded() -> None:
    with pytest.raises(Invalid, match="no active session"):
        in_session().end_session(at(60)).start("egress-1", NOON, OUTPUTS, "isotrack")


def test_a_recording_started_twice_is_a_conflict() -> None:
    with pytest.raises(Conflict, match=r"^call egress is already running$"):
        started().start("egress-2", at(6), OUTPUTS, "isotrack")


def test_a_recording_that_does_not_run_is_not_stopped() -> None:
    with pytest.raises(Conflict, match=r"^call egress is not running$"):
        in_session().stop(NOON)


def test_a_recording_stopped_twice_is_a_conflict() -> None:
    with pytest.raises(Conflict, match="not running"):
        started().stop(at(6)).stop(at(7))


def test_a_further_recording_may_start_while_the_last_one_still_stops() -> None:
    record = started().stop(at(6)).start("egress-2", at(7), OUTPUTS, "isotrack")
    assert [(e.egress_id, e.status, e.ended_at) for e in record.egresses] == [
        ("egress-1", EgressStatus.STOPPING, at(6)),
        ("egress-2", EgressStatus.STARTING, None),
    ]


def test_agents_shall_record_what_is_active_in_their_session() -> None:
    desired = started().desired("session-1")
    assert desired is not None
    assert desired.egress_id == "egress-1"
    assert desired.started_at == at(5)
    assert desired.output_types == OUTPUTS
    assert started().desired("session-0") is None
    assert started().stop(at(6)).desired("session-1") is None


def test_only_agents_that_have_a_queue_are_poked() -> None:
    assert in_session().poke_queue_urls == ("q1",)
    assert CallRecord(call=CALL).poke_queue_urls == ()


def test_a_record_comes_back_from_its_json_as_it_went_in() -> None:
    record = created(recorded()).update(
        at(1), custom={"deep": [{"n": 1.5, "t": None}]}, settings_override=LIMITED
    )
    whole = record.members_added(["bob"], at(2)).end(at(3), user_id="bob")
    assert CallRecord.model_validate_json(whole.model_dump_json()) == whole
