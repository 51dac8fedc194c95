from __future__ import annotations

from typing import Any

import pytest

from isotrack.calls.call_types import BUILT_IN, CallType
from isotrack.contract.call_types import (
    CreateCallTypeRequest,
    CreateCallTypeResponse,
    UpdateCallTypeRequest,
    UpdateCallTypeResponse,
)
from isotrack.control.call_types import (
    create_call_type,
    delete_call_type,
    get_call_type,
    list_call_types,
    update_call_type,
)
from isotrack.recording.errors import Conflict, Invalid, Missing
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from tests.builders import NOON, at
from tests.worlds import MemoryWorld

ALL_SIX = [each.value for each in OutputType]
INDIVIDUAL = {"individual_recording": {"mode": "auto-on", "output_types": ALL_SIX}}


@pytest.fixture
def memory() -> MemoryWorld:
    return MemoryWorld()


def create(memory: MemoryWorld, name: str = "webinar", **fields: Any) -> CreateCallTypeResponse:
    request = CreateCallTypeRequest.model_validate({"name": name, **fields})
    return create_call_type(request, world=memory.world, now=NOON)


def update(memory: MemoryWorld, name: str = "webinar", **fields: Any) -> UpdateCallTypeResponse:
    request = UpdateCallTypeRequest.model_validate(fields)
    return update_call_type(name, request, world=memory.world, now=at(60))


def test_a_call_type_is_made_with_its_settings(memory: MemoryWorld) -> None:
    made = create(memory, settings=INDIVIDUAL)
    assert made.name == "webinar"
    assert made.settings.individual_recording.mode is Mode.AUTO_ON
    assert made.settings.individual_recording.output_types == tuple(OutputType)
    assert made.settings.recording.mode == "disabled"
    assert get_call_type("webinar", world=memory.world).settings == made.settings


def test_a_name_that_is_taken_is_refused(memory: MemoryWorld) -> None:
    create(memory, settings=INDIVIDUAL)
    for name in ("webinar", "default"):
        with pytest.raises(Conflict, match=f"call type '{name}' is there already"):
            create(memory, name)
    kept = get_call_type("webinar", world=memory.world)
    assert kept.settings.individual_recording.mode is Mode.AUTO_ON


def test_an_update_replaces_the_sections_and_roles_it_names(memory: MemoryWorld) -> None:
    create(
        memory,
        settings={**INDIVIDUAL, "video": {"camera_default_on": False}},
        grants={"host": ["read-call"], "guest": ["read-call"]},
    )
    section = {"individual_recording": {"mode": "disabled"}}
    after = update(memory, settings=section, grants={"host": ["start-recording"]})
    assert after.settings.individual_recording.mode is Mode.DISABLED
    assert after.settings.video.camera_default_on is False
    assert after.grants["host"] == ("start-recording",)
    assert after.grants["guest"] == ("read-call",)
    assert (after.created_at, after.updated_at) == (NOON, at(60))


def test_a_built_in_type_can_be_changed_but_not_removed(memory: MemoryWorld) -> None:
    after = update(memory, "default", settings=INDIVIDUAL)
    assert after.settings.individual_recording.mode is Mode.AUTO_ON
    listed = list_call_types(world=memory.world).call_types
    assert listed["default"].settings.individual_recording.mode is Mode.AUTO_ON
    with pytest.raises(Invalid, match="call type 'default' is built in"):
        delete_call_type("default", world=memory.world)


def test_all_types_are_listed_by_name(memory: MemoryWorld) -> None:
    create(memory)
    listed = list_call_types(world=memory.world).call_types
    assert list(listed) == sorted({*BUILT_IN, "webinar"})


def test_a_type_that_was_removed_is_missing(memory: MemoryWorld) -> None:
    create(memory)
    delete_call_type("webinar", world=memory.world)
    for verb in (get_call_type, delete_call_type):
        with pytest.raises(Missing, match="no call type 'webinar'"):
            verb("webinar", world=memory.world)
    with pytest.raises(Missing, match="no call type 'webinar'"):
        update(memory)


@pytest.mark.parametrize("name", ["webinar", "default"])
def test_a_storage_nobody_knows_is_refused_by_name(memory: MemoryWorld, name: str) -> None:
    with pytest.raises(Invalid, match=r"external_storage: .*'glacier'"):
        update(memory, name, external_storage="glacier")
    assert create(memory, "ours", external_storage="isotrack").external_storage == "isotrack"


def test_two_updates_at_once_are_both_made(memory: MemoryWorld) -> None:
    create(memory)
    save = memory.call_types.save
    rivals = [lambda: update(memory, grants={"guest": ["read-call"]})]

    def contested(call_type: CallType) -> CallType:
        if rivals:
            rivals.pop()()
        return save(call_type)

    memory.call_types.save = contested  # type: ignore[method-assign]
    after = update(memory, settings=INDIVIDUAL)
    assert after.grants["guest"] == ("read-call",)
    assert after.settings.individual_recording.mode is Mode.AUTO_ON
