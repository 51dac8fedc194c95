"""One contract for the tables in memory and in DynamoDB (moto): users, and members of calls."""

from __future__ import annotations

import pytest

from isotrack.calls.members import Member
from isotrack.calls.users import User
from isotrack.control.ports import StaleRecord
from isotrack.recording.errors import Invalid
from isotrack.recording.tracks import Call
from tests.builders import CALL, NOON, at
from tests.tables import Tables

LONGEST = "\U0001f600" * 255
HOSTILE = ["#", "a#b", "../..", "a b", "é\u2028", "=", LONGEST, LONGEST[:-1] + "x"]


def user(user_id: str, **changes: object) -> User:
    made = User(user_id=user_id, created_at=NOON, updated_at=NOON)
    return made.model_copy(update=changes)


def member(user_id: str, role: str | None = None) -> Member:
    return Member(user_id=user_id, role=role, created_at=NOON, updated_at=NOON)


def call(call_id: str) -> Call:
    return Call(call_type="default", call_id=call_id)


class TestUserTable:
    def test_a_user_is_read_as_saved(self, tables: Tables) -> None:
        assert tables.users.get("alice") is None
        saved = tables.users.save(
            user("alice", name="Alice", teams=("red",), custom={"share": 0.1, "n": [None, 2**80]})
        )
        assert saved.version == 1
        assert tables.users.get("alice") == saved

    def test_of_two_who_read_the_same_version_the_second_is_stale(self, tables: Tables) -> None:
        read = tables.users.save(user("alice"))
        tables.users.save(read.model_copy(update={"role": "admin"}))
        for late in (read, user("alice")):
            with pytest.raises(StaleRecord):
                tables.users.save(late)
        kept = tables.users.get("alice")
        assert kept is not None
        assert kept.role == "admin"

    def test_many_are_read_at_once_whatever_their_ids(self, tables: Tables) -> None:
        saved = {user_id: tables.users.save(user(user_id)) for user_id in HOSTILE}
        assert tables.users.get_many([*HOSTILE, "nobody", "#"]) == saved


