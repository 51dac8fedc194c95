from __future__ import annotations

import pytest

from isotrack.calls.connections import Connection
from isotrack.calls.grants import Permission
from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.calls.sessions import CallSession, Participant
from isotrack.contract.calls import GetCallQuery, GetCallResponse
from isotrack.control.authorize import authorize
from isotrack.control.get_call import get_call
from isotrack.control.watching import NotConnected
from isotrack.recording.errors import Forbidden, Missing
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at
from tests.worlds import SERVER, MemoryWorld

ALICE, BOB, CAROL = (Caller(user_id=name) for name in ("alice", "bob", "carol"))


@pytest.fixture
def memory() -> MemoryWorld:
    """With a call of alice's, of which bob is a member and carol is not."""
    memory = MemoryWorld()
    for name in ("alice", "bob", "carol"):
        memory.user(name)
    memory.create(ALICE, members=[{"user_id": "bob"}])
    return memory


def get(
    memory: MemoryWorld, caller: Caller, *, call: Call = CALL, connection_id: str | None = None
) -> GetCallResponse:
    return get_call(
        call, GetCallQuery(), caller=caller, connection_id=connection_id, world=memory.world
    )


def connect(memory: MemoryWorld, connection_id: str, user_id: str | None) -> None:
    memory.connections.open(
        Connection(
            connection_id=connection_id, user_id=user_id, opened_at=NOON, expires_at=at(7200)
        )
    )


def test_a_call_is_shown_to_servers_creators_and_members(memory: MemoryWorld) -> None:
    for caller in (SERVER, ALICE, BOB):
        assert get(memory, caller).call.cid == "default:standup"


def test_a_member_sees_their_membership_and_what_they_may_do(memory: MemoryWorld) -> None:
    answer = get(memory, BOB)
    assert answer.membership is not None
    assert answer.membership.user_id == "bob"
    assert answer.own_capabilities == ("create-call", "join-call", "read-call")
    assert get(memory, ALICE).membership is None


def test_a_call_is_not_shown_to_others(memory: MemoryWorld) -> None:
    with pytest.raises(Forbidden, match=r"'carol' \(roles: user\) lacks ReadCall"):
        get(memory, CAROL)


def test_an_agent_sees_nothing(memory: MemoryWorld) -> None:
    with pytest.raises(Forbidden, match="agent 'sfu-1'"):
        get(memory, Caller(agent_id="sfu-1"))


def test_a_call_nobody_created_is_missing(memory: MemoryWorld) -> None:
    seen_by_agents = Call(call_type="default", call_id="seen")
    memory.calls.save(CallRecord(call=seen_by_agents))
    for call in (seen_by_agents, Call(call_type="default", call_id="never")):
        with pytest.raises(Missing, match=f"Can't find call with id {call.cid}"):
            get(memory, SERVER, call=call)


def test_a_call_of_a_type_that_was_removed_is_out_of_reach(memory: MemoryWorld) -> None:
    memory.call_type("webinar")
    call = Call(call_type="webinar", call_id="1")
    memory.create(call=call)
    memory.call_types.delete("webinar")
    with pytest.raises(Missing, match="no call type 'webinar'"):
        get(memory, SERVER, call=call)


def test_a_call_token_opens_the_calls_it_names_and_no_others(memory: MemoryWorld) -> None:
    invited = Caller(user_id="carol", call_cids=(CALL.cid,))
    assert get(memory, invited).call.cid == CALL.cid
    elsewhere = Caller(user_id="carol", role="admin", call_cids=("default:other",))
    with pytest.raises(Forbidden):
        get(memory, elsewhere)


def test_a_role_of_the_user_counts_in_every_call(memory: MemoryWorld) -> None:
    assert get(memory, memory.user("root", role="admin")).call.cid == CALL.cid


def test_those_who_are_in_the_call_are_shown_with_their_roles(memory: MemoryWorld) -> None:
    stays = [
        Participant(user_id=user_id, user_session_id=f"{user_id}-1", joined_at=NOON, left_at=left)
        for user_id, left in (("bob", None), ("carol", None), ("alice", at(1)), ("zoe", None))
    ]
    record = memory.calls.records[CALL]
    session = CallSession(call_session_id="s-1", started_at=NOON, participants=tuple(stays))
    memory.calls.save(record.model_copy(update={"session": session}))

    call = get(memory, BOB).call

    assert call.current_session_id == "s-1"
    assert call.session is not None
    assert [(p.user.id, p.role) for p in call.session.participants] == [
        ("bob", "call_member"),
        ("carol", "user"),
        ("zoe", "user"),
    ]
    assert call.session.participants_count_by_role == {"call_member": 1, "user": 2}


def test_a_recording_is_shown_from_its_start_to_its_end(memory: MemoryWorld) -> None:
    session = CallSession(call_session_id="s-1", started_at=NOON)
    record = memory.calls.records[CALL].model_copy(update={"session": session})
    started = record.start("e-1", NOON, DEFAULT_OUTPUT_TYPES, "isotrack")
    for step, status in ((started, "starting"), (started.stop(at(9)), "stopping")):
        memory.calls.records[CALL] = step
        egress = get(memory, BOB).call.egress.individual_recording
        assert egress is not None
        assert egress.status == status


def test_a_connection_watches_the_call_it_asks_for(memory: MemoryWorld) -> None:
    connect(memory, "c-1", "bob")
    get(memory, BOB, connection_id="c-1")
    assert [c.connection_id for c in memory.connections.watchers(CALL)] == ["c-1"]


def test_nothing_is_watched_without_a_connection(memory: MemoryWorld) -> None:
    get(memory, BOB)
    get(memory, BOB, connection_id="")
    assert list(memory.connections.watchers(CALL)) == []


@pytest.mark.parametrize("connection_id", ["closed", "of-alice", "of-nobody-yet"])
def test_a_connection_that_is_not_the_callers_is_refused(
    memory: MemoryWorld, connection_id: str
) -> None:
    connect(memory, "of-alice", "alice")
    connect(memory, "of-nobody-yet", None)
    for caller in (BOB, SERVER):
        with pytest.raises(NotConnected, match=f"connection_id: .*'{connection_id}'"):
            get(memory, caller, connection_id=connection_id)
    assert list(memory.connections.watchers(CALL)) == []


def test_who_may_not_read_the_call_does_not_watch_it(memory: MemoryWorld) -> None:
    connect(memory, "c-1", "carol")
    with pytest.raises(Forbidden):
        get(memory, CAROL, connection_id="c-1")
    assert list(memory.connections.watchers(CALL)) == []


def test_what_happened_before_the_call_was_watched_is_in_the_answer(memory: MemoryWorld) -> None:
    connect(memory, "c-1", "bob")
    watch = memory.connections.watch

    def changed_just_before(connection: Connection, calls: list[Call]) -> None:
        memory.calls.save(memory.calls.records[CALL].model_copy(update={"custom": {"room": 9}}))
        watch(connection, calls)

    memory.connections.watch = changed_just_before  # type: ignore[method-assign,assignment]
    assert get(memory, BOB, connection_id="c-1").call.custom == {"room": 9}


@pytest.mark.parametrize("permission", list(Permission))
def test_without_read_call_nothing_is_allowed(memory: MemoryWorld, permission: Permission) -> None:
    memory.grant({"user": [each.value for each in Permission if each != "read-call"]})
    with pytest.raises(Forbidden, match="lacks ReadCall"):
        authorize(CAROL, CALL, permission, world=memory.world)
