from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from isotrack.control.push import MESSAGE_LIMIT, push
from isotrack.recording.errors import CorruptInput, Transient
from isotrack.recording.events import recording_started
from tests.audiences import audience_of, watch
from tests.builders import CALL, NOON
from tests.twins.connections import MemoryConnections
from tests.worlds import MemoryWorld

EVENT = recording_started(CALL.cid, "egress", NOON).model_dump_json()


class BusyConnections(MemoryConnections):
    """Some connections do not read, so that nothing can be sent to them."""

    def __init__(self, *busy: str) -> None:
        super().__init__()
        self.busy = set(busy)

    def send(self, connection_id: str, message: str) -> None:
        if connection_id in self.busy:
            raise Transient(f"connection {connection_id} does not read")
        super().send(connection_id, message)


class MemoryPushQueue:
    def __init__(self) -> None:
        self.waiting: list[tuple[str, tuple[str, ...]]] = []

    def put(self, event: str, connection_ids: Sequence[str]) -> None:
        self.waiting.append((event, tuple(connection_ids)))


@pytest.fixture
def memory() -> MemoryWorld:
    """A call with three members who watch it: alice, bob and carol."""
    memory = MemoryWorld()
    for name in ("alice", "bob", "carol"):
        memory.user(name)
        memory.member(name)
        watch(memory, name, name)
    memory.create(created_by_id="alice")
    return memory


@pytest.fixture
def queue() -> MemoryPushQueue:
    return MemoryPushQueue()


def pushed(
    memory: MemoryWorld,
    connections: MemoryConnections,
    queue: MemoryPushQueue,
    *,
    event: str = EVENT,
    to: Collection[str] | None = None,
) -> int:
    return push(event, to=to, audience=audience_of(memory), connections=connections, queue=queue)


def test_an_event_reaches_everybody_who_watches_as_it_is(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    connections = MemoryConnections()
    assert pushed(memory, connections, queue) == 3
    assert sorted(connections.sent) == [("alice", EVENT), ("bob", EVENT), ("carol", EVENT)]
    assert queue.waiting == []


def test_an_event_of_a_call_that_nobody_watches_reaches_nobody(queue: MemoryPushQueue) -> None:
    connections = MemoryConnections()
    assert pushed(MemoryWorld(), connections, queue) == 0
    assert connections.sent == []


def test_a_connection_that_is_gone_is_forgotten_and_hinders_nobody(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    connections = MemoryConnections()
    connections.closed.add("bob")
    assert pushed(memory, connections, queue) == 2
    assert memory.connections.get("bob") is None
    assert [each.connection_id for each in memory.connections.watchers(CALL)] == ["alice", "carol"]
    assert queue.waiting == []


def test_those_who_could_not_be_reached_wait_and_nobody_hears_it_twice(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    connections = BusyConnections("bob")
    assert pushed(memory, connections, queue) == 2
    assert queue.waiting == [(EVENT, ("bob",))]
    connections.busy.clear()
    [(event, to)] = queue.waiting
    assert pushed(memory, connections, queue, event=event, to=to) == 1
    assert sorted(connections.sent) == [("alice", EVENT), ("bob", EVENT), ("carol", EVENT)]


def test_an_event_that_reached_nobody_comes_again_as_it_came(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    connections = BusyConnections("alice", "bob", "carol")
    with pytest.raises(Transient, match=r"call\.recording_started .* none of 3 connections"):
        pushed(memory, connections, queue)
    assert queue.waiting == []


def test_the_gone_are_no_reason_to_try_again(memory: MemoryWorld, queue: MemoryPushQueue) -> None:
    connections = MemoryConnections()
    connections.closed |= {"alice", "bob", "carol"}
    assert pushed(memory, connections, queue) == 0
    assert memory.connections.watchers(CALL) == []


def test_who_may_not_read_the_call_any_more_does_not_hear_what_waited(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    memory.members.remove(CALL, ["bob"])
    connections = MemoryConnections()
    assert pushed(memory, connections, queue, to=["bob"]) == 0
    assert connections.sent == []


def test_a_connection_whose_token_was_revoked_is_closed(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    user = memory.users.users["bob"]
    memory.users.save(
        user.model_copy(update={"revoke_tokens_issued_before": NOON.replace(hour=13)})
    )
    connections = MemoryConnections()
    assert pushed(memory, connections, queue) == 2
    assert connections.closed == {"bob"}
    assert memory.connections.get("bob") is None


def test_what_is_larger_than_a_message_can_be_is_said_to_be(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    event = EVENT[:-1] + f', "more": "{"x" * MESSAGE_LIMIT}"}}'
    with pytest.raises(CorruptInput, match=r"call\.recording_started .* bytes"):
        pushed(memory, MemoryConnections(), queue, event=event)


@pytest.mark.parametrize(
    "event", ["", "[]", "{}", EVENT.replace(CALL.cid, "nothing"), EVENT.replace(CALL.cid, ":")]
)
def test_what_is_no_event_of_a_call_is_refused(
    memory: MemoryWorld, queue: MemoryPushQueue, event: str
) -> None:
    with pytest.raises(CorruptInput):
        pushed(memory, MemoryConnections(), queue, event=event)


def test_hundreds_of_connections_hear_it_once_each(
    memory: MemoryWorld, queue: MemoryPushQueue
) -> None:
    for number in range(300):
        watch(memory, "alice", f"tab {number}")
    connections = MemoryConnections()
    assert pushed(memory, connections, queue) == 303
    assert len(dict(connections.sent)) == 303
