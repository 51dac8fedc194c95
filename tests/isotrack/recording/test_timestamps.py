from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from isotrack.recording.timestamps import NANOSECONDS, Timestamp, nanoseconds, rfc3339
from isotrack.recording.tracks import Frozen

moments = st.datetimes(timezones=st.just(UTC))


class Event(Frozen):
    at: Timestamp
    others: dict[str, tuple[Timestamp, ...]] = Field(default_factory=dict)


def read(value: object) -> datetime:
    return Event.model_validate_json(json.dumps({"at": value})).at


NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NOON_NS = 1_772_366_400_250_000_000


def test_a_moment_is_written_as_rfc_3339_with_microseconds() -> None:
    assert json.loads(Event(at=NOON).model_dump_json()) == {
        "at": "2026-03-01T12:00:00.250000Z",
        "others": {},
    }


def test_a_moment_is_written_in_nanoseconds_where_the_context_says_so() -> None:
    event = Event(at=NOON, others={"a": (NOON + timedelta(microseconds=1),)})
    assert json.loads(event.model_dump_json(context=NANOSECONDS)) == {
        "at": NOON_NS,
        "others": {"a": [NOON_NS + 1000]},
    }


def test_another_context_changes_nothing() -> None:
    event = Event(at=NOON)
    for context in ({"times": "seconds"}, {}, "nanoseconds", 7):
        assert event.model_dump_json(context=context) == event.model_dump_json()


def test_a_moment_stays_a_moment_in_python() -> None:
    assert Event(at=NOON).model_dump(context=NANOSECONDS)["at"] == NOON


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T12:00:00.25Z",
        "2026-03-01T12:00:00.250000942Z",
        "2026-03-01T13:00:00.25+01:00",
        "2026-03-01 12:00:00.25Z",
        NOON_NS,
        NOON_NS + 942,
    ],
)
def test_a_moment_is_read_from_iso_8601_and_from_nanoseconds(value: object) -> None:
    assert read(value) == NOON


def test_a_moment_is_kept_in_utc() -> None:
    assert read("2026-03-01T13:00:00.25+01:00").tzinfo is UTC


def test_moments_before_1970_are_read_and_written() -> None:
    assert read(-1_000_000_000) == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert nanoseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000_000


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T12:00:00",  # where?
        "yesterday",
        "",
        "1772366400",
        "1e18",
        "NaN",
        1.5,
        1e18,
        True,
        None,
        [],
        {},
        10**30,
        -(10**30),
        "0001-01-01T00:00:00+12:00",
        "9999-12-31T23:59:59-12:00",
        "2026-13-01T12:00:00Z",
        "2026-03-01T25:00:00Z",
        "\uff12\uff10\uff12\uff16-03-01T12:00:00Z",
    ],
)
def test_what_is_no_moment_is_refused_and_the_field_is_named(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        read(value)
    assert refused.value.errors()[0]["loc"] == ("at",)


@given(moments)
def test_every_moment_is_read_back_from_either_form(moment: datetime) -> None:
    event = Event(at=moment)
    assert Event.model_validate_json(event.model_dump_json()) == event
    assert Event.model_validate_json(event.model_dump_json(context=NANOSECONDS)) == event


@given(moments, moments)
def test_written_moments_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)
    assert (nanoseconds(one) < nanoseconds(other)) == (one < other)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans()))
def test_hostile_values_are_refused_or_read_but_nothing_else(value: object) -> None:
    try:
        event = Event.model_validate({"at": value})
    except ValidationError:
        return
    assert event.at.tzinfo is UTC


def test_the_schema_takes_both_forms_and_gives_one() -> None:
    taken = Event.model_json_schema()["properties"]["at"]
    assert [form["type"] for form in taken["anyOf"]] == ["string", "integer"]
    given_back = Event.model_json_schema(mode="serialization")["properties"]["at"]
    assert (given_back["type"], given_back["format"]) == ("string", "date-time")
