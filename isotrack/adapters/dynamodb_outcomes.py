"""Files and failures in the table: what announcing writes and lists read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from isotrack.adapters.dynamodb import DynamoItems, Fields
from isotrack.adapters.dynamodb_bodies import body, value_of
from isotrack.adapters.dynamodb_expiry import Clock, expires, wall_clock
from isotrack.adapters.dynamodb_keys import Key, Range, beginning, call_partition, join, ordinal
from isotrack.control.ports import Page
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import OutcomeRecord, RecordingFailure
from isotrack.recording.tracks import Call

MAX_REVISIONS = 100
"""How many revisions of one file are ever looked at."""

_SHOWN = (
    "attribute_not_exists(deleted_at) AND (attribute_not_exists(expires_at) OR expires_at > :now)"
)


class DynamoOutcomeTable:
    """An OutcomeTable. What it keeps lasts as long as the store keeps the files."""

    def __init__(self, items: DynamoItems, lasts: timedelta | None = None) -> None:
        self._items = items
        self._lasts = lasts

    def keep(
        self, outcome: RecordingFile | RecordingFailure, created_at: datetime
    ) -> OutcomeRecord:
        """Write an outcome unless it is there, and give what is there: the first writer's.

        One that was deleted stays deleted, and counts as announced.
        """
        record = OutcomeRecord(outcome=outcome, created_at=created_at)
        key = _key(outcome)
        end = {} if self._lasts is None else expires(created_at + self._lasts)
        fields = {**body(record), **_found_by(outcome), **end}
        new = self._items.put_if(*key, fields, "attribute_not_exists(pk)")
        kept = None if new else self._items.get(*key)
        return record if kept is None else _record(kept, key)

    def mark_announced(self, outcome: RecordingFile | RecordingFailure) -> None:
        """Note that the outcome's event is on the bus."""
        # An update, not a write of what was read: a file may be deleted at the same moment.
        self._items.update(*_key(outcome), "SET announced = :yes", "attribute_exists(pk)", yes=True)


class DynamoRecordingTable:
    """A RecordingTable. Files that the store has removed by now are shown no more."""

    def __init__(self, items: DynamoItems, now: Clock = wall_clock) -> None:
        self._items = items
        self._now = now

    def page(
        self, call: Call, *, egress_id: str | None = None, limit: int, after: str | None = None
    ) -> Page[OutcomeRecord]:
        """What came of the recordings of a call, or of one of them, by egress and file name.

        A page may have fewer than `limit`, also none, and not be the last: files that are gone are
        read over. Raises Invalid when `after` is no token.
        """
        span = _span(call, egress_id)
        found = self._items.query(
            span, limit=limit, after=after, where=_SHOWN, now=int(self._now().timestamp())
        )
        return Page(tuple(_record(item.fields, item.key) for item in found.items), found.next)

    def position(self, outcome: RecordingFile, *, egress_id: str | None = None) -> str:
        """`after` of the page that begins behind a file, among pages of the same `egress_id`."""
        return _span(outcome.call, egress_id).token(_key(outcome).sk)

    def named(self, call: Call, call_session_id: str, filename: str) -> Sequence[OutcomeRecord]:
        """All revisions of a file that was not deleted, oldest first."""
        name = Range(_name(call, call_session_id, filename), beginning("call"))
        found = self._items.query_index(name, limit=MAX_REVISIONS)
        # The index may be some time behind: the items themselves say what is deleted.
        now = self._items.get_many([item.key for item in found.items])
        return [_record(now[key], key) for key in sorted(now) if self._shown(now[key])]

    def mark_deleted(self, file: RecordingFile, at: datetime) -> None:
        """Show a file no more, nor announce it again."""
        self._items.update(
            *_key(file),
            "SET announced = :yes, deleted_at = if_not_exists(deleted_at, :at)",
            "attribute_exists(pk)",
            yes=True,
            at=at.isoformat(),
        )

    def _shown(self, fields: Fields) -> bool:
        """What `_SHOWN` says."""
        over = "expires_at" in fields and fields["expires_at"] <= int(self._now().timestamp())
        return "deleted_at" not in fields and not over


def _span(call: Call, egress_id: str | None) -> Range:
    words = ("outcome",) if egress_id is None else ("outcome", egress_id)
    return Range(call_partition(call), beginning(*words))


def _record(fields: Fields, key: Key) -> OutcomeRecord:
    record = value_of(OutcomeRecord, fields, f"{key.pk} {key.sk}")
    return record.model_copy(update={"announced": bool(fields.get("announced", False))})


def _key(outcome: RecordingFile | RecordingFailure) -> Key:
    partition, revision = call_partition(outcome.call), ordinal(outcome.revision)
    of_egress = ("outcome", outcome.egress_id)
    if isinstance(outcome, RecordingFile):
        return Key(partition, join(*of_egress, "file", outcome.filename, revision))
    reason = outcome.reason
    source = reason.source.value if reason.source is not None else "all"
    session = reason.user_session_id or "all"
    return Key(partition, join(*of_egress, "failure", session, source, revision))


def _found_by(outcome: RecordingFile | RecordingFailure) -> dict[str, str]:
    if isinstance(outcome, RecordingFailure):
        return {}
    return {"found_by": _name(outcome.call, outcome.call_session_id, outcome.filename)}


def _name(call: Call, call_session_id: str, filename: str) -> str:
    return join("file", call.call_type, call.call_id, call_session_id, filename)
