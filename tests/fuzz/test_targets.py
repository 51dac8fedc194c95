"""Every fuzz target on its seeds and on some of what can become of them, the same each time."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz import seeds
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, Target

EXAMPLES = 40
_FEW = {"session": 6, "track": 20}  # these read, and play, a whole call


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_sound_passes(target: Target) -> None:
    found = target.seeds()
    assert found
    for data in found[:20]:
        target.run(data)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_damaged_is_read_as_far_as_it_goes_or_refused_by_name(target: Target) -> None:
    random = Random(target.name)
    found = target.seeds()
    for _ in range(_FEW.get(target.name, EXAMPLES)):
        target.run(mutated(random.choice(found), random, found))


@pytest.mark.parametrize("path", sorted(seeds.FOUND.glob("*")), ids=lambda path: path.name)
def test_what_was_found_once_stays_found(path) -> None:
    (target,) = (each for each in TARGETS if path.name.startswith(f"{each.name}-"))
    target.run(path.read_bytes())
