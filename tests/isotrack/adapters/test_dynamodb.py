"""What only DynamoDB does: batches of which some is left over, conditions, sizes, races."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from isotrack.adapters.dynamodb import INDEX, DynamoItems, Item
from isotrack.adapters.dynamodb_call_types import MAX_CALL_TYPES, DynamoCallTypeTable
from isotrack.adapters.dynamodb_calls import DynamoCallTable
from isotrack.adapters.dynamodb_connections import DynamoConnectionTable
from isotrack.adapters.dynamodb_keys import Key, Range
from isotrack.adapters.dynamodb_outcomes import DynamoOutcomeTable, DynamoRecordingTable
from isotrack.adapters.dynamodb_progress import DynamoProgressTable
from isotrack.calls.call_types import CallType
from isotrack.calls.connections import Connection
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession
from isotrack.control.ports import StaleRecord
from isotrack.recording.errors import CorruptInput, Invalid, Transient
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Source
from tests.aws import TABLE, Atomic, account
from tests.builders import CALL, EGRESS, NOON, at, file

SPAN = Range("calls", "call#")


def key(number: int) -> Key:
    return Key(f"call#{number:03}", "state")


def fill(items: DynamoItems, count: int, **fields: object) -> None:
    items.write_many(puts=[Item(Key("calls", f"call#{n:03}"), fields) for n in range(count)])


class Stubbed:
    """A client whose answers are given beforehand, and pauses that are only noted."""

    def __init__(self) -> None:
        with account():
            client = boto3.client("dynamodb")
        self.pauses: list[float] = []
        self.stub = Stubber(client)
        self.items = DynamoItems(TABLE, client, sleep=self.pauses.append)


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    world = Stubbed()
    with world.stub:
        yield world
        world.stub.assert_no_pending_responses()


def attributes(each: Key) -> dict[str, Any]:
    return {"pk": {"S": each.pk}, "sk": {"S": each.sk}}


class TestItems:
    def test_an_update_makes_what_is_not_there_unless_it_may_not(self, items: DynamoItems) -> None:
        assert not items.update("a", "b", "SET x = :x", "attribute_exists(pk)", x=1)
        assert items.get("a", "b") is None
        assert items.update("a", "b", "SET x = :x", x=1)
        assert items.update("a", "b", "SET y = :y", "x = :x", x=1, y=2)
        assert items.get("a", "b") == {"x": 1, "y": 2}

    def test_what_is_removed_is_gone_once(self, items: DynamoItems) -> None:
        items.put("a", "b", {})
        assert items.delete("a", "b")
        assert not items.delete("a", "b")

    def test_of_writes_of_one_key_in_a_batch_the_last_put_counts(self, items: DynamoItems) -> None:
        items.put("a", "gone", {})
        puts = [Item(Key("a", "b"), {"n": n}) for n in range(60)]
        items.write_many(puts=puts, deletes=[Key("a", "b"), Key("a", "gone"), Key("a", "gone")])
        assert items.get("a", "b") == {"n": 59}
        assert items.get("a", "gone") is None

    def test_hundreds_are_written_and_read_in_batches(self, items: DynamoItems) -> None:
        items.write_many(puts=[Item(key(n), {"n": n}) for n in range(230)])
        read = items.get_many([key(n) for n in range(240)])
        assert read == {key(n): {"n": n} for n in range(230)}

    def test_what_a_batch_leaves_over_is_read_after_a_pause(self, stubbed: Stubbed) -> None:
        both = [attributes(key(1)), attributes(key(2))]
        for asked, given in ((both, key(2)), (both[:1], key(1))):
            left = {TABLE: {"Keys": both[:1], "ConsistentRead": True}} if asked is both else {}
            stubbed.stub.add_response(
                "batch_get_item",
                {"Responses": {TABLE: [attributes(given)]}, "UnprocessedKeys": left},
                {"RequestItems": {TABLE: {"Keys": asked, "ConsistentRead": True}}},
            )
        assert stubbed.items.get_many([key(2), key(1)]) == {key(1): {}, key(2): {}}
        assert len(stubbed.pauses) == 1

    def test_what_a_batch_leaves_over_is_written_after_a_pause(self, stubbed: Stubbed) -> None:
        puts = [{"PutRequest": {"Item": attributes(key(n))}} for n in (1, 2)]
        for asked, left in ((puts, {TABLE: puts[1:]}), (puts[1:], {})):
            stubbed.stub.add_response(
                "batch_write_item",
                {"UnprocessedItems": left},
                {"RequestItems": {TABLE: asked}},
            )
        stubbed.items.write_many(puts=[Item(key(1), {}), Item(key(2), {})])
        assert len(stubbed.pauses) == 1

    def test_a_table_that_stays_busy_is_given_up_after_pauses_that_grow(
        self, stubbed: Stubbed
    ) -> None:
        left = {TABLE: {"Keys": [attributes(key(1))]}}
        for _ in range(6):
            stubbed.stub.add_response(
                "batch_get_item", {"Responses": {}, "UnprocessedKeys": left}, {"RequestItems": ANY}
            )
        with pytest.raises(Transient, match="too busy"):
            stubbed.items.get_many([key(1)])
        assert len(stubbed.pauses) == 5
        assert stubbed.pauses == sorted(stubbed.pauses)

    @pytest.mark.parametrize(
        ("code", "status", "raised"),
        [
            ("ProvisionedThroughputExceededException", 400, Transient),
            ("InternalServerError", 500, Transient),
            ("AccessDeniedException", 400, ClientError),
        ],
    )
    def test_only_failures_that_pass_are_worth_another_try(
        self, stubbed: Stubbed, code: str, status: int, raised: type[Exception]
    ) -> None:
        stubbed.stub.add_client_error("get_item", code, http_status_code=status)
        with pytest.raises(raised, match=code):
            stubbed.items.get("a", "b")


class TestQuery:
    def test_it_reads_its_prefix_of_its_partition(self, items: DynamoItems) -> None:
        fill(items, 2)
        for stranger in (Key("calls", "calk#1"), Key("calls", "callx"), Key("other", "call#000")):
            items.put(*stranger, {})
        found = items.query(SPAN, limit=9)
        assert [item.key.sk for item in found.items] == ["call#000", "call#001"]
        assert found.next is None

    def test_it_goes_on_where_a_megabyte_ended(self, items: DynamoItems) -> None:
        fill(items, 12, body="x" * 200_000)
        found = items.query(SPAN, limit=10)
        assert [item.key.sk[-3:] for item in found.items] == [f"{n:03}" for n in range(10)]
        rest = items.query(SPAN, limit=10, after=found.next)
        assert [item.key.sk[-3:] for item in rest.items] == ["010", "011"]
        assert rest.next is None

    def test_it_ends_somewhere_though_a_filter_lets_nothing_through(
        self, items: DynamoItems
    ) -> None:
        fill(items, 100)
        found = items.query(SPAN, limit=1, where="attribute_exists(body)")
        assert found.items == ()
        assert found.next is not None

    def test_the_index_finds_what_it_may_and_a_partition_once(self, items: DynamoItems) -> None:
        for partition, sort in (("call#1", "a"), ("call#1", "b"), ("call#2", "a"), ("user#1", "a")):
            items.put(partition, sort, {"found_by": "alice"})
        items.put("call#3", "a", {"found_by": "bob"})
        span = Range("alice", "call#")
        assert {item.key.pk for item in items.query_index(span, limit=9).items} == {
            "call#1",
            "call#2",
        }
        first = items.query_index(span, limit=1)
        second = items.query_index(span, limit=1, after=first.next)
        assert [item.key.pk for item in first.items + second.items] == ["call#1", "call#2"]

    def test_the_table_has_the_index_that_is_asked(self, items: DynamoItems) -> None:
        description = boto3.client("dynamodb").describe_table(TableName=TABLE)["Table"]
        assert [index["IndexName"] for index in description["GlobalSecondaryIndexes"]] == [INDEX]


class TestSizes:
    def test_a_call_with_more_in_it_than_an_item_holds_is_refused(self, items: DynamoItems) -> None:
        crowd = {f"{n:064}": "x" * 250 for n in range(1500)}
        with pytest.raises(Invalid, match="larger than DynamoDB holds"):
            DynamoCallTable(items).save(CallRecord(call=CALL, custom=dict(crowd)))

    def test_an_installation_has_a_bounded_number_of_call_types(self, items: DynamoItems) -> None:
        types = DynamoCallTypeTable(items)
        first = types.save(call_type("type"))
        written = items.get("calltypes", "calltype#type")
        assert written is not None
        more = (Key("calltypes", f"calltype#type-{n}") for n in range(1, MAX_CALL_TYPES))
        items.write_many(puts=[Item(each, written) for each in more])
        with pytest.raises(Invalid, match="delete one"):
            types.save(call_type("one-too-many"))
        assert types.save(first).version == 2
        assert len(types.all()) == MAX_CALL_TYPES


def test_an_item_that_nobody_can_read_is_named(items: DynamoItems) -> None:
    items.put("call#default#standup", "state", {"body": '{"version": "many"}', "version": 1})
    with pytest.raises(CorruptInput, match="default:standup: call: Field required"):
        DynamoCallTable(items).get(CALL)


def test_dynamodb_is_told_when_an_item_may_go_in_whole_unix_seconds(items: DynamoItems) -> None:
    table = DynamoConnectionTable(items, lambda: NOON)
    one = Connection(
        connection_id="one", user_id="alice", opened_at=NOON, expires_at=at(60)
    )  # noon is a quarter of a second past twelve
    table.open(one)
    table.watch(one, [CALL])
    for place in (("connection#one", "state"), ("call#default#standup", "watcher#one")):
        item = items.get(*place)
        assert item is not None
        assert item["expires_at"] == int(NOON.timestamp()) + 61


def test_files_are_listed_for_as_long_as_the_store_has_them(items: DynamoItems) -> None:
    outcomes = DynamoOutcomeTable(items, lasts=timedelta(days=14))
    kept = outcomes.keep(file(), at(0))
    day = 24 * 3600
    for seconds, shown in ((14 * day, [kept]), (14 * day + 1, [])):
        recordings = DynamoRecordingTable(items, partial(at, seconds))
        assert list(recordings.page(CALL, limit=5).items) == shown
        assert list(recordings.named(CALL, "session-1", file().filename)) == shown


class Meeting(DynamoCallTable):
    """Lets nobody write before two have read."""

    def __init__(self, items: DynamoItems, both_have_read: threading.Barrier) -> None:
        super().__init__(items)
        self._both_have_read = both_have_read

    def get(self, call: Call) -> CallRecord | None:
        record = super().get(call)
        self._both_have_read.wait(timeout=30)
        return record


def test_of_two_starts_at_once_one_wins(items: DynamoItems) -> None:
    client = cast("Any", Atomic(boto3.client("dynamodb")))
    session = CallSession(call_session_id="s", started_at=NOON)
    DynamoCallTable(items).save(CallRecord(call=CALL, session=session))
    barrier = threading.Barrier(2)

    def begin(moment: datetime) -> str | None:
        calls = Meeting(DynamoItems(TABLE, client), barrier)
        record = calls.get(CALL)
        assert record is not None
        try:
            calls.save(record.start(str(moment), moment, (OutputType.AUDIO_VIDEO,), "isotrack"))
        except StaleRecord:
            return None
        return str(moment)

    with ThreadPoolExecutor(2) as threads:
        winners = [each for each in threads.map(begin, [at(1), at(2)]) if each is not None]
    kept = DynamoCallTable(items).get(CALL)
    assert kept is not None
    assert [egress.egress_id for egress in kept.egresses] == winners
    assert len(winners) == 1


def test_of_many_who_end_the_last_jobs_at_once_one_completes_the_recording(
    items: DynamoItems,
) -> None:
    client = cast("Any", Atomic(boto3.client("dynamodb")))
    sessions = [f"session-{n}" for n in range(8)]
    for session in sessions:
        DynamoProgressTable(items).planned(CALL, EGRESS, session, 1, [Source.PARTICIPANT])
    start = threading.Barrier(len(sessions))

    def end(session: str) -> bool:
        progress = DynamoProgressTable(DynamoItems(TABLE, client))
        start.wait(timeout=30)
        progress.done(CALL, EGRESS, session, 1, Source.PARTICIPANT)
        left = progress.unfinished(CALL, EGRESS, dict.fromkeys(sessions, 1))
        return left == 0 and progress.claim(CALL, EGRESS, 1, session)

    with ThreadPoolExecutor(len(sessions)) as threads:
        assert sorted(threads.map(end, sessions)) == [False] * 7 + [True]


def test_a_file_deleted_while_it_is_announced_stays_deleted(items: DynamoItems) -> None:
    """Announcing reads, publishes, and marks; the deletion comes in between."""
    outcomes, recordings = DynamoOutcomeTable(items), DynamoRecordingTable(items)
    outcomes.keep(file(), at(70))
    recordings.mark_deleted(file(), at(71))
    outcomes.mark_announced(file())
    assert recordings.page(CALL, limit=5).items == ()
    [item] = items.query(Range("call#default#standup", "outcome#"), limit=5).items
    assert item.fields["deleted_at"] == at(71).isoformat()
    assert item.fields["announced"] is True


def call_type(name: str) -> CallType:
    return CallType(name=name, created_at=NOON, updated_at=NOON)
