"""Events to users who watch calls: a queue of events, a function that sends them."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from infra.events import Events
from infra.images import ImageFunction, Target
from infra.queues import WorkQueue
from infra.table import Table
from infra.websocket import WebSocket

TIMEOUT = Duration.seconds(30)
BATCH = 10


class Push(Construct):
    """Sends every event to the connections that watch its call.

    Attributes:
        dead_letters: events that could not be sent to some, or to all.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: Table,
        events: Events,
        websocket: WebSocket,
    ) -> None:
        super().__init__(scope, construct_id)
        work = WorkQueue(
            self,
            "Push",
            visibility=Duration.seconds(6 * TIMEOUT.to_seconds()),
            max_receive_count=5,
        )
        self.dead_letters = work.dead_letters
        sender = ImageFunction(
            self,
            "push",
            target=Target.CONTROL,
            description="Sends events to the users who watch their calls.",
            environment={
                "TABLE": table.name,
                "PUSH_QUEUE_URL": work.queue.queue_url,
                "WEBSOCKET_URL": websocket.url,
            },
            timeout=TIMEOUT,
        )
        table.grant_read_write(sender.function)
        websocket.grant_send(sender.function)
        work.queue.grant_send_messages(sender.function)
        work.feed(sender.function, batch_size=BATCH)
        events.send_to(work.queue, "PushRule")
