"""Where the clients' calls take place: the local stack, a capture agent, and two subscribers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from infra.local.demo.children import AgentProcess
from infra.local.demo.stage import agent_environment
from infra.local.stack import LocalStack
from isotrack.recording import keys
from isotrack.recording.tracks import Call
from tests.clients.mailbox import Mailbox
from tests.clients.people import ANN, BEN, Gathering

QUIET_S = 1.0
"""So long the queue of a subscriber must be empty to count as read."""


class Venue:
    """A running stack; who is in its calls is decided here, what is done with them by clients."""

    def __init__(
        self, stack: LocalStack, agent: AgentProcess, mailbox: Mailbox, *, logs: Path
    ) -> None:
        self.stack, self.mailbox = stack, mailbox
        self.url = stack.api_url
        self.api_key = stack.credentials.api_key
        self.api_secret = stack.credentials.api_secret
        self._agent, self._logs = agent, logs
        self._gatherings: dict[str, Gathering] = {}
        self._messages: list[str] = []

    def environment(self) -> dict[str, str]:
        """How programs are told where they work, and as whom."""
        return {
            "ISOTRACK_URL": self.url,
            "ISOTRACK_API_KEY": self.api_key,
            "ISOTRACK_API_SECRET": self.api_secret,
        }

    def gather(self, cid: str) -> None:
        """Let Ann and Ben join a call, and return once the world has been told."""
        self._agent.check()
        call_type, _, call_id = cid.partition(":")
        self._gatherings[cid] = Gathering(
            Call(call_type=call_type, call_id=call_id),
            (ANN, BEN),
            control_url=self._agent.control_url,
            logs=self._logs,
        )
        self.mailbox.wait_for(
            cid, "call.session_participant_joined", until=lambda events: len(events) == 2
        )

    def disperse(self, cid: str) -> None:
        """Let everybody leave a call; nothing where nobody is."""
        if cid in self._gatherings:
            self._gatherings.pop(cid).leave()

    def spoil(self, cid: str, egress_id: str) -> None:
        """Let a third participant session of a recording be sealed with a manifest of garbage."""
        call_type, _, call_id = cid.partition(":")
        call = Call(call_type=call_type, call_id=call_id)
        folder = keys.session_prefix(call, egress_id, "torn-1")
        with closing(self.stack.client("s3")) as s3:
            s3.put_object(
                Bucket=self.stack.outputs["RawBucket"],
                Key=keys.manifest(folder),
                Body=b'{"version": 1, "call"',
            )

    def messages(self) -> list[str]:
        """The bodies of all messages of the subscribers' queue so far."""
        url = self.stack.outputs["SubscriberQueueUrl"]
        with closing(self.stack.client("sqs")) as sqs:
            quiet_since = time.monotonic()
            while time.monotonic() - quiet_since < QUIET_S:
                answer: Mapping[str, Any] = sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
                )
                for message in answer.get("Messages", ()):
                    quiet_since = time.monotonic()
                    self._messages.append(message["Body"])
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return list(self._messages)

    def close(self) -> None:
        """Let everybody leave every call."""
        for cid in list(self._gatherings):
            self.disperse(cid)


@contextmanager
def venue(folder: Path) -> Iterator[Venue]:
    """Start everything, and end it again whatever happens."""
    with ExitStack() as ending:
        mailbox = Mailbox()
        ending.callback(mailbox.close)
        stack = ending.enter_context(
            LocalStack(
                parameters={"WebhookUrl": mailbox.url, "WebhookRetrySeconds": "0"},
                folder=folder / "stack",
            )
        )
        agent = AgentProcess(agent_environment(stack, folder), folder / "agent.log")
        ending.callback(agent.stop)
        with closing(Venue(stack, agent, mailbox, logs=folder)) as running:
            yield running
