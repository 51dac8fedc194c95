"""The capture process: receives from the media sockets, appends to the spool, does nothing else.

It is a process of its own since no thread may compete with it for Python's lock: sealing and
uploading beside it in one process cost gaps of seconds, and packets. It is told what to do over a
socket of JSON messages (SOCK_SEQPACKET):

    {"do": "open", "row": 4, "take": 0}    a media socket comes with the message
    {"do": "record", "row": 4, "take": 7}  into which take what arrives goes; 0: into none
    {"do": "close", "row": 4}
    {"do": "rotate", "id": 4}              close the current segment now, and answer with the id
    {"do": "quit"}

It says `{"closed", "current"}`, the last closed segment and the current one, when receiving begins
and when a segment is closed. A message takes effect after
everything that had arrived before it is in the log.

The sockets are the agent's: it keeps them open, so that they gather packets while this process is
started again. When the agent dies its end of the socket closes; then the rest is written and this
process ends. A restarted agent goes on with what is in the spool.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import select
import signal
import socket
import struct
import time
from pathlib import Path

from capture_agent.counters import Counters
from capture_agent.receive import SLOTS, Slab
from capture_agent.segments import SegmentWriter
from capture_agent.sockets import raise_descriptor_limit
from capture_agent.spool import numbers

TICK_SECONDS = 0.02
"""Time between looks at the sockets: a wake-up per packet costs up to three times the processor."""

_WRITE_PACKETS = 256
_WRITE_SECONDS = 0.06
"""Received packets are written once there are so many, or so old."""

_NEARLY_FULL = SLOTS - 64
_TURNS = 8
"""Slabs one socket may fill per tick, so that a flood on one keeps no other waiting."""

_MESSAGE_BYTES = 65536
_DESCRIPTOR = struct.Struct("=i")


class Capture:
    """The state of the capture process."""

    def __init__(self, channel: socket.socket, slab: Slab, log: SegmentWriter) -> None:
        self._channel = channel
        self._slab = slab
        self._log = log
        self._sockets: dict[int, socket.socket] = {}
        self._rows: dict[int, int] = {}
        self._epoll = select.epoll()
        self._oldest = 0.0
        self._running = True
        self._verbs = {
            "open": self._open,
            "record": self._record,
            "close": self._close,
            "rotate": self._rotate,
            "quit": self._quit,
        }

    def run(self) -> None:
        """Receive until told to quit, or until the agent is gone."""
        self._say()
        while self._running:
            tick = time.monotonic()
            self._receive()
            self._write_if_due(tick)
            if self._log.due():
                self._write()
                self._log.rotate()
                self._say()
            self._obey()
            time.sleep(max(0.0, tick + TICK_SECONDS - time.monotonic()))
        self._receive()
        self._write()
        self._log.rotate()
        self._say()

    def _receive(self) -> None:
        was_empty = not self._slab.filled
        for descriptor, _ in self._epoll.poll(0, 4096):
            row = self._rows[descriptor]
            for _ in range(_TURNS):
                if self._slab.receive(descriptor, row):
                    break
                self._write()
            if self._slab.filled >= _NEARLY_FULL:
                self._write()
        if was_empty:
            self._oldest = time.monotonic()

    def _write_if_due(self, now: float) -> None:
        if self._slab.filled >= _WRITE_PACKETS or now - self._oldest >= _WRITE_SECONDS:
            self._write()

    def _write(self) -> None:
        self._slab.write(self._log)

    def _obey(self) -> None:
        """Do what was asked for since the last tick."""
        while self._running:
            try:
                message, ancillary, *_ = self._channel.recvmsg(
                    _MESSAGE_BYTES, socket.CMSG_SPACE(_DESCRIPTOR.size), socket.MSG_DONTWAIT
                )
            except BlockingIOError:
                return
            if not message:
                self._running = False
                return
            self._receive()
            self._write()
            command = json.loads(message)
            passed = [_DESCRIPTOR.unpack(data)[0] for *_, data in ancillary]
            self._verbs[command["do"]](command, passed)

    def _open(self, command: dict[str, int], descriptors: list[int]) -> None:
        row, (descriptor,) = command["row"], descriptors
        self._sockets[row] = socket.socket(fileno=descriptor)
        self._rows[descriptor] = row
        self._slab.record(row, command["take"])
        self._epoll.register(descriptor, select.EPOLLIN)

    def _record(self, command: dict[str, int], _descriptors: list[int]) -> None:
        self._slab.record(command["row"], command["take"])

    def _close(self, command: dict[str, int], _descriptors: list[int]) -> None:
        closing = self._sockets.pop(command["row"])
        self._epoll.unregister(closing)
        del self._rows[closing.fileno()]
        self._slab.record(command["row"], 0)
        closing.close()

    def _rotate(self, command: dict[str, int], _descriptors: list[int]) -> None:
        self._log.rotate()
        self._say(command["id"])

    def _quit(self, _command: dict[str, int], _descriptors: list[int]) -> None:
        self._running = False

    def _say(self, answer_to: int | None = None) -> None:
        message = {"closed": self._log.current - 1, "current": self._log.current}
        if answer_to is not None:
            message["id"] = answer_to
        try:
            self._channel.send(json.dumps(message).encode())
        except (BrokenPipeError, ConnectionResetError):
            self._running = False


def main() -> None:
    """Run as the capture process of an agent, which gives the descriptors."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--channel", type=int, required=True)
    arguments.add_argument("--counters", type=int, required=True)
    arguments.add_argument("--spool", type=Path, required=True)
    arguments.add_argument("--first-segment", type=int, required=True)
    arguments.add_argument("--segment-seconds", type=float, required=True)
    given = arguments.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the agent, which then says `quit`
    raise_descriptor_limit()
    with (given.spool / "capture.lock").open("w") as lock:
        # The one before may still be writing the rest of what it received.
        fcntl.flock(lock, fcntl.LOCK_EX)
        channel = socket.socket(fileno=given.channel)
        first = max([given.first_segment, *(number + 1 for number in numbers(given.spool))])
        log = SegmentWriter(given.spool, first, given.segment_seconds)
        Capture(channel, Slab(Counters(given.counters)), log).run()


if __name__ == "__main__":
    main()
