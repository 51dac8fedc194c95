"""The bus that tells the world, and the rules that fan out from it."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.logical_ids import pin
from infra.queues import dead_letter_queue


class Events(Construct):
    """A custom event bus, and a rule for each queue that listens.

    Attributes:
        bus: carries `call.*` events; their detail is what subscribers see.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(
            self, "EventBus", event_bus_name=Stack.of(self).stack_name, description="Isotrack"
        )
        pin(self.bus, "EventBus")
        # Apart from the dead letters of the queues: what lies here is the whole event, what lies
        # there its detail only, and a redrive puts messages back as they are.
        self._undelivered = dead_letter_queue(self, "UndeliveredEvents")

    def send_to(self, queue: sqs.Queue, rule_id: str) -> None:
        """Send the detail of every `call.*` event to the queue."""
        rule = events.Rule(
            self,
            rule_id,
            event_bus=self.bus,
            description=f"call.* events for {queue.node.id}",
            event_pattern=events.EventPattern(detail_type=events.Match.prefix("call.")),
            targets=[
                targets.SqsQueue(
                    queue,
                    message=events.RuleTargetInput.from_event_path("$.detail"),
                    dead_letter_queue=self._undelivered,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )
        pin(rule, rule_id)

    def grant_put(self, grantee: iam.IGrantable) -> None:
        """Allow to put events on the bus."""
        self.bus.grant_put_events_to(grantee)
