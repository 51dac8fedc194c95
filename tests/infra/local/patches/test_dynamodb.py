from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor


def test_of_many_conditional_writes_at_once_one_succeeds(stack):
    dynamodb, key = stack.client("dynamodb"), str(uuid.uuid4())

    def create(number: int) -> bool:
        try:
            dynamodb.put_item(
                TableName=stack.resources["Items"],
                Item={"pk": {"S": key}, "winner": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(32))) == 1


def test_counters_count_every_increment(stack):
    dynamodb, key = stack.client("dynamodb"), str(uuid.uuid4())

    def increment(_: int) -> str:
        return dynamodb.update_item(
            TableName=stack.resources["Items"],
            Key={"pk": {"S": key}},
            UpdateExpression="ADD hits :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )["Attributes"]["hits"]["N"]

    with ThreadPoolExecutor(8) as pool:
        seen = sorted(map(int, pool.map(increment, range(40))))
    assert seen == list(range(1, 41))
