from __future__ import annotations

import pytest

from isotrack.recording.calls import (
    CallRecord,
    CallSession,
    EgressStatus,
    Host,
)
from isotrack.recording.errors import Conflict, Invalid
from isotrack.recording.outputs import OutputType
from tests.builders import CALL, NOON, at

OUTPUTS = (OutputType.AUDIO_VIDEO,)


def in_session() -> CallRecord:
    hosts = {"sfu-1": Host(poke_queue_url="q1"), "sfu-2": Host()}
    session = CallSession(call_session_id="session-1", started_at=NOON, hosts=hosts)
    return CallRecord(call=CALL, session=session)


def started() -> CallRecord:
    return in_session().start("egress-1", at(5), OUTPUTS, "isotrack")


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
    record = in_session()
    assert record.session is not None
    over = record.model_copy(
        update={"session": record.session.model_copy(update={"ended_at": at(60)})}
    )
    with pytest.raises(Invalid, match="no active session"):
        over.start("egress-1", NOON, OUTPUTS, "isotrack")


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
