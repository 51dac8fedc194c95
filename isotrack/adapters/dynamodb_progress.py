"""How far recordings are, in the table: an item for each participant session and revision.

Jobs end in any order, at once and more than once: what an item says only ever grows (a set, a
mark), so that updates need no condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from isotrack.adapters.dynamodb import DynamoItems, Fields, Item
from isotrack.adapters.dynamodb_keys import Key, Range, beginning, call_partition, join, ordinal
from isotrack.recording.tracks import Call, Source

_PAGE = 1000


class DynamoProgressTable:
    """A ProgressTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def planned(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        sources: Sequence[Source],
    ) -> None:
        """A participant session has these jobs."""
        key = _key(call, egress_id, user_session_id, revision)
        jobs = sorted(source.value for source in sources)
        self._items.update(*key, "SET planned = :jobs", jobs=jobs)

    def done(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        source: Source | None,
    ) -> None:
        """A job has come to its end, or all of a session's where `source` is None."""
        key = _key(call, egress_id, user_session_id, revision)
        if source is None:
            self._items.update(*key, "SET all_ended = :yes", yes=True)
        else:
            self._items.update(*key, "ADD ended :job", job={source.value})

    def unfinished(self, call: Call, egress_id: str, expected: Mapping[str, int]) -> int:
        """How many participant sessions of `expected` (id to revision) are not done yet.

        Of two who each note the end of a job and then ask, one at least hears of both.
        """
        # One query reads hundreds of these small items for what two of them cost one by one.
        ended = {item.key for item in self._sessions(call, egress_id) if _ended(item.fields)}
        return sum(
            _key(call, egress_id, session, revision) not in ended
            for session, revision in expected.items()
        )

    def claim(self, call: Call, egress_id: str, revision: int, holder: str) -> bool:
        """Take it on to tell that this revision of a recording is complete."""
        return self._items.update(
            *_complete(call, egress_id, revision),
            "SET holder = :holder",
            "attribute_not_exists(pk) OR (holder = :holder AND attribute_not_exists(told))",
            holder=holder,
        )

    def complete(self, call: Call, egress_id: str, revision: int) -> None:
        """Note that it was told that a recording is complete."""
        self._items.update(*_complete(call, egress_id, revision), "SET told = :yes", yes=True)

    def _sessions(self, call: Call, egress_id: str) -> Iterator[Item]:
        """All of a recording's items: as many as participant sessions were sealed, and redone."""
        span = Range(call_partition(call), beginning("progress", egress_id))
        found = self._items.query(span, limit=_PAGE)
        yield from found.items
        while found.next is not None:
            found = self._items.query(span, limit=_PAGE, after=found.next)
            yield from found.items


def _ended(fields: Fields) -> bool:
    if fields.get("all_ended"):
        return True
    return "planned" in fields and set(fields["planned"]) <= fields.get("ended", set())


def _complete(call: Call, egress_id: str, revision: int) -> Key:
    return Key(call_partition(call), join("complete", egress_id, ordinal(revision)))


def _key(call: Call, egress_id: str, user_session_id: str, revision: int) -> Key:
    sort_key = join("progress", egress_id, user_session_id, ordinal(revision))
    return Key(call_partition(call), sort_key)
