"""A rehearsal: a call played into a running stack, and everything that it gave.

The demo and the end-to-end tests run the product in this one way: the recording is started and
stopped by the public API, events are taken from a webhook and from SQS, and each file is fetched by
the link in its event.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Protocol

from infra.local.demo.announcing import Announcer
from infra.local.demo.api import RecordingApi
from infra.local.demo.children import AgentProcess, PublisherProcess
from infra.local.demo.clocks import CallClock
from infra.local.demo.fetching import Fetched, fetch
from infra.local.demo.part import Notice, Part
from infra.local.demo.promises import not_kept, promises
from infra.local.demo.receivers import Inbox, Receipt
from infra.local.demo.scenario import Scenario
from infra.local.stack import LocalStack
from isotrack.adapters.tokens import server_token
from isotrack.recording.events import (
    CallRecordingFailed,
    CallRecordingReady,
    CallRecordingStarted,
)

_LEAD_SECONDS = 1.0
_TICK_SECONDS = 0.1
_STARTED_SECONDS = 20.0
_READY_SECONDS = 90.0

Interlude = tuple[int, Callable[[], object]]
"""Something that happens at a time of the call (ms), apart from what the participants do."""


class RehearsalFailed(Exception):
    """A step of the rehearsal failed; one sentence that says which, and why."""


class Audience(Protocol):
    """Who watches the rehearsal while it goes on."""

    def step(self, sentence: str) -> None:
        """A step begins."""

    def notice(self, notice: Notice) -> None:
        """A participant did something."""

    def time(self, call_ms: int, duration_ms: int) -> None:
        """So far the call has come."""


class Unattended:
    """Nobody watches."""

    def step(self, sentence: str) -> None:
        """Nothing."""

    def notice(self, notice: Notice) -> None:
        """Nothing."""

    def time(self, call_ms: int, duration_ms: int) -> None:
        """Nothing."""


class Outcome(NamedTuple):
    """What a rehearsal gave."""

    zero_unix_ns: int
    """When the call began, on this machine's own clock."""
    egress_id: str
    files: tuple[Fetched, ...]
    receipts: tuple[Receipt, ...]
    rejected: tuple[str, ...]
    notices: tuple[Notice, ...]


