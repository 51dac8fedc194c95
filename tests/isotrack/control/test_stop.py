from __future__ import annotations

import pytest

from isotrack.calls.egresses import EgressStatus
from isotrack.recording.errors import Conflict, Forbidden, Missing
from tests.archives import MemoryArchive
from tests.builders import CALL, at, hosted


@pytest.fixture
def there() -> MemoryArchive:
    """With a call that is being recorded."""
    there = MemoryArchive()
    there.there.create()
    there.report(hosted())
    there.start()
    there.there.queues.poked.clear()
    return there


def test_a_stopped_recording_is_not_desired_and_its_agent_is_poked(there: MemoryArchive) -> None:
    there.stop(9)
    record = there.there.calls.records[CALL]
    assert record.desired("session-1") is None
    assert [(e.status, e.ended_at) for e in record.egresses] == [(EgressStatus.STOPPING, at(9))]
    assert there.there.queues.poked == ["queue:sfu-1"]


def test_a_recording_stopped_twice_is_a_conflict_and_pokes_nobody(there: MemoryArchive) -> None:
    there.stop(9)
    there.there.queues.poked.clear()
    with pytest.raises(Conflict, match=r"^call egress is not running$"):
        there.stop(10)
    assert there.there.queues.poked == []


def test_a_call_nobody_created_does_not_exist() -> None:
    with pytest.raises(Missing, match="default:standup"):
        MemoryArchive().stop()


def test_a_call_that_is_not_recorded_is_not_stopped() -> None:
    there = MemoryArchive()
    there.there.create()
    with pytest.raises(Conflict, match=r"^call egress is not running$"):
        there.stop()


def test_of_two_stops_at_once_one_wins_and_the_other_is_refused(there: MemoryArchive) -> None:
    there.there.contest(lambda: there.stop(9))
    with pytest.raises(Conflict, match="not running"):
        there.stop(10)
    (egress,) = there.there.calls.records[CALL].egresses
    assert egress.ended_at == at(9)


def test_a_member_may_stop_only_where_it_is_granted(there: MemoryArchive) -> None:
    bob = there.there.user("bob")
    there.there.member("bob")
    with pytest.raises(Forbidden, match="StopRecording"):
        there.stop(caller=bob)
    there.there.grant({"call_member": ["read-call", "stop-recording"]})
    there.stop(caller=bob)
