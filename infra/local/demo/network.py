"""The way from a participant to the SFU: a UDP socket per track, and packets sent when due."""

from __future__ import annotations

import heapq
import itertools
import random
import socket
import threading
from collections.abc import Callable, Iterator

from infra.local.demo.clocks import CallClock
from infra.local.demo.scenario import Link
from isotrack.rtp import rtcp

LOCALHOST = "127.0.0.1"

_HELD_BACK_US = 30_000  # more than the 20 ms of a sound packet
_MAX_DATAGRAM = 65_535

Address = tuple[str, int]


class Line:
    """One track's socket; where it sends to may change when the agent was restarted."""

    def __init__(self, link: Link, *, seed: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOCALHOST, 0))
        self._socket.setblocking(False)
        self._rtp: Address | None = None
        self._rtcp: Address | None = None
        self._link = link
        self._chance = random.Random(seed)
        self.packets_sent = 0

    @property
    def port(self) -> int:
        """Where feedback (RTCP of the SFU) comes to."""
        return int(self._socket.getsockname()[1])

    def point(self, *, rtp: Address, rtcp: Address) -> None:
        """Send to these addresses from now on."""
        self._rtp, self._rtcp = rtp, rtcp

    def arrivals(self, packets: list[bytes], sent_us: int) -> Iterator[tuple[int, bytes]]:
        """The packets that the link does not lose, each with the time at which it arrives."""
        for packet in packets:
            if self._chance.random() < self._link.loss:
                continue
            held_back = self._chance.random() < self._link.reorder
            yield self.arrival_us(sent_us) + held_back * _HELD_BACK_US, packet

    def arrival_us(self, sent_us: int) -> int:
        """When something sent then arrives, if nothing holds it back."""
        return sent_us + self._link.delay_ms * 1_000

    def send_rtp(self, packet: bytes) -> None:
        """Hand a packet to the agent."""
        if self._rtp is not None:
            self._socket.sendto(packet, self._rtp)
            self.packets_sent += 1

    def send_rtcp(self, packet: bytes) -> None:
        """Hand a report to the agent."""
        if self._rtcp is not None:
            self._socket.sendto(packet, self._rtcp)

    def keyframe_wanted(self) -> bool:
        """Whether a picture loss indication (RFC 4585, section 6.3.1) came since last asked."""
        wanted = False
        while True:
            try:
                packet = self._socket.recv(_MAX_DATAGRAM)
            except BlockingIOError:
                return wanted
            wanted = wanted or rtcp.is_picture_loss_indication(packet)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class Pacer:
    """Does each thing when it is due on the call's clock, in a thread of its own.

    What is due is made ahead of time, so that encoding a large picture delays no other packet.
    """

    def __init__(self, clock: CallClock) -> None:
        self._clock = clock
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._finished = False
        self._thread = threading.Thread(target=self._run, name="pacer", daemon=True)
        self.latest_ms = 0
        """How late the latest of all was, in real milliseconds."""
        self._thread.start()

    def at(self, call_us: int, act: Callable[[], object]) -> None:
        """Do this at that time of the call; things due together happen in the order given."""
        with self._changed:
            heapq.heappush(self._due, (call_us, next(self._order), act))
            self._changed.notify()

    def finish(self) -> None:
        """Return when everything has been done."""
        with self._changed:
            self._finished = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            call_us, act = due
            self.latest_ms = max(self.latest_ms, self._clock.late_ms(call_us))
            act()

    def _next(self) -> tuple[int, Callable[[], object]] | None:
        """Wait for the earliest thing to be due; something earlier may come in while waiting."""
        with self._changed:
            while self._due or not self._finished:
                wait_s = self._clock.seconds_until(self._due[0][0]) if self._due else None
                if wait_s is not None and wait_s <= 0:
                    call_us, _, act = heapq.heappop(self._due)
                    return call_us, act
                self._changed.wait(wait_s)
            return None
