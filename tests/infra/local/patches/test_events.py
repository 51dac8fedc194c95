from __future__ import annotations

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from infra.local.patches.events import entry_size


@pytest.fixture
def put(stack):
    def put_events(detail_type: str, detail: dict[str, object], bus: str | None = None) -> None:
        answer = stack.client("events").put_events(
            Entries=[
                {
                    "EventBusName": bus or stack.resources["Bus"],
                    "Source": "isotrack",
                    "DetailType": detail_type,
                    "Detail": json.dumps(detail),
                }
            ]
        )
        assert answer["FailedEntryCount"] == 0

    return put_events


def test_a_queue_gets_what_the_input_path_selects_of_an_event_that_matches(put, drain):
    put("call.recording_ready", {"type": "call.recording_ready", "n": 1})
    assert [json.loads(each["Body"]) for each in drain("Subscriber")] == [
        {"type": "call.recording_ready", "n": 1}
    ]


def test_an_event_that_does_not_match_or_is_of_another_bus_reaches_nobody(put, drain):
    put("something.else", {"n": 2})
    put("call.recording_ready", {"n": 3}, bus="default")
    assert drain("Subscriber") == []


def test_a_disabled_rule_is_silent(put, drain, stack):
    bus, rule = stack.resources["Rule"].split("|")
    events = stack.client("events")
    events.disable_rule(Name=rule, EventBusName=bus)
    put("call.recording_ready", {"n": 4})
    events.enable_rule(Name=rule, EventBusName=bus)
    assert drain("Subscriber") == []


def test_what_cannot_be_delivered_goes_to_the_dead_letters_with_the_reason(put, drain, stack):
    events, sqs = stack.client("events"), stack.client("sqs")
    gone = sqs.create_queue(QueueName="gone")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:"
    events.put_rule(
        Name="to-gone", EventBusName=stack.resources["Bus"], EventPattern='{"source":["isotrack"]}'
    )
    target = {"Id": "0", "Arn": f"{arn}gone"}
    target["DeadLetterConfig"] = {"Arn": f"{arn}{stack.resources['Undelivered'].split('/')[-1]}"}
    events.put_targets(Rule="to-gone", EventBusName=stack.resources["Bus"], Targets=[target])
    sqs.delete_queue(QueueUrl=gone)
    put("lost", {"n": 5})
    events.remove_targets(Rule="to-gone", EventBusName=stack.resources["Bus"], Ids=["0"])
    events.delete_rule(Name="to-gone", EventBusName=stack.resources["Bus"])
    (message,) = drain("Undelivered")
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["detail"]) == ("lost", {"n": 5})
    attributes = {key: each["StringValue"] for key, each in message["MessageAttributes"].items()}
    assert attributes["TARGET_ARN"] == f"{arn}gone"
    assert attributes["ERROR_CODE"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_whole_event_has_the_envelope_of_eventbridge(put, drain, stack):
    events = stack.client("events")
    events.put_rule(Name="all", EventPattern='{"source":["isotrack"]}')
    arn = f"arn:aws:sqs:us-east-1:123456789012:{stack.resources['Plain'].split('/')[-1]}"
    events.put_targets(Rule="all", Targets=[{"Id": "0", "Arn": arn}])
    put("call.any", {"n": 6}, bus="default")
    events.remove_targets(Rule="all", Ids=["0"])
    events.delete_rule(Name="all")
    (message,) = drain("Plain")
    event = json.loads(message["Body"])
    assert event.keys() == {
        *("version", "id", "detail-type", "source", "account", "time", "region"),
        *("resources", "detail"),
    }
    assert uuid.UUID(event["id"])
    assert event["time"].endswith("Z")


def test_a_function_may_be_a_target(put, stack, tmp_path, eventually):
    events, counter = stack.client("events"), tmp_path / "invoked"
    arn = stack.client("lambda").get_function(FunctionName=stack.resources["Act"])["Configuration"][
        "FunctionArn"
    ]
    events.put_rule(Name="call", EventPattern='{"detail-type":["flaky"]}')
    constant = json.dumps({"do": "flaky", "counter": str(counter), "failures": 0})
    events.put_targets(Rule="call", Targets=[{"Id": "0", "Arn": arn, "Input": constant}])
    put("flaky", {}, bus="default")
    eventually(counter.exists)


def test_more_than_1_mib_of_entries_is_refused(put):
    with pytest.raises(ClientError, match="over the limit"):
        put("call.large", {"x": "x" * 1024 * 1024})


def test_the_size_of_an_entry_counts_bytes_and_its_time():
    assert entry_size({"Source": "a", "DetailType": "é", "Detail": "{}", "Time": 1.0}) == 19
