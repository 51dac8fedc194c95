from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.reading import of_type, properties, resource_policy, text

RULES = {"PushRule": "PushQueue", "RelayRule": "RelayQueue", "WebhookRule": "WebhookQueue"}


def test_these_are_all_the_rules(template: Mapping[str, Any]) -> None:
    assert set(of_type(template, "AWS::Events::Rule")) == set(RULES)


@pytest.mark.parametrize(("rule", "queue"), RULES.items())
def test_the_detail_of_each_event_of_a_call_goes_to_the_queue(
    template: Mapping[str, Any], rule: str, queue: str
) -> None:
    wanted = properties(template, rule)
    assert wanted["EventBusName"] == {"Ref": "EventBus"}
    assert wanted["EventPattern"] == {"detail-type": [{"prefix": "call."}]}
    assert wanted["State"] == "ENABLED"
    [target] = wanted["Targets"]
    assert text(target["Arn"]) == f"${{{queue}.Arn}}"
    assert target["InputPath"] == "$.detail"


@pytest.mark.parametrize("rule", RULES)
def test_an_event_that_a_queue_does_not_take_for_a_day_is_kept_aside(
    template: Mapping[str, Any], rule: str
) -> None:
    [target] = properties(template, rule)["Targets"]
    assert target["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 24 * 3600,
        "MaximumRetryAttempts": 185,
    }
    assert text(target["DeadLetterConfig"]["Arn"]) == "${UndeliveredEvents.Arn}"


@pytest.mark.parametrize(("rule", "queue"), RULES.items())
def test_a_queue_takes_events_of_its_rule_only(
    template: Mapping[str, Any], rule: str, queue: str
) -> None:
    allowed = [
        statement
        for statement in resource_policy(template, "AWS::SQS::QueuePolicy", "Queues", queue)
        if statement.effect == "Allow"
    ]
    assert {next(iter(statement.principal.values())) for statement in allowed} == {
        "events.amazonaws.com"
    }
    arns = [statement.conditions["ArnEquals"]["aws:SourceArn"] for statement in allowed]
    assert set(map(text, arns)) == {f"${{{rule}.Arn}}"}
