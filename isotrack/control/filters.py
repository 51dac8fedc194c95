"""Filters of queries: which fields may be asked for, by equality or as one of several."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from isotrack.contract.users import SortParamRequest
from isotrack.recording.errors import Invalid

MAX_VALUES = 100
"""That one `$in` may name."""
MAX_LENGTH = 512
"""Characters of one value: no id is longer."""

Filter = Mapping[str, frozenset[str]]
"""Field to the values of which it shall have one; fields that nobody asked about are left out."""


def parse_filter(conditions: Mapping[str, Any] | None, supported: Collection[str]) -> Filter:
    """Read `filter_conditions`: for each field a string, `{"$eq": string}` or `{"$in": [...]}`.

    Raises:
        Invalid: a field or an operator is not supported, or a value is no string; the message
            names it, and what is supported.
    """
    wanted = {}
    for field, condition in (conditions or {}).items():
        if field not in supported:
            raise Invalid(
                f"filter_conditions: field {_shown(field)} is not supported, "
                f"only {', '.join(sorted(supported))}"
            )
        wanted[field] = frozenset(_values(field, condition))
    return wanted


def require_sort(sort: Collection[SortParamRequest] | None, natural: str) -> None:
    """Raise Invalid unless the order that is wanted is the only one there is, ascending."""
    for number, key in enumerate(sort or ()):
        if key.field not in (None, natural):
            raise Invalid(
                f"sort.{number}.field: {_shown(key.field)} is not supported, only {natural}"
            )
        if key.direction == -1:
            raise Invalid(f"sort.{number}.direction: -1 is not supported, only 1 (ascending)")


def require_forward(prev: str | None) -> None:
    """Raise Invalid when the page before is wanted: pages are read forward only."""
    if prev is not None:
        raise Invalid("prev: is not supported, pages are read forward with next")


def _values(field: str, condition: object) -> list[str]:
    if isinstance(condition, Mapping):
        if len(condition) != 1:
            raise Invalid(f"filter_conditions.{field}: exactly one of $eq, $in is needed")
        ((operator, operand),) = condition.items()
        if operator not in ("$eq", "$in"):
            raise Invalid(
                f"filter_conditions.{field}: {_shown(operator)} is not supported, only $eq, $in"
            )
        if operator == "$in" and not isinstance(operand, list):
            raise Invalid(f"filter_conditions.{field}.$in: a list of strings is needed")
        values = operand if operator == "$in" else [operand]
    else:
        values = [condition]
    if len(values) > MAX_VALUES:
        raise Invalid(f"filter_conditions.{field}: at most {MAX_VALUES} values are taken")
    if not all(isinstance(value, str) and 0 < len(value) <= MAX_LENGTH for value in values):
        raise Invalid(
            f"filter_conditions.{field}: values are strings of 1 to {MAX_LENGTH} characters"
        )
    return values


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."
