from __future__ import annotations

import pytest

from isotrack.calls.egresses import EgressStatus
from isotrack.contract.call_types import UpdateCallTypeRequest
from isotrack.contract.settings import CallSettingsRequest
from isotrack.control.call_types import update_call_type
from isotrack.recording.errors import Conflict, Forbidden, Invalid, Missing, Transient
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.settings import Mode
from tests.archives import RUNNING, MemoryArchive
from tests.builders import CALL, NOON, at, hosted


@pytest.fixture
def there() -> MemoryArchive:
    """With a call hosted by two agents."""
    there = MemoryArchive()
    there.there.create()
    for agent in ("sfu-1", "sfu-2"):
        there.report(hosted(), agent=agent)
    return there


def individual(mode: str, *output_types: str) -> dict[str, object]:
    section: dict[str, object] = {"mode": mode}
    return {
        "individual_recording": section | ({"output_types": output_types} if output_types else {})
    }


def override(there: MemoryArchive, mode: str, *output_types: str) -> None:
    """Change the settings of the call."""
    request = CallSettingsRequest.model_validate(individual(mode, *output_types))
    record = there.there.calls.records[CALL]
    there.there.calls.save(record.update(NOON, settings_override=request))


def started(there: MemoryArchive) -> tuple[OutputType, ...]:
    egress = there.there.calls.records[CALL].active_egress
    assert egress is not None
    return egress.output_types


def test_a_started_recording_is_desired_with_its_id_zero_and_output_types(
    there: MemoryArchive,
) -> None:
    egress_id = there.start(5)
    desired = there.there.calls.records[CALL].desired("session-1")
    assert desired is not None
    assert desired.egress_id == egress_id
    assert desired.started_at == at(5)
    assert desired.output_types == DEFAULT_OUTPUT_TYPES
    assert desired.storage == "isotrack"


def test_each_agent_that_hosts_the_call_is_poked(there: MemoryArchive) -> None:
    there.start()
    assert there.there.queues.poked == ["queue:sfu-1", "queue:sfu-2"]


def test_a_call_nobody_created_does_not_exist_though_an_agent_hosts_it() -> None:
    there = MemoryArchive()
    there.report(hosted())
    with pytest.raises(Missing, match="default:standup"):
        there.start()


def test_a_call_nobody_hosts_has_no_session_to_record() -> None:
    there = MemoryArchive()
    there.there.create()
    with pytest.raises(Invalid, match=r"^there is no active session$"):
        there.start()


def test_a_call_whose_session_is_over_has_none_to_record(there: MemoryArchive) -> None:
    for agent in ("sfu-1", "sfu-2"):
        there.report(hosted(ended_at=at(4)), agent=agent, seconds=4)
    with pytest.raises(Invalid, match=r"^there is no active session$"):
        there.start()


def test_a_refused_start_pokes_nobody_and_writes_nothing(there: MemoryArchive) -> None:
    there.start()
    before = dict(there.there.calls.records)
    there.there.queues.poked.clear()
    with pytest.raises(Conflict, match="call egress is already running"):
        there.start()
    assert there.there.queues.poked == []
    assert there.there.calls.records == before


@pytest.mark.parametrize("level", ["call", "call type", "default"])
def test_a_call_whose_settings_disable_recording_is_not_recorded(
    there: MemoryArchive, level: str
) -> None:
    match level:
        case "call":
            override(there, "disabled")
        case "call type":
            settings = UpdateCallTypeRequest.model_validate({"settings": individual("disabled")})
            update_call_type("default", settings, world=there.world, now=NOON)
        case _:
            there.mode = Mode.DISABLED
    with pytest.raises(Invalid, match="disabled in the settings of call default:standup"):
        there.start()
    assert there.there.queues.poked == []


def test_the_settings_of_the_call_type_count_where_the_call_has_none(
    there: MemoryArchive,
) -> None:
    there.mode = Mode.DISABLED
    settings = {"settings": individual("available", "video_only")}
    request = UpdateCallTypeRequest.model_validate(settings)
    update_call_type("default", request, world=there.world, now=NOON)
    there.start()
    assert started(there) == (OutputType.VIDEO_ONLY,)


def test_the_settings_of_a_recording_are_those_at_its_start(there: MemoryArchive) -> None:
    override(there, "available", *OutputType)
    egress_id = there.start()
    override(there, "disabled")
    assert started(there) == tuple(OutputType)
    (desired,) = there.report(hosted()).recordings
    assert (desired.egress_id, desired.output_types) == (egress_id, tuple(OutputType))


def test_a_storage_nobody_knows_is_refused_by_name(there: MemoryArchive) -> None:
    with pytest.raises(Invalid, match=r"recording_external_storage: .*'glacier'"):
        there.start(recording_external_storage="glacier")


def test_our_own_storage_may_be_named(there: MemoryArchive) -> None:
    assert there.start(recording_external_storage="isotrack")


def test_of_two_starts_at_once_one_wins_and_the_other_is_refused(there: MemoryArchive) -> None:
    won: list[str] = []
    there.there.contest(lambda: won.append(there.start()))
    with pytest.raises(Conflict, match="already running"):
        there.start()
    egresses = there.there.calls.records[CALL].egresses
    assert [egress.egress_id for egress in egresses] == won


def test_a_start_whose_agents_were_not_woken_is_heard_of_with_their_next_report(
    there: MemoryArchive,
) -> None:
    egress_id = there.start()
    assert [egress.egress_id for egress in there.report(hosted(), seconds=9).recordings] == [
        egress_id
    ]
    with pytest.raises(Conflict, match="already running"):
        there.start()


def test_a_call_can_be_recorded_again_while_the_last_recording_is_sealed(
    there: MemoryArchive,
) -> None:
    first = there.start()
    there.report(hosted(recordings={first: RUNNING}), seconds=6)
    there.stop()
    second = there.start(21)
    states = {e.egress_id: e.status for e in there.there.calls.records[CALL].egresses}
    assert states == {first: EgressStatus.STOPPING, second: EgressStatus.STARTING}


def test_a_member_may_start_only_where_it_is_granted(there: MemoryArchive) -> None:
    bob = there.there.user("bob")
    with pytest.raises(Forbidden):
        there.start(caller=bob)
    there.there.member("bob")
    with pytest.raises(Forbidden, match="StartRecording"):
        there.start(caller=bob)
    there.there.grant({"call_member": ["read-call", "start-recording"]})
    assert there.start(caller=bob)


def test_a_start_that_could_not_be_written_has_started_nothing(there: MemoryArchive) -> None:
    def rival() -> None:
        raise Transient("the table is busy")

    there.there.contest(rival)
    with pytest.raises(Transient):
        there.start()
    assert there.there.calls.records[CALL].egresses == ()
    assert there.there.queues.poked == []
    assert there.start()
