"""Items of the one DynamoDB table: keys `pk` and `sk`, and the index `FoundBy`.

`docs/table.md` lists every item, how it is read and written, and what decides its races. Writes
are of one item each, alone or in batches, under a condition where two may race: nothing needs a
transaction. Reads see what anybody has written before, but for those of the index.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from isotrack.adapters.aws_errors import aws_errors, error_code
from isotrack.adapters.dynamodb_keys import Key, Range
from isotrack.recording.errors import Invalid, Transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "FoundBy"
"""Finds keys of items by their attribute `found_by`, in the order of their partitions, some time
(mostly milliseconds) after they were written. Of the other attributes it has those that name a
call."""

_MOST_READ, _MOST_WRITTEN = 100, 25  # items of one BatchGetItem, of one BatchWriteItem
_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.02
_REQUESTS_A_PAGE = 10

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

T = TypeVar("T")
Fields = Mapping[str, Any]
"""The attributes of an item without its key: plain values."""


class Item(NamedTuple):
    """An item of the table."""

    key: Key
    fields: Fields


class Found(NamedTuple):
    """A page of items."""

    items: tuple[Item, ...]
    next: str | None
    """The token of the next page; None after the last one."""


class DynamoItems:
    """Items of a table by key. Raises Transient where trying again may help."""

    def __init__(
        self,
        table: str,
        client: DynamoDBClient,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._client = client
        self._sleep = sleep

    def get(self, pk: str, sk: str) -> Fields | None:
        """An item as last written by anybody."""
        with self._errors(f"read {pk} {sk}"):
            answer = self._client.get_item(
                TableName=self._table, Key=_attributes(pk=pk, sk=sk), ConsistentRead=True
            )
        return _item(answer["Item"]).fields if "Item" in answer else None

    def get_many(self, keys: Collection[Key]) -> dict[Key, Fields]:
        """Items as last written by anybody; those that are not there are left out."""
        found: dict[Key, Fields] = {}
        for batch in _batches(sorted(set(keys)), _MOST_READ):
            pending: Sequence[Any] = [_attributes(**key._asdict()) for key in batch]
            for _ in self._attempts(f"read {len(batch)} items"):
                with self._errors(f"read {len(batch)} items"):
                    answer = self._client.batch_get_item(
                        RequestItems={self._table: {"Keys": pending, "ConsistentRead": True}}
                    )
                found.update(_item(each) for each in answer["Responses"].get(self._table, ()))
                left = answer.get("UnprocessedKeys", {}).get(self._table)
                if left is None:
                    break
                pending = left["Keys"]
        return found

    def put(self, pk: str, sk: str, fields: Fields) -> None:
        """Write an item over whatever is there. Raises Invalid when it is too large."""
        with self._errors(f"write {pk} {sk}"):
            self._client.put_item(TableName=self._table, Item=_attributes(pk=pk, sk=sk, **fields))

    def put_if(self, pk: str, sk: str, fields: Fields, condition: str, **values: object) -> bool:
        """Write an item if the condition holds of what is there; False if it does not.

        Args:
            pk: partition key.
            sk: sort key.
            fields: the other attributes.
            condition: a condition expression, in which `:name` stands for `values["name"]`.
            values: what the condition compares with.

        Raises:
            Invalid: the item is too large.
        """
        item = _attributes(pk=pk, sk=sk, **fields)
        return self._written(
            f"write {pk} {sk}",
            lambda: self._client.put_item(
                TableName=self._table, Item=item, ConditionExpression=condition, **_named(values)
            ),
        )

    def update(
        self, pk: str, sk: str, change: str, condition: str | None = None, **values: object
    ) -> bool:
        """Change attributes of an item, by an update expression; False if the condition fails.

        Without a condition an item that is not there is made.
        """
        request: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        return self._written(
            f"change {pk} {sk}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_attributes(pk=pk, sk=sk),
                UpdateExpression=change,
                **_named(values),
                **request,
            ),
        )

    def delete(self, pk: str, sk: str) -> bool:
        """Remove an item; False when there is none."""
        with self._errors(f"remove {pk} {sk}"):
            answer = self._client.delete_item(
                TableName=self._table, Key=_attributes(pk=pk, sk=sk), ReturnValues="ALL_OLD"
            )
        return "Attributes" in answer

    def write_many(self, puts: Collection[Item] = (), deletes: Collection[Key] = ()) -> None:
        """Write items over whatever is there, and remove others; not all at once.

        A failure leaves some done. Of puts of the same key the last one counts. Raises Invalid
        when an item is too large.
        """
        written: dict[Key, Any] = {
            key: {"DeleteRequest": {"Key": _attributes(**key._asdict())}} for key in deletes
        }
        for key, fields in puts:
            written[key] = {"PutRequest": {"Item": _attributes(**key._asdict(), **fields)}}
        for batch in _batches(list(written.values()), _MOST_WRITTEN):
            pending: Sequence[Any] = batch
            for _ in self._attempts(f"write {len(batch)} items"):
                with self._errors(f"write {len(batch)} items"):
                    answer = self._client.batch_write_item(RequestItems={self._table: pending})
                pending = answer.get("UnprocessedItems", {}).get(self._table, ())
                if not pending:
                    break

    def query(
        self,
        span: Range,
        *,
        limit: int,
        after: str | None = None,
        where: str | None = None,
        **values: object,
    ) -> Found:
        """Items of a range in the order of their sort keys, as last written by anybody.

        Args:
            span: which.
            limit: how many at most; there may be fewer, also none, and still be more after them.
            after: the token of the page before.
            where: a filter expression; items left out by it are read and paid for.
            values: what the filter compares with.

        Raises:
            Invalid: `after` is no token.
        """
        keyed = "pk = :partition AND sk BETWEEN :first AND :last"
        read: dict[str, Any] = {"KeyConditionExpression": keyed, "ConsistentRead": True}
        if where is not None:
            read["FilterExpression"] = where
        return self._page(span, "sk", read, limit, after, values)

    def query_index(self, span: Range, *, limit: int, after: str | None = None) -> Found:
        """Items found by `span.partition`, of partitions that begin with `span.prefix`, in order.

        Of their fields there are only those that the index has.
        Several items of one partition count as the same place: the next page has none of them.
        Raises Invalid when `after` is no token.
        """
        keyed = "found_by = :partition AND pk BETWEEN :first AND :last"
        read = {"KeyConditionExpression": keyed, "IndexName": INDEX}
        return self._page(span, "pk", read, limit, after, {})

    def _page(
        self,
        span: Range,
        name: str,
        read: dict[str, Any],
        limit: int,
        after: str | None,
        filtered_by: Mapping[str, object],
    ) -> Found:
        """Read one item more than asked for: it tells whether there is a next page."""
        found: list[Item] = []
        for _ in range(_REQUESTS_A_PAGE):
            first, last = span.after(after)
            values = {"partition": span.partition, "first": first, "last": last, **filtered_by}
            with self._errors(f"list {span.partition} {span.prefix}"):
                answer = self._client.query(
                    TableName=self._table, Limit=limit + 1, **read, **_named(values)
                )
            found.extend(map(_item, answer["Items"]))
            if len(found) > limit:
                return Found(tuple(found[:limit]), span.token(getattr(found[limit - 1].key, name)))
            if "LastEvaluatedKey" not in answer:
                return Found(tuple(found), None)
            after = span.token(_deserialize(answer["LastEvaluatedKey"][name]))
        return Found(tuple(found), after)

    def _written(self, what: str, write: Callable[[], object]) -> bool:
        """Write under a condition; False when it does not hold."""
        try:
            with self._errors(what):
                write()
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _attempts(self, what: str) -> Iterator[None]:
        """Try, and again after pauses that grow, for what is left over of a batch."""
        yield
        for attempt in range(_ATTEMPTS - 1):
            # With jitter, lest all that were refused together come again together.
            self._sleep(random.uniform(0.5, 1) * _FIRST_PAUSE_SECONDS * 2**attempt)
            yield
        raise Transient(f"{what} of table {self._table}: some are left over, it is too busy")

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            with aws_errors(f"{what} of table {self._table}"):
                yield
        except ClientError as error:
            if error_code(error) == "ValidationException" and "tem size" in str(error):
                raise Invalid(f"{what}: larger than DynamoDB holds (400 KB)") from error
            raise


def _batches(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


def _attributes(**values: Any) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in values.items()}


def _named(values: Mapping[str, object]) -> dict[str, Any]:
    if not values:
        return {}
    named = {f":{name}": value for name, value in values.items()}
    return {"ExpressionAttributeValues": _attributes(**named)}


def _item(attributes: Mapping[str, Any]) -> Item:
    fields = {name: _deserialize(value) for name, value in attributes.items()}
    return Item(Key(fields.pop("pk"), fields.pop("sk")), fields)
