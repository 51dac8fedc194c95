from __future__ import annotations

import pytest

from infra.local.patches.swap import PatchMismatch, swap


class Victim:
    def method(self, first, second=None):
        return ("original", first, second)

    @staticmethod
    def static(value):
        return ("original", value)


class Heir(Victim):
    pass


def test_a_patch_can_call_what_it_replaced():
    class Patched(Victim):
        method = Victim.method

    def method(self, first, second=None):
        return ("patched", *original(self, first, second))

    original = swap(Patched, "method", method)
    assert Patched().method(1) == ("patched", "original", 1, None)


def test_a_static_method_stays_one():
    class Patched:
        static = Victim.__dict__["static"]

    original = swap(Patched, "static", staticmethod(lambda value: ("patched", original(value))))
    assert Patched().static(1) == ("patched", ("original", 1))


@pytest.mark.parametrize(
    ("owner", "name", "replacement", "message"),
    [
        (Victim, "gone", lambda self: None, r"moto has no .*Victim.gone"),
        (Heir, "method", lambda self, first, second=None: None, r"moto has no .*Heir.method"),
        (Victim, "method", lambda self, first: None, "takes"),
    ],
)
def test_what_is_replaced_must_look_as_expected(owner, name, replacement, message):
    with pytest.raises(PatchMismatch, match=message):
        swap(owner, name, replacement)
