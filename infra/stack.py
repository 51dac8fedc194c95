"""The stack: makes each capability, and grants one to the other."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from infra.agents import Agents
from infra.api import Api
from infra.events import Events
from infra.front_door import FrontDoor
from infra.parameters import Parameters
from infra.pipeline import Pipeline
from infra.push import Push
from infra.relay import Relay
from infra.secret import ApiSecret
from infra.storage import Storage
from infra.table import Table
from infra.webhook import Webhook
from infra.websocket import WebSocket


class IsotrackStack(Stack):
    """All of Isotrack in one region of one account."""

    def __init__(self, scope: Construct, stack_name: str, *, file_retention: Duration) -> None:
        super().__init__(
            scope,
            stack_name,
            description="Isotrack: ISO recording for WebRTC calls",
            analytics_reporting=False,
        )
        parameters = Parameters(self, "Parameters")
        storage = Storage(self, "Storage", recordings_retention=file_retention)
        table = Table(self, "Calls")
        secret = ApiSecret(self, "Secret")
        events = Events(self, "Events")
        agents = Agents(self, "Agents", storage=storage)
        pipeline = Pipeline(self, "Pipeline", storage=storage, table=table, events=events)
        webhook = Webhook(self, "Webhook", events=events, secret=secret, parameters=parameters)
        api = Api(
            self,
            "Api",
            table=table,
            events=events,
            storage=storage,
            machine=pipeline.machine,
            secret=secret,
            parameters=parameters,
            agents=agents,
        )
        websocket = WebSocket(self, "WebSocket", table=table, secret=secret)
        relay = Relay(self, "Relay", events=events)
        push = Push(self, "Push", table=table, events=events, websocket=websocket)
        front_door = FrontDoor(
            self,
            "FrontDoor",
            http_api=api.http_api,
            websocket_api=websocket.api,
            parameters=parameters,
        )
        for name, value in {
            "RawBucket": storage.raw.bucket_name,
            "RecordingsBucket": storage.recordings.bucket_name,
            "ApiUrl": front_door.url,
            "EventBus": events.bus.event_bus_name,
            "SubscriberQueueUrl": relay.subscriber.queue_url,
            "ApiSecretArn": secret.arn,
            "WebhookDeadLettersUrl": webhook.dead_letters.queue_url,
            "PushDeadLettersUrl": push.dead_letters.queue_url,
            "StateMachineArn": pipeline.machine.state_machine_arn,
            "AgentPolicyArn": agents.policy.managed_policy_arn,
        }.items():
            CfnOutput(self, name, value=value)
