"""What the control plane needs of the world. Adapters fill these; tests fill them with fakes.

All tables raise `recording.errors.Transient` where trying again may help. What two requests at once
may not both do is decided by conditional writes, one item each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from isotrack.calls.call_types import CallType
from isotrack.calls.connections import Connection
from isotrack.calls.egresses import Egress
from isotrack.calls.members import Member
from isotrack.calls.records import CallRecord
from isotrack.calls.users import User
from isotrack.contract.events import Event
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import OutcomeRecord
from isotrack.recording.tracks import Call, Source

T = TypeVar("T")


class StaleRecord(Exception):
    """The record was written by somebody else since it was read."""


class Page(NamedTuple, Generic[T]):
    """Some of many, in the order of their keys."""

    items: tuple[T, ...]
    next: str | None
    """Where the next page begins, to be given back as it is; None after the last one."""


class CallTable(Protocol):
    """Calls and their recordings."""

    def get(self, call: Call) -> CallRecord | None:
        """The record of a call; None when it was never heard of."""

    def get_many(self, calls: Collection[Call]) -> Mapping[Call, CallRecord]:
        """The records of some calls; those never heard of are left out."""

    def save(self, record: CallRecord) -> CallRecord:
        """Write a record over the version it was read as, and give it with its new version.

        Raises StaleRecord when that version is not the one in the table any more.
        """

    def keep_stopped(self, call: Call, egress: Egress) -> None:
        """Keep a recording that has stopped for good; the same again changes nothing."""

    def stopped(self, call: Call, egress_id: str) -> Egress | None:
        """A recording kept by `keep_stopped`."""


class MemberTable(Protocol):
    """Who belongs to a call, and to which calls somebody belongs."""

    def get(self, call: Call, user_ids: Collection[str]) -> Mapping[str, Member]:
        """Those of some users who are members, by user id."""

    def put(self, call: Call, members: Sequence[Member]) -> None:
        """Add members, or write over what they were. The same again changes nothing."""

    def remove(self, call: Call, user_ids: Collection[str]) -> None:
        """Remove members; who is none stays none."""

    def page(self, call: Call, *, limit: int, after: str | None = None) -> Page[Member]:
        """The members of a call by user id."""

    def calls_of(self, user_id: str, *, limit: int, after: str | None = None) -> Page[Call]:
        """The calls that a user is a member of, or has created."""

    def note_creator(self, call: Call, user_id: str) -> None:
        """Remember who created a call, for `calls_of`."""


class UserTable(Protocol):
    """Users."""

    def get(self, user_id: str) -> User | None:
        """A user; None when it was never heard of."""

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        """Some users by id; those never heard of are left out."""

    def save(self, user: User) -> User:
        """Write a user over the version it was read as. Raises StaleRecord."""


class CallTypeTable(Protocol):
    """Call types that were made or changed; those built in are `calls.call_types.BUILT_IN`."""

    def get(self, name: str) -> CallType | None:
        """A call type as written; None when it never was."""

    def all(self) -> Sequence[CallType]:
        """All that were written, by name: an installation has few."""

    def save(self, call_type: CallType) -> CallType:
        """Write a call type over the version it was read as. Raises StaleRecord."""

    def delete(self, name: str) -> bool:
        """Remove a call type; False when there was none."""


class RecordingTable(Protocol):
    """The files and failures of calls, as lists show them. Written by `pipeline.announce`."""

    def page(
        self, call: Call, *, egress_id: str | None = None, limit: int, after: str | None = None
    ) -> Page[OutcomeRecord]:
        """What came of the recordings of a call, or of one of them, by egress and file name."""

    def position(self, outcome: RecordingFile, *, egress_id: str | None = None) -> str:
        """`after` of the page that begins behind a file, among pages of the same `egress_id`."""

    def named(self, call: Call, call_session_id: str, filename: str) -> Sequence[OutcomeRecord]:
        """All revisions of a file that was not deleted."""

    def mark_deleted(self, file: RecordingFile, at: datetime) -> None:
        """Show a file no more, nor announce it again; the same again changes nothing."""


class ProgressTable(Protocol):
    """How far the files of a recording are: what is expected, and what has come of it."""

    def planned(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        sources: Sequence[Source],
    ) -> None:
        """A participant session has these jobs; the same again changes nothing."""

    def done(
        self, call: Call, egress_id: str, user_session_id: str, revision: int, source: Source | None
    ) -> None:
        """A job has come to its end, or all of a session's where `source` is None."""

    def unfinished(self, call: Call, egress_id: str, expected: Mapping[str, int]) -> int:
        """How many participant sessions of `expected` (id to revision) are not done yet."""

    def claim(self, call: Call, egress_id: str, revision: int, holder: str) -> bool:
        """Take it on to tell that this revision of a recording is complete.

        True for the first who asks, and for the same holder again, until it was told.
        """

    def complete(self, call: Call, egress_id: str, revision: int) -> None:
        """Note that it was told that a recording is complete."""


class ConnectionTable(Protocol):
    """Users connected over WebSocket, and which calls they watch."""

    def open(self, connection: Connection) -> None:
        """Keep a connection; it is forgotten by itself at its `expires_at`."""

    def get(self, connection_id: str) -> Connection | None:
        """A connection; None when it is closed."""

    def close(self, connection_id: str) -> None:
        """Forget a connection and what it watches; the same again changes nothing."""

    def watch(self, connection: Connection, calls: Collection[Call]) -> None:
        """Tell a connection the events of these calls from now on."""

    def watchers(self, call: Call) -> Sequence[Connection]:
        """The connections that watch a call."""

    def of_user(self, user_id: str) -> Sequence[Connection]:
        """The connections of a user."""


class Gone(Exception):
    """The connection is closed."""


class Connections(Protocol):
    """The other ends of WebSocket connections."""

    def send(self, connection_id: str, message: str) -> None:
        """Send a message. Raises Gone, or Transient."""

    def close(self, connection_id: str) -> None:
        """Close a connection; one that is closed stays so."""


class PushQueue(Protocol):
    """Events that are on their way to connections."""

    def put(self, event: str, connection_ids: Sequence[str]) -> None:
        """Push an event again, to these connections alone. Raises Transient."""


class AppTable(Protocol):
    """What holds for the whole installation."""

    def revoke_tokens_issued_before(self) -> datetime | None:
        """Tokens of users issued before this, or that do not say when, are worth nothing."""

    def keep_revocation(self, moment: datetime | None) -> None:
        """Set `revoke_tokens_issued_before`."""


class AgentTable(Protocol):
    """Agents that have reported."""

    def poke_queue_url(self, agent_id: str) -> str | None:
        """The queue made for an agent; None before its first report."""

    def keep_poke_queue_url(self, agent_id: str, url: str) -> None:
        """Remember the queue of an agent."""


class AgentQueues(Protocol):
    """A queue for each agent, in which any message means: report again at once."""

    def create(self, agent_id: str) -> str:
        """The url of the agent's queue, made if need be. Raises Invalid when it cannot be."""

    def poke(self, queue_url: str) -> None:
        """Put a message in. A hint only: agents report anyway, so it never fails."""


class EventBus(Protocol):
    """Where events go; subscribers see those of one call in no promised order."""

    def publish(self, events: Sequence[Event]) -> None:
        """Publish all, or raise `Transient`: then some may be out and all are to be sent again."""
