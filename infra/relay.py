"""The queue of events that any consumer of the operator's may read, and what fills it."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from infra.events import Events
from infra.images import ImageFunction, Target
from infra.queues import WorkQueue

TIMEOUT = Duration.seconds(30)
BATCH = 10
SUBSCRIBER_VISIBILITY = Duration.seconds(60)


class Relay(Construct):
    """Puts every event into the subscriber's queue, packed as client libraries expect it.

    A rule cannot do that by itself: EventBridge sends JSON only.

    Attributes:
        subscriber: the queue; its consumer is not ours.
    """

    def __init__(self, scope: Construct, construct_id: str, *, events: Events) -> None:
        super().__init__(scope, construct_id)
        self.subscriber = WorkQueue(
            self, "Subscriber", visibility=SUBSCRIBER_VISIBILITY, max_receive_count=10
        ).queue
        work = WorkQueue(
            self,
            "Relay",
            visibility=Duration.seconds(6 * TIMEOUT.to_seconds()),
            max_receive_count=10,
        )
        packer = ImageFunction(
            self,
            "relay",
            target=Target.CONTROL,
            description="Packs events and puts them into the subscriber's queue.",
            environment={"SUBSCRIBER_QUEUE_URL": self.subscriber.queue_url},
            timeout=TIMEOUT,
        )
        self.subscriber.grant_send_messages(packer.function)
        work.feed(packer.function, batch_size=BATCH)
        events.send_to(work.queue, "RelayRule")
