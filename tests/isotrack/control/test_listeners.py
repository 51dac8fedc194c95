from __future__ import annotations

from datetime import timedelta

import pytest

from isotrack.control.listeners import Listeners, listeners
from isotrack.recording.tracks import Call
from tests.audiences import audience_of, watch
from tests.builders import CALL, NOON
from tests.worlds import MemoryWorld

LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def memory() -> MemoryWorld:
    """A call that alice created and bob is a member of; carol and dave are users besides."""
    memory = MemoryWorld()
    for name in ("alice", "bob", "carol", "dave"):
        memory.user(name)
    memory.create(created_by_id="alice")
    memory.member("bob")
    return memory


def allowed(memory: MemoryWorld, call: Call = CALL) -> list[str | None]:
    return [each.user_id for each in listeners(call, audience=audience_of(memory)).allowed]


def test_who_may_read_the_call_hears_of_it_and_who_may_not_does_not(memory: MemoryWorld) -> None:
    for name in ("alice", "bob", "carol"):
        watch(memory, name)
    assert allowed(memory) == ["alice", "bob"]


def test_every_connection_of_a_user_hears(memory: MemoryWorld) -> None:
    watch(memory, "bob", "phone")
    watch(memory, "bob", "browser")
    assert allowed(memory) == ["bob", "bob"]


def test_a_call_token_opens_the_calls_that_it_names(memory: MemoryWorld) -> None:
    watch(memory, "carol", call_cids=(CALL.cid,))
    watch(memory, "dave", call_cids=("default:other",))
    assert allowed(memory) == ["carol"]


def test_who_was_removed_hears_no_more(memory: MemoryWorld) -> None:
    watch(memory, "bob")
    memory.members.remove(CALL, ["bob"])
    assert allowed(memory) == []


def test_a_grant_that_was_taken_away_counts_at_once(memory: MemoryWorld) -> None:
    watch(memory, "bob")
    memory.grant({"call_member": []})
    assert allowed(memory) == []


def test_a_role_of_the_user_counts_wherever_it_is_granted(memory: MemoryWorld) -> None:
    watch(memory, "carol")
    memory.grant({"user": ["read-call"]})
    assert allowed(memory) == ["carol"]


def test_a_connection_without_a_user_hears_nothing_whatever_is_granted(memory: MemoryWorld) -> None:
    memory.grant({"user": ["read-call"]})
    watch(memory, None)
    assert allowed(memory) == []


def test_watchers_of_another_call_do_not_hear(memory: MemoryWorld) -> None:
    watch(memory, "alice", call=Call(call_type="default", call_id="other"))
    assert allowed(memory) == []


@pytest.mark.parametrize(
    "call",
    [
        Call(call_type="default", call_id="nobody created this"),
        Call(call_type="removed", call_id="standup"),
    ],
)
def test_of_a_call_that_is_not_there_nobody_hears(memory: MemoryWorld, call: Call) -> None:
    watch(memory, "alice", call=call)
    assert listeners(call, audience=audience_of(memory)) == Listeners()


def test_a_token_that_was_revoked_since_is_told_apart(memory: MemoryWorld) -> None:
    old = watch(memory, "bob", "old", token_issued_at=NOON)
    new = watch(memory, "bob", "new", token_issued_at=LATER)
    memory.app.keep_revocation(LATER)
    assert listeners(CALL, audience=audience_of(memory)) == Listeners((new,), (old,))


def test_the_tokens_of_one_user_may_be_revoked(memory: MemoryWorld) -> None:
    user = memory.users.users["bob"]
    memory.users.save(user.model_copy(update={"revoke_tokens_issued_before": LATER}))
    kept, silent = watch(memory, "alice"), watch(memory, "bob", token_issued_at=None)
    assert listeners(CALL, audience=audience_of(memory)) == Listeners((kept,), (silent,))
