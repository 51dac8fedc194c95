"""Delivery of events to one webhook: a queue that keeps them, a function that posts them."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from infra.events import Events
from infra.images import ImageFunction, Target
from infra.parameters import Parameters
from infra.queues import WorkQueue
from infra.secret import ApiSecret

TIMEOUT = Duration.seconds(30)


class Webhook(Construct):
    """Posts every event to the webhook, again and again, and keeps what it will not take.

    Attributes:
        dead_letters: deliveries given up.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        events: Events,
        secret: ApiSecret,
        parameters: Parameters,
    ) -> None:
        super().__init__(scope, construct_id)
        work = WorkQueue(
            self,
            "Webhook",
            visibility=Duration.seconds(6 * TIMEOUT.to_seconds()),
            max_receive_count=10,
        )
        self.dead_letters = work.dead_letters
        dispatcher = ImageFunction(
            self,
            "webhook",
            target=Target.CONTROL,
            description="Signs an event and posts it to the webhook.",
            environment={
                "WEBHOOK_URL": parameters.webhook_url,
                "WEBHOOK_RETRY_SECONDS": parameters.webhook_retry_seconds,
                "WEBHOOK_QUEUE_URL": work.queue.queue_url,
                "API_SECRET_ARN": secret.arn,
            },
            timeout=TIMEOUT,
        )
        secret.grant_read(dispatcher.function)
        # One event per invocation: a slow endpoint then delays that event and no other.
        work.feed(dispatcher.function, batch_size=1)
        events.send_to(work.queue, "WebhookRule")
