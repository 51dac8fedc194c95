from __future__ import annotations

from typing import Any

import pytest

from isotrack.contract.users import SortParamRequest
from isotrack.control.filters import (
    MAX_VALUES,
    parse_filter,
    require_forward,
    require_sort,
)
from isotrack.recording.errors import Invalid


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("alice", {"alice"}),
        ({"$eq": "alice"}, {"alice"}),
        ({"$in": ["alice", "bob", "alice"]}, {"alice", "bob"}),
        ({"$in": []}, set()),
    ],
)
def test_values_are_asked_for_by_equality_or_as_one_of_several(
    condition: object, values: set[str]
) -> None:
    assert parse_filter({"id": condition}, {"id"}) == {"id": values}


@pytest.mark.parametrize("conditions", [None, {}])
def test_no_conditions_are_an_empty_filter(conditions: dict[str, Any] | None) -> None:
    assert parse_filter(conditions, {"id"}) == {}


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [
        ({"name": "x"}, r'field "name" is not supported, only cid, id'),
        ({"$or": [{"id": "x"}]}, r'field "\$or" is not supported'),
        ({"id": {"$gt": "a"}}, r'conditions\.id: "\$gt" is not supported, only \$eq, \$in'),
        ({"id": {"$eq": "a", "$in": []}}, r"id: exactly one of"),
        ({"id": {}}, r"id: exactly one of"),
        ({"id": {"$in": "alice"}}, r"id\.\$in: a list"),
        ({"id": {"$in": [7]}}, r"id: values are strings"),
        ({"id": {"$eq": ""}}, r"id: values are strings"),
        ({"id": {"$eq": "a" * 1000}}, r"id: values are strings"),
        ({"id": None}, r"id: values are strings"),
        ({"id": {"$in": ["a"] * (MAX_VALUES + 1)}}, r"id: at most 100 values"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(conditions: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        parse_filter(conditions, {"id", "cid"})


def test_a_long_name_is_not_echoed_whole() -> None:
    with pytest.raises(Invalid) as refused:
        parse_filter({"a" * 10_000: "x"}, {"id"})
    assert len(str(refused.value)) < 1000


def test_only_the_natural_order_is_given() -> None:
    require_sort(None, "id")
    require_sort((SortParamRequest(field="id", direction=1), SortParamRequest()), "id")
    with pytest.raises(Invalid, match=r'sort\.1\.field: "name" is not supported, only id'):
        require_sort((SortParamRequest(), SortParamRequest(field="name")), "id")
    with pytest.raises(Invalid, match=r"sort\.0\.direction"):
        require_sort((SortParamRequest(field="id", direction=-1),), "id")


def test_pages_are_read_forward_only() -> None:
    require_forward(None)
    with pytest.raises(Invalid, match="prev: "):
        require_forward("x")
