from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isotrack.adapters.dynamodb import INDEX
from tests.aws import TABLE, account, create_table
from tests.infra.reading import properties


def test_the_table_has_the_keys_that_items_are_written_with(template: Mapping[str, Any]) -> None:
    table = properties(template, "Table")
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {
        attribute["AttributeName"]: attribute["AttributeType"]
        for attribute in table["AttributeDefinitions"]
    } == {"pk": "S", "sk": "S", "found_by": "S"}


def test_one_index_finds_items_by_what_they_belong_to(template: Mapping[str, Any]) -> None:
    assert properties(template, "Table")["GlobalSecondaryIndexes"] == [
        {
            "IndexName": INDEX,
            "KeySchema": [
                {"AttributeName": "found_by", "KeyType": "HASH"},
                {"AttributeName": "pk", "KeyType": "RANGE"},
            ],
            "Projection": {
                "ProjectionType": "INCLUDE",
                "NonKeyAttributes": ["call_id", "call_type"],
            },
        }
    ]


def test_tests_have_the_table_that_is_deployed(template: Mapping[str, Any]) -> None:
    with account():
        made = create_table().describe_table(TableName=TABLE)["Table"]
    deployed = properties(template, "Table")
    assert made["KeySchema"] == deployed["KeySchema"]
    assert [
        {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
        for index in made["GlobalSecondaryIndexes"]
    ] == deployed["GlobalSecondaryIndexes"]


def test_the_table_can_be_put_back_to_any_second_and_outlives_its_stack(
    template: Mapping[str, Any],
) -> None:
    table = properties(template, "Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert template["Resources"]["Table"]["DeletionPolicy"] == "Retain"


def test_the_table_costs_nothing_when_nobody_calls_and_forgets_what_has_expired(
    template: Mapping[str, Any],
) -> None:
    table = properties(template, "Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
