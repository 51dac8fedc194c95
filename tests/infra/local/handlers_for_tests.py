"""Handlers that the tests of the local stack run as real functions."""

import json
import os
import signal
import time
from pathlib import Path

import boto3


class Transient(Exception):
    pass


class CorruptInput(Exception):
    pass


def _raise(event):
    raise {"Transient": Transient, "CorruptInput": CorruptInput}[event["error"]](event["message"])


def _flaky(event):
    attempts = Path(event["counter"])
    with attempts.open("a") as counter:
        counter.write("x")
    if len(attempts.read_text()) <= event["failures"]:
        raise Transient("busy")
    return {"attempts": len(attempts.read_text())}


def _sleep(event):
    Path(event["pid_file"]).write_text(str(os.getpid()))
    time.sleep(event["seconds"])
    return {"slept": True}


ACTIONS = {
    "echo": lambda event: event,
    "exit": lambda event: os._exit(event["status"]),
    "flaky": _flaky,
    "kill": lambda event: os.kill(os.getpid(), signal.SIGKILL),
    "large": lambda event: "x" * event["characters"],
    "pid": lambda event: os.getpid(),
    "raise": _raise,
    "sleep": _sleep,
    "variables": lambda event: dict(os.environ),
}


def act(event, context):
    return ACTIONS[event["do"]](event)


def store_records(event, context):
    """Writes each message to S3; reports those as failed whose body says `poison`."""
    s3 = boto3.client("s3")
    key = context.aws_request_id
    s3.put_object(Bucket=os.environ["BUCKET"], Key=f"batches/{key}", Body=json.dumps(event))
    poison = [each["messageId"] for each in event["Records"] if "poison" in each["body"]]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in poison]}


def answer(event, context):
    """Answers a request with the event it became, unless the path says otherwise."""
    if event["rawPath"] == "/fail":
        raise CorruptInput("of all things")
    if event["rawPath"] == "/binary":
        return {"statusCode": 201, "body": "AAEC", "isBase64Encoded": True, "cookies": ["a=1"]}
    if event["rawPath"] == "/plain":
        return {"no": "status code"}
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(event),
    }


def converse(event, context):
    """Lets connections in unless their query says otherwise, tells them what events they make.

    The end of a connection is kept in S3.
    """
    told = event["requestContext"]
    if told["eventType"] == "CONNECT":
        wanted = event.get("queryStringParameters", {}).get("status", "200")
        return {"statusCode": int(wanted)} if wanted.isdigit() else wanted
    if told["eventType"] == "DISCONNECT":
        key = f"ended/{told['connectionId']}"
        boto3.client("s3").put_object(
            Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(told).encode()
        )
        return {"statusCode": 200}
    if json.loads(event["body"]).get("fail"):
        raise CorruptInput("of all things")
    url = os.environ["URL"].replace("ws", "http", 1)
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=url)
    connections.post_to_connection(
        ConnectionId=told["connectionId"], Data=json.dumps(event).encode()
    )
    return {"statusCode": 200}
