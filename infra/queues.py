"""A queue that loses nothing: with dead letters, and an alarm when there are any."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import alarm_on_any
from infra.findings import acknowledge
from infra.logical_ids import pin

RETENTION = Duration.days(14)  # the longest SQS keeps a message


def dead_letter_queue(scope: Construct, logical_id: str) -> sqs.Queue:
    """A queue for what could not be delivered, with an alarm when there is something in it."""
    letters = sqs.Queue(
        scope,
        logical_id,
        retention_period=RETENTION,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
    pin(letters, logical_id)
    acknowledge(letters, {"SQS3": "It is where dead letters go; it has none of its own."})
    alarm_on_any(
        letters,
        f"{logical_id}NotEmpty",
        letters.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic="max"
        ),
        description=f"{logical_id} holds messages: look at them, then redrive.",
    )
    return letters


class WorkQueue(Construct):
    """A standard queue, its dead letters, and the function that it feeds, if any.

    Attributes:
        queue: has the logical id `{name}Queue`.
        dead_letters: has the logical id `{name}DeadLetters`.
    """

    def __init__(
        self, scope: Construct, name: str, *, visibility: Duration, max_receive_count: int
    ) -> None:
        super().__init__(scope, f"{name}Work")
        self._name = name
        self.dead_letters = dead_letter_queue(self, f"{name}DeadLetters")
        self.queue = sqs.Queue(
            self,
            f"{name}Queue",
            visibility_timeout=visibility,
            retention_period=RETENTION,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=max_receive_count
            ),
        )
        pin(self.queue, f"{name}Queue")

    def feed(self, function: lambda_.IFunction, *, batch_size: int) -> None:
        """Invoke the function with messages; those it reports as failed come again."""
        source = lambda_.EventSourceMapping(
            self,
            "Source",
            target=function,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            report_batch_item_failures=True,
        )
        pin(source, f"{self._name}Source")
        self.queue.grant_consume_messages(function)
