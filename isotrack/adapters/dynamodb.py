"""The table: calls, agents and outcomes in one DynamoDB table, keys `pk` and `sk`.

    pk                          sk
    call#{type}#{id}            state                                  CallRecord, with its version
    call#{type}#{id}            egress#{egress_id}                     Egress that has stopped
    call#{type}#{id}            file#{egress_id}#{filename}#{revision}             OutcomeRecord
    call#{type}#{id}            failure#{egress_id}#{session}#{source}#{revision}  OutcomeRecord
    calltype#{type}             settings                               CallSettings
    agent#{agent_id}            queue                                  url of the agent's queue

Attributes are the fields of the models, so that a query can look into them; ids are
percent-encoded in keys. Writes are of one item each, under a condition: nothing needs a
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from isotrack.adapters.aws_errors import aws_errors, error_code
from isotrack.pipeline.ports import StaleRecord
from isotrack.recording import keys
from isotrack.recording.calls import CallRecord, Egress
from isotrack.recording.errors import Invalid
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import OutcomeRecord, RecordingFailure
from isotrack.recording.settings import CallSettings
from isotrack.recording.tracks import Call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class DynamoItems:
    """Items of a table by key: maps of plain values."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self._table = table
        self._client = client

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """An item without its key, as last written by anybody."""
        with aws_errors(f"read {pk} {sk} of table {self._table}"):
            answer = self._client.get_item(
                TableName=self._table, Key=_attributes(pk=pk, sk=sk), ConsistentRead=True
            )
        if "Item" not in answer:
            return None
        item = {name: _deserialize(value) for name, value in answer["Item"].items()}
        return {name: value for name, value in item.items() if name not in ("pk", "sk")}

    def put(self, pk: str, sk: str, fields: Mapping[str, Any]) -> None:
        """Write an item over whatever is there."""
        with aws_errors(f"write {pk} {sk} of table {self._table}"):
            self._client.put_item(TableName=self._table, Item=_attributes(pk=pk, sk=sk, **fields))

    def put_if(
        self, pk: str, sk: str, fields: Mapping[str, Any], condition: str, **values: object
    ) -> bool:
        """Write an item if the condition holds of what is there; False if it does not.

        Args:
            pk: partition key.
            sk: sort key.
            fields: the other attributes.
            condition: a condition expression, in which `:name` stands for `values["name"]`.
            values: what the condition compares with.
        """
        request: dict[str, Any] = {"Item": _attributes(pk=pk, sk=sk, **fields)}
        if values:
            named = {f":{name}": value for name, value in values.items()}
            request["ExpressionAttributeValues"] = _attributes(**named)
        try:
            with aws_errors(f"write {pk} {sk} of table {self._table}"):
                self._client.put_item(
                    TableName=self._table, ConditionExpression=condition, **request
                )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            if error_code(error) == "ValidationException" and "size" in str(error):
                raise Invalid(f"{pk} {sk} is larger than DynamoDB holds (400 KB)") from error
            raise
        return True


class DynamoCallTable:
    """A CallTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def get(self, call: Call) -> CallRecord | None:
        """The record of a call."""
        item = self._items.get(_call_key(call), "state")
        return None if item is None else CallRecord.model_validate(item)

    def save(self, record: CallRecord) -> CallRecord:
        """Write a record over the version it was read as. Raises StaleRecord."""
        after = record.model_copy(update={"version": record.version + 1})
        fields = after.model_dump(mode="json")
        written = self._items.put_if(
            _call_key(record.call),
            "state",
            fields,
            "attribute_not_exists(pk) OR version = :version"
            if record.version == 0
            else "version = :version",
            version=record.version,
        )
        if not written:
            raise StaleRecord(f"call {record.call.cid}: version {record.version} is stale")
        return after

    def keep_stopped(self, call: Call, egress: Egress) -> None:
        """Keep a recording that has stopped for good."""
        sort_key = _join("egress", egress.egress_id)
        self._items.put(_call_key(call), sort_key, egress.model_dump(mode="json"))

    def stopped(self, call: Call, egress_id: str) -> Egress | None:
        """A recording kept by `keep_stopped`."""
        item = self._items.get(_call_key(call), _join("egress", egress_id))
        return None if item is None else Egress.model_validate(item)

    def call_type_settings(self, call_type: str) -> CallSettings | None:
        """What is set for all calls of a type."""
        item = self._items.get(_join("calltype", call_type), "settings")
        return None if item is None else CallSettings.model_validate(item)


class DynamoAgentTable:
    """An AgentTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def poke_queue_url(self, agent_id: str) -> str | None:
        """The queue made for an agent."""
        item = self._items.get(_join("agent", agent_id), "queue")
        return None if item is None else str(item["url"])

    def keep_poke_queue_url(self, agent_id: str, url: str) -> None:
        """Remember the queue of an agent."""
        self._items.put(_join("agent", agent_id), "queue", {"url": url})


class DynamoOutcomeTable:
    """An OutcomeTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def keep(
        self, outcome: RecordingFile | RecordingFailure, created_at: datetime
    ) -> OutcomeRecord:
        """Write an outcome unless it is there, and give what is there."""
        record = OutcomeRecord(outcome=outcome, created_at=created_at)
        partition, sort = _call_key(outcome.call), _outcome_key(outcome)
        new = self._items.put_if(
            partition, sort, record.model_dump(mode="json"), "attribute_not_exists(pk)"
        )
        kept = None if new else self._items.get(partition, sort)
        return record if kept is None else OutcomeRecord.model_validate(kept)

    def mark_announced(self, outcome: RecordingFile | RecordingFailure) -> None:
        """Note that the outcome's event is on the bus."""
        partition, sort = _call_key(outcome.call), _outcome_key(outcome)
        kept = self._items.get(partition, sort)
        if kept is not None:
            self._items.put(partition, sort, {**kept, "announced": True})


def _attributes(**values: Any) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in values.items()}


def _join(*ids: str) -> str:
    return "#".join(map(keys.encode, ids))


def _call_key(call: Call) -> str:
    return _join("call", call.call_type, call.call_id)


def _outcome_key(outcome: RecordingFile | RecordingFailure) -> str:
    revision = str(outcome.revision)
    if isinstance(outcome, RecordingFile):
        return _join("file", outcome.egress_id, outcome.filename, revision)
    reason = outcome.reason
    source = reason.source.value if reason.source is not None else "all"
    return _join("failure", outcome.egress_id, reason.user_session_id or "all", source, revision)
