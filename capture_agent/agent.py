"""The agent: its parts put together, from settings to a running set of tasks."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import IO, Any

from capture_agent import spool
from capture_agent.clock import Clock
from capture_agent.commits import Commits
from capture_agent.counters import Counters
from capture_agent.entries import ClockFixed
from capture_agent.intake import Intake
from capture_agent.journal import Journal
from capture_agent.observing import view_calls, view_spool
from capture_agent.pokes import PokeListener
from capture_agent.preroll import Preroll
from capture_agent.recorder import Recorder
from capture_agent.reporting import ControlPlane, Reporter
from capture_agent.sealer import Sealer
from capture_agent.settings import Settings
from capture_agent.sockets import MediaPorts, raise_descriptor_limit, warn_of_small_buffers
from capture_agent.supervisor import CaptureProcess
from capture_agent.uploads import Uploads
from capture_agent.views import Health, StateView
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording.errors import Conflict

_log = logging.getLogger(__name__)


class Agent:
    """A capture agent on its spool folder, from `run` until `stop`."""

    def __init__(self, settings: Settings, store: ObjectStore) -> None:
        """Read the journal.

        Raises:
            Conflict: another agent has this spool, or it was begun with another clock.
            CorruptInput: the journal cannot be read.
        """
        folder = settings.spool_dir
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.standalone = settings.api_url is None
        self._lock = _lock(folder)
        self._journal = Journal(folder / "journal.jsonl")
        self._clock = _clock(self._journal, settings)
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        counters = Counters.create(len(settings.port_range))
        self._uploads = Uploads(store)
        self._sealer = Sealer(folder, self._journal, self._uploads, self._clock)
        self._capture = CaptureProcess(
            folder,
            counters,
            settings.chunk_seconds,
            max([self._journal.state.sealed_through, *spool.numbers(folder)]) + 1,
            self._sealer.closed,
        )
        media = MediaPorts(str(settings.media_host), settings.port_range)
        self.intake = Intake(media, counters, self._capture)
        preroll = Preroll(
            self._journal,
            self.intake,
            self._spawn,
            0.0 if self.standalone else settings.preroll_seconds,
        )
        self.recorder = Recorder(
            journal=self._journal,
            clock=self._clock,
            intake=self.intake,
            capture=self._capture,
            sealer=self._sealer,
            commits=Commits(
                settings.agent_id, self._journal, self._clock, self._sealer, self._uploads
            ),
            preroll=preroll,
            spawn=self._spawn,
        )
        self._pokes = PokeListener(self.recorder.changed.set)
        self._control_plane = _control_plane(settings)
        self._reporter = Reporter(
            self.recorder,
            preroll,
            self._journal,
            self._clock,
            self._control_plane,
            settings.report_seconds,
            self._pokes.listen,
        )

    def health(self) -> Health:
        """Whether the capture process receives."""
        return Health(agent_id=self.settings.agent_id, capturing=self._capture.is_ready)

    def view(self) -> StateView:
        """All that the agent knows and does."""
        state = self._journal.state
        return StateView(
            agent_id=self.settings.agent_id,
            now=self._clock.now(),
            standalone=self.standalone,
            capturing=self._capture.is_ready,
            capture_restarts=self._capture.restarts,
            last_report_at=self._reporter.last_report_at,
            spool=view_spool(self.settings.spool_dir, state, self._uploads.pending),
            calls=view_calls(state, self.intake),
        )

    def stop(self) -> None:
        """Begin to seal everything and end."""
        self._stop.set()

    async def run(self, ready: asyncio.Event) -> None:
        """Resume what the journal says, then do what is announced and desired until `stop`.

        Args:
            ready: set once announcements may come.
        """
        raise_descriptor_limit()
        warn_of_small_buffers(str(self.settings.media_host))
        async with asyncio.TaskGroup() as group:
            self._group = group
            loops = [group.create_task(self._capture.run()), group.create_task(self._sealer.run())]
            await self.recorder.resume()
            reporting = group.create_task(self._reporter.run())
            ready.set()
            await self._stop.wait()
            reporting.cancel()
            await self._shut_down()
            for task in (*loops, *self._tasks):
                task.cancel()
        await self._close()

    async def _shut_down(self) -> None:
        try:
            async with asyncio.timeout(self.settings.shutdown_seconds):
                await self.recorder.shut_down()
                await self._reporter.report(obey=False)  # that all of it is sealed
        except TimeoutError:
            left = view_spool(self.settings.spool_dir, self._journal.state, self._uploads.pending)
            _log.error("stopping with %d bytes in the spool, for the next start", left.bytes)

    async def _close(self) -> None:
        self._pokes.close()
        self._uploads.close()
        if self._control_plane is not None:
            await self._control_plane.close()
        self._journal.close()
        self._lock.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _lock(folder: Path) -> IO[str]:
    lock = (folder / "agent.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise Conflict(f"{folder}: another agent runs on this spool") from error
    return lock


def _clock(journal: Journal, settings: Settings) -> Clock:
    """The clock the spool was begun with."""
    if not journal.state.epoch_ns:
        found = spool.numbers(settings.spool_dir)  # of a journal that is gone
        journal.write(
            ClockFixed(
                epoch_ns=time.time_ns(),
                speed=settings.clock_speed,
                first_segment=max(found, default=0) + 1,
            )
        )
    clock = Clock(journal.state.epoch_ns, journal.state.speed)
    if clock.speed != settings.clock_speed:
        raise Conflict(
            f"{settings.spool_dir} was begun at clock speed {clock.speed}, "
            f"not {settings.clock_speed}: use another folder"
        )
    return clock


def _control_plane(settings: Settings) -> ControlPlane | None:
    if settings.api_url is None:
        return None
    token = settings.agent_token.get_secret_value()
    return ControlPlane(settings.api_url, settings.agent_id, settings.api_key, token)
