"""The processes of a rehearsal: the capture agent, and one publisher for each participant."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from infra.local.demo.part import READY, Notice, Part
from infra.local.stack import ROOT, child_environment


class ChildFailed(Exception):
    """A process ended, or did not begin, as it should."""


_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class AgentProcess:
    """The capture agent on its own, as on an SFU host; what it logs goes to a file."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = {**child_environment(), **environment}
        self._log = log
        self._away = False
        self.control_url = ""
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "capture_agent"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is for us; the agent is told by us
            )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, args=(process, lines), daemon=True).start()
        try:
            self.control_url = json.loads(lines.get(timeout=_START_SECONDS))["control"]
        except (queue.Empty, ValueError, KeyError) as error:
            _end(process, signal.SIGKILL)
            raise ChildFailed(f"the capture agent did not start (see {self._log})") from error
        return process

    def _listen(self, process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        assert process.stdout is not None
        with process.stdout as stdout, self._log.open("a") as log:
            for line in stdout:
                lines.put(line)
                log.write(line)
        lines.put("")  # the end, in case the first line never came

    def check(self) -> None:
        """Raise ChildFailed when the agent is not there any more, and nobody killed it."""
        status = self._process.poll()
        if status is not None and not self._away:
            raise ChildFailed(f"the capture agent ended with status {status} (see {self._log})")

    def kill(self) -> None:
        """Take it away without a word (SIGKILL), with the processes that it started."""
        self._away = True
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Start it again after a kill, with the same spool and the same control port."""
        self._environment["ISOTRACK_CONTROL_PORT"] = str(urlsplit(self.control_url).port)
        self._process = self._start()
        self._away = False

    def stop(self) -> None:
        """Tell it to shut down, and wait until it has."""
        _end(self._process, signal.SIGTERM)


class PublisherProcess:
    """A participant's process: it gets ready at once, and plays when it is given its part."""

    def __init__(self, user_id: str, notices: queue.Queue[Notice], log: Path) -> None:
        self._user_id, self._notices, self._log = user_id, notices, log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.local.demo.publisher"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env={
                    **child_environment(),
                    "OPENBLAS_NUM_THREADS": "1",
                },  # no algebra, no idle spinning
                start_new_session=True,
            )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def wait_ready(self) -> None:
        """Return once it can begin without delay."""
        if not self._ready.wait(_START_SECONDS) and not self.done():
            raise ChildFailed(f"the publisher of {self._user_id} did not start (see {self._log})")
        self.done()

    def play(self, part: Part) -> None:
        """Hand over the part."""
        assert self._process.stdin is not None
        # A process that died while it got ready is found by `done`, with what it said.
        with suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(part.model_dump_json())

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                if line.strip() == READY:
                    self._ready.set()
                    continue
                try:
                    self._notices.put(Notice.model_validate_json(line))
                except ValidationError:
                    continue  # not ours: a library that prints
        self._ready.set()  # or never: `done` knows

    def done(self) -> bool:
        """Whether the part is played; raises ChildFailed when it ended badly."""
        status = self._process.poll()
        if status:
            said = self._log.read_text().strip().splitlines() or [f"status {status}"]
            raise ChildFailed(f"the publisher of {self._user_id} failed: {said[-1]}")
        return status is not None

    def stop(self) -> None:
        """End it, played or not."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        _end(self._process, signal.SIGKILL)
        self._thread.join()


def _end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
