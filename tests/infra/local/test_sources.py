from __future__ import annotations

import json

import pytest

from infra.local.runtime_api import Outcome, failure
from infra.local.sources import QueueMapping, failed_messages


def mapping(*, reports_failures: bool = True) -> QueueMapping:
    return QueueMapping(
        queue_arn="arn:aws:sqs:us-east-1:123456789012:queue",
        batch_size=10,
        reports_failures=reports_failures,
        concurrency=1,
        enabled=lambda: True,
        invoke=lambda _: Outcome(b"null"),
    )


def failures(*items: str) -> Outcome:
    report = {"batchItemFailures": [{"itemIdentifier": item} for item in items]}
    return Outcome(json.dumps(report).encode())


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (failures(), set()),
        (Outcome(b"null"), set()),
        (Outcome(b'"done"'), set()),
        (Outcome(b'{"batchItemFailures": null}'), set()),
        (failures("b"), {"b"}),
        (failures("b", "unknown"), {"a", "b"}),
        (failures(""), {"a", "b"}),
        (failure("CorruptInput", "message"), {"a", "b"}),
    ],
)
def test_messages_stay_that_are_reported_or_whose_report_makes_no_sense(outcome, kept):
    assert failed_messages(outcome, ["a", "b"], mapping()) == kept


def test_a_report_that_was_not_agreed_upon_is_ignored():
    assert failed_messages(failures("a"), ["a"], mapping(reports_failures=False)) == set()


@pytest.fixture
def batches(stack):
    """The events that the function on the queue has had so far."""
    s3, bucket = stack.client("s3"), stack.resources["Results"]

    def read() -> list[list[dict[str, object]]]:
        keys = s3.list_objects_v2(Bucket=bucket, Prefix="batches/").get("Contents", [])
        bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in keys]
        return [json.loads(body)["Records"] for body in bodies]

    return read


def test_an_object_whose_key_matches_the_filter_reaches_the_function(stack, batches, eventually):
    s3 = stack.client("s3")
    for key in ("raw/a/track.json", "other/manifest.json", "raw/a/b c/manifest.json"):
        s3.put_object(Bucket=stack.outputs["Raw"], Key=key, Body=b"{}")

    def keys() -> list[str]:
        bodies = [json.loads(each["body"]) for batch in batches() for each in batch]
        records = [record for body in bodies for record in body.get("Records", [])]
        return [record["s3"]["object"]["key"] for record in records]

    assert eventually(keys) == ["raw/a/b+c/manifest.json"]


def test_a_record_has_the_shape_of_a_message_from_sqs(stack, batches, eventually):
    stack.client("sqs").send_message(
        QueueUrl=stack.resources["Manifests"],
        MessageBody="shape",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "test"}},
    )

    def arrived() -> list[dict[str, object]]:
        return [each for batch in batches() for each in batch if each["body"] == "shape"]

    (record,) = eventually(arrived)
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(stack.resources["Manifests"].split("/")[-1])
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["kind"]["stringValue"] == "test"
    assert record["receiptHandle"]


def test_a_message_that_fails_comes_again_and_then_goes_to_the_dead_letters(
    stack, batches, drain, eventually
):
    sqs = stack.client("sqs")
    entries = [{"Id": "0", "MessageBody": "good"}, {"Id": "1", "MessageBody": "poison"}]
    sqs.send_message_batch(QueueUrl=stack.resources["Manifests"], Entries=entries)

    def dead() -> set[str]:
        # The test event of S3 may be here too: the function was slow to start, and it came twice.
        return {each["Body"] for each in drain("DeadLetters")} & {"good", "poison"}

    assert eventually(dead) == {"poison"}
    bodies = [each["body"] for batch in batches() for each in batch]
    assert bodies.count("poison") == 2
    assert "good" in bodies
