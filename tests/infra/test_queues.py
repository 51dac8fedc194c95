from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.reading import of_type, properties, resource_policy, text

SQS_MOST_RETENTION_SECONDS = 14 * 24 * 3600
WORK = {
    "ManifestQueue": 5,
    "PushQueue": 5,
    "RelayQueue": 10,
    "SubscriberQueue": 10,
    "WebhookQueue": 10,
}
DEAD_LETTERS = {queue.replace("Queue", "DeadLetters") for queue in WORK}
QUEUES = set(WORK) | DEAD_LETTERS | {"UndeliveredEvents"}


def test_these_are_all_the_queues(template: Mapping[str, Any]) -> None:
    assert set(of_type(template, "AWS::SQS::Queue")) == QUEUES


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_queue_is_encrypted_and_keeps_messages_as_long_as_sqs_can(
    template: Mapping[str, Any], queue: str
) -> None:
    wanted = properties(template, queue)
    assert wanted["SqsManagedSseEnabled"] is True
    assert wanted["MessageRetentionPeriod"] == SQS_MOST_RETENTION_SECONDS


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_queue_speaks_tls_only(template: Mapping[str, Any], queue: str) -> None:
    assert any(
        statement.effect == "Deny"
        and statement.actions == {"sqs:*"}
        and statement.conditions == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in resource_policy(template, "AWS::SQS::QueuePolicy", "Queues", queue)
    )


@pytest.mark.parametrize(("queue", "receives"), WORK.items())
def test_what_cannot_be_worked_off_goes_to_the_dead_letters_of_its_queue(
    template: Mapping[str, Any], queue: str, receives: int
) -> None:
    redrive = properties(template, queue)["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == receives
    assert (
        text(redrive["deadLetterTargetArn"]) == f"${{{queue.removesuffix('Queue')}DeadLetters.Arn}}"
    )


@pytest.mark.parametrize("queue", sorted(QUEUES - set(WORK)))
def test_an_alarm_goes_off_when_there_is_one_dead_letter(
    template: Mapping[str, Any], queue: str
) -> None:
    [alarm] = [
        alarm
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm.get("Dimensions")
        == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    ]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert (alarm["Threshold"], alarm["Statistic"]) == (1, "Maximum")


@pytest.mark.parametrize(
    ("queue", "function", "batch"),
    [
        ("ManifestQueue", "StarterFunction", 10),
        ("PushQueue", "PushFunction", 10),
        ("RelayQueue", "RelayFunction", 10),
        ("WebhookQueue", "WebhookFunction", 1),
    ],
)
def test_a_function_reports_which_messages_of_a_batch_failed_and_has_the_time_to(
    template: Mapping[str, Any], queue: str, function: str, batch: int
) -> None:
    [source] = [
        source
        for source in of_type(template, "AWS::Lambda::EventSourceMapping").values()
        if text(source["EventSourceArn"]) == f"${{{queue}.Arn}}"
    ]
    assert source["FunctionName"] == {"Ref": function}
    assert source["BatchSize"] == batch
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # AWS's advice: a batch may be tried again while the function is throttled.
    timeout = properties(template, function)["Timeout"]
    assert properties(template, queue)["VisibilityTimeout"] >= 6 * timeout