class Rehearsal:
    """A running stack with an agent and two subscribers; calls are played into it one by one."""

    def __init__(
        self,
        stack: LocalStack,
        agent: AgentProcess,
        inbox: Inbox,
        *,
        logs: Path,
        speed: float,
        audience: Audience,
    ) -> None:
        self.stack, self.agent, self.inbox = stack, agent, inbox
        self._logs, self._speed, self._audience = logs, speed, audience
        self._api = RecordingApi(
            stack.api_url,
            api_key=stack.credentials.api_key,
            token=server_token(stack.credentials.api_secret),
        )

    def close(self) -> None:
        """Give back what it holds; the stage is not its own."""
        self._api.close()

    def play(
        self, scenario: Scenario, *, output: Path, interludes: Sequence[Interlude] = ()
    ) -> Outcome:
        """Play a call while it is recorded, and fetch all that was promised of it.

        Raises:
            RehearsalFailed: a step failed, or something promised did not come.
            ChildFailed: the agent or a publisher died.
        """
        notices: queue.Queue[Notice] = queue.Queue()
        with ExitStack() as ending:
            publishers = []
            for person in scenario.participants:
                log = self._logs / f"{person.user_session_id}.log"
                publishers.append(PublisherProcess(person.user_id, notices, log))
                ending.callback(publishers[-1].stop)
            egress_id = self._start_recording(scenario)
            for publisher in publishers:
                publisher.wait_ready()
            zero_unix_ns = time.time_ns() + int(_LEAD_SECONDS * 1e9)
            for person, publisher in zip(scenario.participants, publishers, strict=True):
                publisher.play(
                    Part(
                        call=scenario.call,
                        participant=person,
                        control_url=self.agent.control_url,
                        zero_unix_ns=zero_unix_ns,
                        speed=self._speed,
                    )
                )
            stop = (scenario.stop_ms, lambda: self._api.stop(scenario.call))
            seen = self._watch(
                scenario,
                CallClock(zero_unix_ns, self._speed),
                publishers,
                notices,
                sorted([stop, *interludes], key=lambda interlude: interlude[0]),
            )
        self._await_promises(scenario, egress_id)
        self._audience.step("fetching the files by the links in their events")
        receipts = self.inbox.of_recording(egress_id)
        ready = {
            receipt.event.event_id: receipt.event
            for receipt in receipts
            if isinstance(receipt.event, CallRecordingReady)
        }
        files = tuple(fetch(event.call_recording, output) for event in ready.values())
        return Outcome(zero_unix_ns, egress_id, files, receipts, self.inbox.rejected, tuple(seen))

    def _start_recording(self, scenario: Scenario) -> str:
        """Let the first participant open the call, and return once it is recorded."""
        first = scenario.participants[0]
        self._audience.step(f"{first.user_id} opens the call, and its recording is started")
        announcer = Announcer(
            self.agent.control_url, scenario.call, first.user_session_id, first.user_id
        )
        self._api.create(scenario.call, first.user_id)
        announcer.join()
        self._api.start(scenario.call)
        deadline = time.monotonic() + _STARTED_SECONDS
        while time.monotonic() < deadline:
            for receipt in self.inbox.receipts:
                event = receipt.event
                if isinstance(event, CallRecordingStarted) and event.call_cid == scenario.call.cid:
                    return event.egress_id
            self._check(scenario)
            self.inbox.wait(_TICK_SECONDS)
        raise RehearsalFailed(
            f"no call.recording_started came within {_STARTED_SECONDS:.0f} s of the start"
            f" (logs: {self._logs})"
        )

    def _watch(
        self,
        scenario: Scenario,
        clock: CallClock,
        publishers: Sequence[PublisherProcess],
        notices: queue.Queue[Notice],
        interludes: list[Interlude],
    ) -> list[Notice]:
        """Follow the call until it is over, and let each interlude happen at its time."""
        self._audience.step(f"{len(publishers)} participants are in a call, over real UDP")
        seen: list[Notice] = []
        while interludes or _playing(publishers):
            call_ms = clock.now_us() // 1_000
            self._audience.time(min(call_ms, scenario.duration_ms), scenario.duration_ms)
            while interludes and interludes[0][0] <= call_ms:
                interludes.pop(0)[1]()
            self._check(scenario)
            _drain(notices, seen, self._audience)
            time.sleep(_TICK_SECONDS / 2)
        _drain(notices, seen, self._audience)
        self._audience.time(scenario.duration_ms, scenario.duration_ms)
        return seen

    def _await_promises(self, scenario: Scenario, egress_id: str) -> None:
        """Return when each event that this call promises came by webhook and by SQS."""
        promised = promises(scenario)
        self._audience.step(f"waiting for {len(promised)} events, by webhook and by SQS")
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            missing = not_kept(promised, self.inbox.of_recording(egress_id))
            if not missing:
                return
            self._check(scenario)
            if time.monotonic() > deadline:
                raise RehearsalFailed(
                    f"after {_READY_SECONDS:.0f} s these had not come: {'; '.join(missing)}"
                    f" (logs: {self._logs})"
                )
            self.inbox.wait(_TICK_SECONDS)

    def _check(self, scenario: Scenario) -> None:
        """Go on only while the agent runs and nothing of this call has failed."""
        self.agent.check()
        for event in (receipt.event for receipt in self.inbox.receipts):
            if isinstance(event, CallRecordingFailed) and event.call_cid == scenario.call.cid:
                raise RehearsalFailed(f"a recording failed: {event.error.message}")


def _playing(publishers: Sequence[PublisherProcess]) -> bool:
    """Whether one of them still plays; each is looked at, so that none fails unseen."""
    return sum(not publisher.done() for publisher in publishers) > 0


def _drain(notices: queue.Queue[Notice], seen: list[Notice], audience: Audience) -> None:
    while not notices.empty():
        notice = notices.get()
        seen.append(notice)
        audience.notice(notice)
