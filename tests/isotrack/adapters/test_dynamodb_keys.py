from __future__ import annotations

import base64
import string

import pytest

from isotrack.adapters.dynamodb_keys import Range, beginning, call_partition, join, user_partition
from isotrack.recording.errors import Invalid
from isotrack.recording.tracks import Call

WIDEST = "\U0001f600"
"""Twelve bytes when percent-encoded."""


def test_ids_are_apart_by_what_no_id_contains() -> None:
    assert join("call", "a#b", "c%23d") == "call#a%23b#c%2523d"
    assert beginning("file", "a/b") == "file#a%2Fb#"


def test_what_is_left_of_any_id_is_printable_ascii_that_sorts_between_the_bounds() -> None:
    everything = "".join(map(chr, range(0x300))) + "\ud800\u2028" + WIDEST
    for character in everything:
        assert set(join(character)) <= set(string.ascii_letters + string.digits + "%_.-~")


def test_an_id_too_long_for_a_key_stands_as_its_hash() -> None:
    long, longer = WIDEST * 26, WIDEST * 255
    assert join("user", long).startswith("user#=")
    assert len({join(WIDEST * 25), join(long), join(longer), join(longer[:-1])}) == 4
    assert len(join(longer)) == 65


def test_keys_of_the_longest_ids_fit_where_dynamodb_takes_them() -> None:
    longest = Call(call_type=WIDEST * 64, call_id=WIDEST * 64)
    assert len(call_partition(longest)) <= 1024  # it is a sort key in the index
    assert len(user_partition(WIDEST * 255)) <= 2048
    assert len(join("outcome", "x" * 300, "failure", "y" * 300, "z" * 300, "9" * 10)) <= 1024


class TestRange:
    span = Range("call#default#standup", "member#")

    def test_it_begins_and_ends_with_its_prefix(self) -> None:
        first, last = self.span.after(None)
        assert first <= "member#" < "member#~~~~" < last
        assert not first <= "membera" <= last
        assert not first <= "members#alice" <= last

    @pytest.mark.parametrize("key", ["member#alice", "member#a#b%20~", "member#" + "x" * 700])
    def test_a_token_stands_for_what_comes_after_a_key(self, key: str) -> None:
        first, last = self.span.after(self.span.token(key))
        assert key < first < key + "!" < last
        assert first.startswith("member#")

    def test_a_token_may_stand_in_a_query_string_as_it_is(self) -> None:
        allowed = set(string.ascii_letters + string.digits + "-_")
        assert set(self.span.token("member#~~~???>>>")) <= allowed

    @pytest.mark.parametrize(
        "position", ["", "a b", "é", "a\n", "\x00", "\x7f", "x" * 701], ids=repr
    )
    def test_a_token_made_by_somebody_else_is_refused(self, position: str) -> None:
        token = base64.urlsafe_b64encode(position.encode()).decode()
        with pytest.raises(Invalid, match="next"):
            self.span.after(token)

    @pytest.mark.parametrize("token", ["A", "====", "a+b/", "AAAA AAAA", "Zm9v\n", "ü", "\ud800"])
    def test_what_is_no_base64_is_refused(self, token: str) -> None:
        with pytest.raises(Invalid, match="next"):
            self.span.after(token)
