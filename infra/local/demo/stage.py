"""The stage of a rehearsal: the local stack, a capture agent, a webhook receiver, a consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from infra.local.demo.children import AgentProcess
from infra.local.demo.receivers import Inbox, QueueConsumer, Receipt, WebhookReceiver
from infra.local.demo.rehearsal import Audience, Rehearsal, Unattended
from infra.local.stack import LocalStack
from isotrack.adapters.tokens import agent_token

AGENT_ID = "rehearsal"


@contextmanager
def stage(
    folder: Path,
    *,
    logs: Path,
    speed: float = 1.0,
    audience: Audience | None = None,
    parameters: Mapping[str, str] | None = None,
    answer: Callable[[Receipt], int] = lambda _: 200,
) -> Iterator[Rehearsal]:
    """Start everything, and end it again whatever happens.

    Args:
        folder: for the spool.
        logs: a folder for what the stack, the agent and the participants log.
        speed: how much faster than life calls are played.
        audience: who watches.
        parameters: of the template, beside the webhook's URL.
        answer: how the webhook receiver answers an event.
    """
    audience = audience or Unattended()
    logs.mkdir(parents=True, exist_ok=True)
    inbox = Inbox()
    with ExitStack() as ending:
        audience.step("starting the local stack: the deployed template, on this machine")
        webhook = WebhookReceiver(inbox, answer)
        ending.callback(webhook.close)
        stack = ending.enter_context(
            LocalStack(
                parameters={"WebhookUrl": webhook.url, **(parameters or {})},
                folder=logs / "stack",
            )
        )
        webhook.open(stack.credentials.api_secret)
        consumer = QueueConsumer(inbox, stack.client("sqs"), stack.outputs["SubscriberQueueUrl"])
        ending.callback(consumer.close)
        audience.step("starting the capture agent")
        agent = AgentProcess(agent_environment(stack, folder, speed), logs / "agent.log")
        ending.callback(agent.stop)
        rehearsal = Rehearsal(stack, agent, inbox, logs=logs, speed=speed, audience=audience)
        with closing(rehearsal):
            yield rehearsal


def agent_environment(stack: LocalStack, folder: Path, speed: float = 1.0) -> dict[str, str]:
    """The settings of a capture agent of a stack, which spools in a folder."""
    return {
        **stack.environment(),
        "ISOTRACK_AGENT_ID": AGENT_ID,
        "ISOTRACK_STORE": f"s3://{stack.outputs['RawBucket']}",
        "ISOTRACK_SPOOL_DIR": str(folder / "spool"),
        "ISOTRACK_CONTROL_PORT": "0",
        "ISOTRACK_API_URL": stack.api_url,
        "ISOTRACK_API_KEY": stack.credentials.api_key,
        "ISOTRACK_AGENT_TOKEN": agent_token(stack.credentials.api_secret, AGENT_ID),
        "ISOTRACK_CLOCK_SPEED": str(speed),
    }
