from __future__ import annotations

import pytest

from isotrack.calls.egresses import EgressStatus
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession
from isotrack.control.ports import StaleRecord
from isotrack.control.saving import ATTEMPTS
from isotrack.control.update import update_call
from isotrack.recording.errors import Transient
from isotrack.recording.outputs import OutputType
from tests.builders import CALL, NOON, at
from tests.fakes import MemoryCallTable


def in_session(record: CallRecord) -> CallRecord:
    session = CallSession(call_session_id="session-1", started_at=NOON)
    return record.model_copy(update={"session": session})


class ContestedTable(MemoryCallTable):
    """Somebody else writes just before each of the first saves."""

    def __init__(self, contests: int) -> None:
        super().__init__()
        self.contests = contests

    def save(self, record: CallRecord) -> CallRecord:
        if self.contests:
            self.contests -= 1
            super().save(super().get(record.call) or CallRecord(call=record.call))
            raise StaleRecord
        return super().save(record)


def test_a_call_never_heard_of_begins_with_an_empty_record() -> None:
    calls = MemoryCallTable()
    assert update_call(CALL, in_session, calls=calls) == calls.get(CALL)
    assert calls.records[CALL].version == 1


def test_nothing_is_written_when_nothing_changes() -> None:
    calls = MemoryCallTable()
    update_call(CALL, lambda record: record, calls=calls)
    assert calls.records == {}


def test_a_change_is_made_again_on_what_somebody_else_wrote() -> None:
    calls = ContestedTable(contests=3)
    record = update_call(CALL, in_session, calls=calls)
    assert record.version == 4
    assert record.active_session is not None


def test_a_call_that_is_written_all_the_time_is_given_up_for_now() -> None:
    with pytest.raises(Transient, match="default:standup"):
        update_call(CALL, in_session, calls=ContestedTable(contests=ATTEMPTS))


def test_a_recording_that_has_stopped_leaves_the_record_and_is_kept() -> None:
    calls = MemoryCallTable()

    def start_and_finish(record: CallRecord) -> CallRecord:
        started = in_session(record).start("egress-1", at(1), (OutputType.AUDIO_ONLY,), "isotrack")
        stopped = started.egresses[0].model_copy(update={"status": EgressStatus.STOPPED})
        return started.model_copy(update={"egresses": (stopped,)})

    assert update_call(CALL, start_and_finish, calls=calls).egresses == ()
    kept = calls.stopped(CALL, "egress-1")
    assert kept is not None
    assert kept.started_at == at(1)
