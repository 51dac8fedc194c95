"""The capture process as the agent sees it: told what to do, and started again when it dies."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from capture_agent.counters import Counters

MAX_DELAY_SECONDS = 5.0
_HEALTHY_SECONDS = 10.0
_MESSAGE_BYTES = 65536

_log = logging.getLogger(__name__)


class _Port(NamedTuple):
    socket: socket.socket
    take: int


class _Message(NamedTuple):
    text: bytes
    passing: socket.socket | None
    """Goes with the message."""
    closing: socket.socket | None
    """Is closed once the message is gone: until then messages before it may pass it."""

    def descriptors(self) -> list[int]:
        return [] if self.passing is None else [self.passing.fileno()]

    def sent(self) -> None:
        if self.closing is not None:
            self.closing.close()


class CaptureProcess:
    """Keeps a capture process running and its sockets open.

    What it was told is remembered here and told again to the next one, with the same sockets: they
    keep what arrives while there is no process to read it.
    """

    def __init__(
        self,
        folder: Path,
        counters: Counters,
        segment_seconds: float,
        first_segment: int,
        closed: Callable[[int], Awaitable[None]],
    ) -> None:
        self._folder = folder
        self._counters = counters
        self._segment_seconds = segment_seconds
        self._tell_closed = closed
        self._rows: dict[int, _Port] = {}
        self._channel: socket.socket
        self._outbox: deque[_Message] = deque()
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._last_id = 0
        self._ready = asyncio.Event()
        self._quitting = False
        self._ended = asyncio.Event()
        self.segment = first_segment
        """The segment that is written to, or an earlier one."""
        self.restarts = 0

    @property
    def is_ready(self) -> bool:
        """Whether there is a process that receives."""
        return self._ready.is_set()

    def open(self, row: int, opened: socket.socket, take: int = 0) -> None:
        """Receive from a socket, which is ours from now on."""
        self._rows[row] = _Port(opened, take)
        self._send({"do": "open", "row": row, "take": take}, passing=opened)

    def record(self, row: int, take: int) -> None:
        """Say which take belongs to what arrives at a port from now on; 0 for none."""
        self._rows[row] = _Port(self._rows[row].socket, take)
        self._send({"do": "record", "row": row, "take": take})

    def close(self, row: int) -> None:
        """Receive from a socket no more."""
        self._send({"do": "close", "row": row}, closing=self._rows.pop(row).socket)

    async def rotate(self) -> int:
        """Close the current segment: the last segment with anything received before this call."""
        while not self._quitting:
            await self._ready.wait()
            answer = asyncio.get_running_loop().create_future()
            self._last_id += 1
            self._waiting[self._last_id] = answer
            self._send({"do": "rotate", "id": self._last_id})
            try:
                return int(await answer)
            except ConnectionError:  # it died, and its segment ended with it
                continue
        await self._ended.wait()
        return self.segment - 1

    async def quit(self) -> None:
        """Let it write what it received, and end; every segment is closed then."""
        self._quitting = True
        self._send({"do": "quit"})
        await self._ended.wait()

    async def run(self) -> None:
        """Keep a capture process running until told to quit."""
        delay = 0.0
        while not self._quitting:
            started = asyncio.get_running_loop().time()
            status = await self._run_once()
            if self._quitting:
                break
            lasted = asyncio.get_running_loop().time() - started
            delay = 0.0 if lasted > _HEALTHY_SECONDS else min(2 * delay + 0.1, MAX_DELAY_SECONDS)
            self.restarts += 1
            _log.error("the capture process ended with %d; starting it again", status)
            await asyncio.sleep(delay)
        await self._tell_closed(self.segment - 1)
        self._ended.set()

    async def _run_once(self) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = await self._spawn(theirs)
        try:
            self._channel = ours
            await self._listen(ours)
        finally:
            self._disconnect(ours)
            status = await process.wait()  # it ends by itself, as its channel is closed
        return status

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        given = {
            "channel": theirs.fileno(),
            "counters": self._counters.descriptor,
            "spool": self._folder,
            "first-segment": self.segment,
            "segment-seconds": self._segment_seconds,
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "capture_agent.capture",
            *(f"--{name}={value}" for name, value in given.items()),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), self._counters.descriptor),
        )

    async def _listen(self, channel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                message = await loop.sock_recv(channel, _MESSAGE_BYTES)
            except ConnectionResetError:
                return
            if not message:
                return
            said = json.loads(message)
            if not self._ready.is_set():
                self._catch_up()
            self.segment = said["current"]
            await self._tell_closed(said["closed"])
            answered = self._waiting.pop(said.get("id", 0), None)
            if answered is not None and not answered.done():
                answered.set_result(said["closed"])

    def _catch_up(self) -> None:
        """Tell a new process all that the one before it knew."""
        self._ready.set()
        for row, port in self._rows.items():
            self._send({"do": "open", "row": row, "take": port.take}, passing=port.socket)
        if self._quitting:
            self._send({"do": "quit"})

    def _disconnect(self, channel: socket.socket) -> None:
        asyncio.get_running_loop().remove_writer(channel)
        channel.close()
        self._ready.clear()
        for message in self._outbox:
            message.sent()
        self._outbox.clear()
        self.segment += 1  # whatever it wrote to is closed
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the capture process is gone"))
        self._waiting.clear()

    def _send(
        self,
        command: dict[str, int | str],
        *,
        passing: socket.socket | None = None,
        closing: socket.socket | None = None,
    ) -> None:
        """Send a command, or drop it while there is no process: the next one learns all anyhow."""
        message = _Message(json.dumps(command).encode(), passing, closing)
        if not self._ready.is_set():
            message.sent()
            return
        self._outbox.append(message)
        if len(self._outbox) == 1:
            self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._outbox:
            message = self._outbox[0]
            try:
                socket.send_fds(self._channel, [message.text], message.descriptors())
            except BlockingIOError:
                loop.add_writer(self._channel, self._flush)
                return
            except (BrokenPipeError, ConnectionResetError):
                break  # `_listen` finds out, and `_disconnect` clears up
            self._outbox.popleft().sent()
        loop.remove_writer(self._channel)
