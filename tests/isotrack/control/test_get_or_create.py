from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.permissions import Caller
from isotrack.calls.records import CallRecord
from isotrack.contract.calls import GetOrCreateCallRequest
from isotrack.contract.events import CallCreatedEvent
from isotrack.control.get_or_create import get_or_create
from isotrack.recording.errors import Forbidden, Invalid, Missing, Transient
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at
from tests.worlds import SERVER, MemoryWorld

INDIVIDUAL = {"individual_recording": {"mode": "auto-on", "output_types": ["audio_only"]}}


@pytest.fixture
def memory() -> MemoryWorld:
    """With alice, bob and carol."""
    memory = MemoryWorld()
    for name in ("alice", "bob", "carol"):
        memory.user(name)
    return memory


def test_a_server_creates_a_call_for_somebody(memory: MemoryWorld) -> None:
    answer = memory.create(created_by_id="alice", custom={"room": 7}, team="red", now=at(5))
    assert answer.created
    assert answer.call.cid == "default:standup"
    assert answer.call.created_by.id == "alice"
    assert answer.call.created_at == answer.call.updated_at == at(5)
    assert answer.call.custom == {"room": 7}
    assert answer.call.team == "red"
    assert answer.call.current_session_id == ""
    assert answer.call.egress.individual_recording is None


@pytest.mark.parametrize("data", [None, {}, {"custom": {"room": 7}}])
def test_a_server_has_to_say_who_creates_it(memory: MemoryWorld, data: object) -> None:
    request = GetOrCreateCallRequest.model_validate({"data": data})
    with pytest.raises(Invalid, match=r"data\.created_by_id: .*required"):
        get_or_create(CALL, request, caller=SERVER, world=memory.world, now=NOON)
    assert memory.calls.records == {}


def test_a_server_may_describe_the_creator_who_is_made_by_it(memory: MemoryWorld) -> None:
    answer = memory.create(created_by={"id": "dora", "name": "Dora", "role": "host"})
    assert answer.call.created_by.name == "Dora"
    assert memory.users.users["dora"].role == "host"


def test_two_different_creators_are_refused_by_name(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match=r"data\.created_by_id: is 'alice'"):
        memory.create(created_by_id="alice", created_by={"id": "bob"})


def test_a_creator_who_was_never_made_is_refused_by_name(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match=r"don't exist: .*'nobody'"):
        memory.create(created_by_id="nobody")
    assert memory.calls.records == {}


def test_a_user_who_creates_a_call_is_its_creator_and_may_do_everything(
    memory: MemoryWorld,
) -> None:
    answer = memory.create(Caller(user_id="bob"))
    assert answer.call.created_by.id == "bob"
    assert {"start-individual-record-call", "update-call"} <= set(answer.own_capabilities)


def test_a_user_nobody_has_heard_of_is_made_when_they_create_a_call(memory: MemoryWorld) -> None:
    answer = memory.create(Caller(user_id="eve"))
    assert answer.call.created_by.id == "eve"
    assert memory.users.users["eve"].role == "user"


def test_a_user_cannot_create_a_call_for_somebody_else(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match=r"data\.created_by_id: .*'bob'.*'alice'"):
        memory.create(Caller(user_id="bob"), created_by_id="alice")


def test_a_user_cannot_make_users_by_creating_a_call(memory: MemoryWorld) -> None:
    memory.create(Caller(user_id="bob"), created_by={"id": "bob", "role": "admin"})
    assert memory.users.users["bob"].role == "user"


def test_a_user_without_the_permission_creates_nothing(memory: MemoryWorld) -> None:
    memory.grant({"user": ["read-call"]})
    with pytest.raises(Forbidden, match="lacks CreateCall"):
        memory.create(Caller(user_id="bob"))
    assert memory.calls.records == {}


def test_members_have_the_roles_they_were_created_with(memory: MemoryWorld) -> None:
    answer = memory.create(members=[{"user_id": "bob", "role": "host"}, {"user_id": "carol"}])
    assert [(m.user_id, m.role, m.user.id) for m in answer.members] == [
        ("bob", "host", "bob"),
        ("carol", None, "carol"),
    ]
    assert memory.members.calls_of("bob", limit=5).items == (CALL,)
    assert memory.members.calls_of("alice", limit=5).items == (CALL,)


def test_a_member_who_was_never_made_is_refused_by_name(memory: MemoryWorld) -> None:
    with pytest.raises(Invalid, match=r"don't exist: .*'nobody'"):
        memory.create(members=[{"user_id": "nobody"}])
    assert memory.calls.records == {}


@pytest.mark.parametrize(
    ("data", "lacking"),
    [
        ({"settings_override": INDIVIDUAL}, "UpdateCallSettings"),
        ({"members": [{"user_id": "carol"}]}, "UpdateCallMembers"),
    ],
)
def test_creating_does_not_lend_permissions_that_owners_do_not_have(
    memory: MemoryWorld, data: dict[str, Any], lacking: str
) -> None:
    memory.grant({"owner": ["read-call"], "user": ["create-call"]})
    with pytest.raises(Forbidden, match=lacking):
        memory.create(Caller(user_id="bob"), **data)
    assert memory.calls.records == {}


