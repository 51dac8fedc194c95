"""One contract for the tables in memory and in DynamoDB (moto), and what only DynamoDB does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from isotrack.adapters.dynamodb import (
    DynamoAgentTable,
    DynamoCallTable,
    DynamoItems,
    DynamoOutcomeTable,
)
from isotrack.pipeline.ports import AgentTable, CallTable, OutcomeTable, StaleRecord
from isotrack.pipeline.start import start
from isotrack.recording import events
from isotrack.recording.calls import CallRecord, CallSession, Host
from isotrack.recording.errors import Conflict, Invalid, Transient
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import (
    CallSettings,
    EffectiveRecording,
    IndividualRecordingSettings,
    Mode,
)
from isotrack.recording.tracks import Call, ParticipantSession, Source
from tests.aws import TABLE, Atomic, account, create_table
from tests.builders import ALICE, CALL, EGRESS, NOON, at, file
from tests.fakes import MemoryAgentQueues, MemoryAgentTable, MemoryCallTable, MemoryOutcomeTable

OUTPUTS = (OutputType.AUDIO_VIDEO, OutputType.SCREENSHARE_AUDIO_ONLY)


class Tables(NamedTuple):
    calls: CallTable
    agents: AgentTable
    outcomes: OutcomeTable


@pytest.fixture
def items() -> Iterator[DynamoItems]:
    with account():
        yield DynamoItems(TABLE, create_table())


@pytest.fixture(params=["memory", "dynamodb"])
def tables(request: pytest.FixtureRequest) -> Tables:
    if request.param == "memory":
        return Tables(MemoryCallTable(), MemoryAgentTable(), MemoryOutcomeTable())
    items = request.getfixturevalue("items")
    return Tables(DynamoCallTable(items), DynamoAgentTable(items), DynamoOutcomeTable(items))


def full_record() -> CallRecord:
    """A record with something in every field."""
    host = Host(poke_queue_url="https://queue", participants=(ALICE,))
    session = CallSession(call_session_id="session-1", started_at=NOON, hosts={"sfu-1": host})
    section = IndividualRecordingSettings(mode=Mode.AUTO_ON, output_types=OUTPUTS)
    record = CallRecord(
        call=CALL,
        session=session,
        settings_override=CallSettings(individual_recording=section),
        outbox=(events.recording_started(CALL.cid, EGRESS, NOON),),
    )
    return record.start(EGRESS, at(5), OUTPUTS, "isotrack")


def failure(source: Source | None) -> RecordingFailure:
    reason = FailureReason(
        code="CorruptInput", message="torn", user_session_id="a", source=source, retryable=False
    )
    return RecordingFailure(call=CALL, egress_id=EGRESS, reason=reason)


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

    def test_a_stopped_recording_is_kept_beside_its_call(self, tables: Tables) -> None:
        egress = full_record().egresses[0]
        for _ in range(2):
            tables.calls.keep_stopped(CALL, egress)
        assert tables.calls.stopped(CALL, EGRESS) == egress
        assert tables.calls.stopped(CALL, "another") is None
        assert tables.calls.get(CALL) is None

    def test_a_call_type_nobody_set_has_no_settings(self, tables: Tables) -> None:
        assert tables.calls.call_type_settings("default") is None


class TestAgentTable:
    def test_the_queue_of_an_agent_is_found_again(self, tables: Tables) -> None:
        assert tables.agents.poke_queue_url("sfu-1") is None
        tables.agents.keep_poke_queue_url("sfu-1", "https://queue")
        assert tables.agents.poke_queue_url("sfu-1") == "https://queue"
        assert tables.agents.poke_queue_url("sfu-2") is None


class TestOutcomeTable:
    def test_the_first_writer_says_when_a_file_was_known(self, tables: Tables) -> None:
        first = tables.outcomes.keep(file(), at(70))
        assert (first.outcome, first.created_at, first.announced) == (file(), at(70), False)
        assert tables.outcomes.keep(file(sha256="cd" * 32), at(80)) == first

    def test_an_announced_file_is_known_as_such(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.outcomes.mark_announced(file())
        kept = tables.outcomes.keep(file(), at(80))
        assert (kept.announced, kept.created_at, kept.outcome) == (True, at(70), file())

    def test_files_and_revisions_are_kept_apart(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.outcomes.mark_announced(file())
        assert not tables.outcomes.keep(file(OutputType.AUDIO_ONLY), at(70)).announced
        assert not tables.outcomes.keep(file(revision=2), at(70)).announced

    def test_failures_are_kept_by_source(self, tables: Tables) -> None:
        for source in (None, *Source):
            assert not tables.outcomes.keep(failure(source), at(70)).announced
            tables.outcomes.mark_announced(failure(source))
            kept = tables.outcomes.keep(failure(source), at(80))
            assert (kept.outcome, kept.announced) == (failure(source), True)


def test_settings_of_a_call_type_are_read_from_their_item(items: DynamoItems) -> None:
    section = {"mode": "auto-on", "output_types": ["audio_only"]}
    items.put("calltype#default", "settings", {"individual_recording": section})
    settings = DynamoCallTable(items).call_type_settings("default")
    assert settings is not None
    assert settings.individual_recording == IndividualRecordingSettings(
        mode=Mode.AUTO_ON, output_types=(OutputType.AUDIO_ONLY,)
    )


def test_the_fields_of_a_record_are_attributes_of_its_item(items: DynamoItems) -> None:
    DynamoCallTable(items).save(full_record())
    item = items.get("call#default#standup", "state")
    assert item is not None
    assert item["session"]["hosts"]["sfu-1"]["participants"][0]["user_id"] == "alice"


def test_a_call_with_more_participants_than_an_item_holds_is_refused(items: DynamoItems) -> None:
    crowd = tuple(
        ParticipantSession(user_id="u" * 250, user_session_id=f"{n:064}", joined_at=NOON)
        for n in range(1500)
    )
    session = CallSession(
        call_session_id="s", started_at=NOON, hosts={"sfu-1": Host(participants=crowd)}
    )
    with pytest.raises(Invalid, match="larger than DynamoDB holds"):
        DynamoCallTable(items).save(CallRecord(call=CALL, session=session))


def test_of_two_starts_at_once_one_wins_and_the_other_is_refused(items: DynamoItems) -> None:
    client = cast("Any", Atomic(boto3.client("dynamodb")))
    both_have_read = threading.Barrier(2)

    class Racing(DynamoCallTable):
        """Lets nobody write before both have read."""

        reads = 0

        def get(self, call: Call) -> CallRecord | None:
            record = super().get(call)
            self.reads += 1
            if self.reads == 1:
                both_have_read.wait(timeout=30)
            return record

    DynamoCallTable(items).save(
        CallRecord(call=CALL, session=CallSession(call_session_id="s", started_at=NOON))
    )

    def begin(moment: datetime) -> str | None:
        try:
            return start(
                CALL,
                storage=None,
                calls=Racing(DynamoItems(TABLE, client)),
                agents=MemoryAgentQueues(),
                default=EffectiveRecording(),
                now=moment,
            )
        except Conflict:
            return None

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(begin, [at(1), at(2)]))
    winners = [egress_id for egress_id in results if egress_id is not None]
    kept = DynamoCallTable(items).get(CALL)
    assert kept is not None
    assert [egress.egress_id for egress in kept.egresses] == winners
    assert len(winners) == 1


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("ProvisionedThroughputExceededException", 400, Transient),
        ("InternalServerError", 500, Transient),
        ("AccessDeniedException", 400, ClientError),
    ],
)
def test_only_failures_that_pass_are_worth_another_try(
    code: str, status: int, raised: type[Exception]
) -> None:
    with account():
        client = boto3.client("dynamodb")
    with Stubber(client) as stub:
        stub.add_client_error("get_item", code, http_status_code=status)
        with pytest.raises(raised, match=code):
            DynamoCallTable(DynamoItems(TABLE, client)).get(CALL)