class TestMemberTable:
    def test_those_who_are_members_are_found_by_id(self, tables: Tables) -> None:
        alice, bob = member("alice", "host"), member("bob")
        tables.members.put(CALL, [alice, bob])
        assert tables.members.get(CALL, ["alice", "bob", "carol"]) == {"alice": alice, "bob": bob}
        assert tables.members.get(CALL, []) == {}
        assert tables.members.get(call("another"), ["alice"]) == {}

    def test_a_member_put_again_is_written_over(self, tables: Tables) -> None:
        for role in ("host", "guest", "guest"):
            tables.members.put(CALL, [member("alice", role), member("alice", role)])
        assert tables.members.page(CALL, limit=9).items == (member("alice", "guest"),)
        assert tables.members.calls_of("alice", limit=9).items == (CALL,)

    def test_one_who_is_removed_belongs_to_the_call_no_more(self, tables: Tables) -> None:
        tables.members.put(CALL, [member("alice"), member("bob")])
        for _ in range(2):
            tables.members.remove(CALL, ["alice", "nobody"])
        assert tables.members.page(CALL, limit=9).items == (member("bob"),)
        assert tables.members.calls_of("alice", limit=9).items == ()

    def test_members_come_in_pages_by_user_id(self, tables: Tables) -> None:
        crowd = [member(f"user-{n:03}") for n in range(60)]
        tables.members.put(CALL, crowd)
        tables.members.put(call("standup-2"), [member("stranger")])
        seen: list[Member] = []
        after: str | None = None
        for size in (25, 25, 10):
            page = tables.members.page(CALL, limit=25, after=after)
            assert len(page.items) == size
            seen += page.items
            after = page.next
        assert after is None
        assert seen == crowd

    def test_the_last_page_says_so_also_when_it_is_full(self, tables: Tables) -> None:
        tables.members.put(CALL, [member("alice"), member("bob")])
        assert tables.members.page(CALL, limit=2).next is None
        assert tables.members.page(CALL, limit=1).next is not None

    def test_one_who_joins_or_leaves_between_pages_confuses_nobody(self, tables: Tables) -> None:
        tables.members.put(CALL, [member("b"), member("d"), member("f")])
        page = tables.members.page(CALL, limit=1)
        tables.members.remove(CALL, ["b"])
        tables.members.put(CALL, [member("a"), member("c")])
        rest = tables.members.page(CALL, limit=9, after=page.next)
        assert [each.user_id for each in rest.items] == ["c", "d", "f"]

    @pytest.mark.parametrize("user_id", HOSTILE)
    def test_any_id_is_a_member_and_a_place_in_a_list(self, tables: Tables, user_id: str) -> None:
        tables.members.put(CALL, [member(user_id), member("alice")])
        first = tables.members.page(CALL, limit=1)
        second = tables.members.page(CALL, limit=1, after=first.next)
        assert {each.user_id for each in first.items + second.items} == {user_id, "alice"}
        assert second.next is None
        assert tables.members.calls_of(user_id, limit=1).items == (CALL,)

    def test_calls_of_a_user_are_those_created_and_those_joined(self, tables: Tables) -> None:
        tables.members.note_creator(CALL, "alice")
        tables.members.put(CALL, [member("alice"), member("bob")])
        tables.members.put(call("lunch"), [member("alice")])
        tables.members.note_creator(call("party"), "alice")
        tables.members.note_creator(call("secret"), "bob")
        page = tables.members.calls_of("alice", limit=10)
        assert set(page.items) == {CALL, call("lunch"), call("party")}
        assert len(page.items) == 3

    def test_calls_of_a_user_come_in_pages_each_call_once(self, tables: Tables) -> None:
        mine = [call(f"call-{n}") for n in range(7)]
        for each in mine:
            tables.members.note_creator(each, "alice")
            tables.members.put(each, [member("alice")])
        seen: list[Call] = []
        after: str | None = None
        for _ in range(10):
            page = tables.members.calls_of("alice", limit=2, after=after)
            assert len(page.items) <= 2
            seen += page.items
            after = page.next
            if after is None:
                break
        assert seen == mine

    def test_the_creator_of_a_call_who_is_removed_still_has_created_it(
        self, tables: Tables
    ) -> None:
        tables.members.note_creator(CALL, "alice")
        tables.members.put(CALL, [member("alice")])
        tables.members.remove(CALL, ["alice"])
        assert tables.members.calls_of("alice", limit=9).items == (CALL,)

    def test_a_call_whose_ids_are_long_is_found_by_its_members(self, tables: Tables) -> None:
        long = Call(call_type="\U0001f600" * 64, call_id="é" * 64)
        tables.members.put(long, [member(LONGEST)])
        assert tables.members.calls_of(LONGEST, limit=5).items == (long,)

    @pytest.mark.parametrize(
        "token", ["", "!", "call#default#other", "é", "AA==", "AAAA", "IA", "f38", "A" * 2000]
    )
    def test_what_is_no_token_is_refused(self, tables: Tables, token: str) -> None:
        tables.members.put(CALL, [member("alice")])
        with pytest.raises(Invalid, match="next"):
            tables.members.page(CALL, limit=5, after=token)
        with pytest.raises(Invalid, match="next"):
            tables.members.calls_of("alice", limit=5, after=token)

    def test_the_token_of_one_call_shows_nothing_of_it_to_another(self, tables: Tables) -> None:
        tables.members.put(CALL, [member(f"user-{n}") for n in range(5)])
        tables.members.put(call("other"), [member("user-9"), member("alice")])
        token = tables.members.page(CALL, limit=2).next
        shown = tables.members.page(call("other"), limit=5, after=token)
        assert [each.user_id for each in shown.items] == ["user-9"]

    def test_changes_of_a_member_are_kept(self, tables: Tables) -> None:
        tables.members.put(CALL, [member("alice")])
        changed = member("alice").model_copy(update={"custom": {"x": 1.5}, "updated_at": at(3)})
        tables.members.put(CALL, [changed])
        assert tables.members.get(CALL, ["alice"]) == {"alice": changed}