def test_roles_of_members_take_the_permission_to_give_roles(memory: MemoryWorld) -> None:
    memory.grant({"owner": ["read-call", "update-call-members"], "user": ["create-call"]})
    memory.create(Caller(user_id="bob"), members=[{"user_id": "carol"}])
    other = Call(call_type="default", call_id="other")
    with pytest.raises(Forbidden, match="UpdateCallMemberRole"):
        memory.create(
            Caller(user_id="bob"), call=other, members=[{"user_id": "bob", "role": "admin"}]
        )
    assert other not in memory.calls.records


def test_the_settings_of_the_call_replace_those_of_its_type_by_section(
    memory: MemoryWorld,
) -> None:
    settings = memory.create(settings_override=INDIVIDUAL).call.settings
    assert settings.individual_recording.mode is Mode.AUTO_ON
    assert settings.individual_recording.output_types == (OutputType.AUDIO_ONLY,)
    assert settings.recording.mode == "disabled"


def test_a_call_type_nobody_made_is_missing(memory: MemoryWorld) -> None:
    with pytest.raises(Missing, match="no call type 'webinar'"):
        memory.create(call=Call(call_type="webinar", call_id="1"))


def test_a_call_that_exists_is_given_as_it_is(memory: MemoryWorld) -> None:
    memory.create(created_by_id="alice", custom={"room": 7})
    again = memory.create(created_by_id="bob", custom={"room": 8}, members=[{"user_id": "carol"}])
    assert not again.created
    assert again.call.created_by.id == "alice"
    assert again.call.custom == {"room": 7}
    assert again.members == ()
    assert memory.bus.types == ["call.created"]


def test_a_call_is_found_by_a_server_that_names_no_creator(memory: MemoryWorld) -> None:
    memory.create()
    answer = get_or_create(
        CALL, GetOrCreateCallRequest(), caller=SERVER, world=memory.world, now=NOON
    )
    assert not answer.created


def test_a_call_of_others_is_not_shown(memory: MemoryWorld) -> None:
    memory.create(members=[{"user_id": "carol"}])
    with pytest.raises(Forbidden, match=r"'bob'.*lacks ReadCall in call default:standup"):
        memory.create(Caller(user_id="bob"))
    assert not memory.create(Caller(user_id="carol")).created


def test_members_limit_says_how_many_members_are_shown(memory: MemoryWorld) -> None:
    memory.create(members=[{"user_id": "bob"}, {"user_id": "carol"}])
    for limit, shown in ((0, []), (1, ["bob"]), (None, ["bob", "carol"])):
        request = GetOrCreateCallRequest(members_limit=limit)
        answer = get_or_create(CALL, request, caller=SERVER, world=memory.world, now=NOON)
        assert [member.user_id for member in answer.members] == shown


def test_creation_is_told_with_the_members(memory: MemoryWorld) -> None:
    memory.create(members=[{"user_id": "bob"}], now=at(3))
    (event,) = memory.bus.events
    assert isinstance(event, CallCreatedEvent)
    assert event.created_at == at(3)
    assert event.call.cid == event.call_cid == "default:standup"
    assert [member.user_id for member in event.members] == ["bob"]
    assert memory.calls.records[CALL].outbox == ()


def test_a_call_only_agents_have_seen_is_created_with_its_session(memory: MemoryWorld) -> None:
    memory.calls.save(CallRecord(call=CALL))
    assert memory.create().created


def test_of_two_who_create_at_once_one_does_and_the_other_finds_it(memory: MemoryWorld) -> None:
    carol = Caller(user_id="carol")
    won = []
    memory.contest(lambda: won.append(memory.create(carol, members=[{"user_id": "bob"}])))

    late = memory.create(Caller(user_id="bob"), custom={"by": "bob"})

    assert [answer.created for answer in won] == [True]
    assert not late.created
    assert late.call.created_by.id == "carol"
    assert late.call.custom == {}
    assert memory.bus.types == ["call.created"]


def test_a_loser_who_may_not_read_the_winners_call_is_refused(memory: MemoryWorld) -> None:
    memory.contest(lambda: memory.create(Caller(user_id="carol")))
    with pytest.raises(Forbidden, match=r"'bob'.*lacks ReadCall"):
        memory.create(Caller(user_id="bob"))
    assert memory.calls.records[CALL].created_by_id == "carol"


def test_a_creation_cut_short_is_finished_by_the_next_who_asks(memory: MemoryWorld) -> None:
    memory.bus.refusals = 1
    with pytest.raises(Transient):
        memory.create(members=[{"user_id": "bob"}])
    memory.members.members.clear()
    memory.members.creators.clear()

    again = memory.create(Caller(user_id="bob"))

    assert not again.created
    assert [member.user_id for member in again.members] == ["bob"]
    assert memory.members.calls_of("alice", limit=5).items == (CALL,)
    assert memory.bus.types == ["call.created"]
