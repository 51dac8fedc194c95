"""The media ports in use: whose they are, which take what arrives belongs to, what was counted."""

from __future__ import annotations

import logging
import secrets
import socket
from typing import NamedTuple, Protocol

import numpy as np

from capture_agent.announcements import Feedback
from capture_agent.counters import Counters
from capture_agent.sockets import MediaPorts
from capture_agent.state import Ports
from isotrack.rtp.rtcp import picture_loss_indication

_log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Who reads the sockets: `supervisor.CaptureProcess`."""

    def open(self, row: int, opened: socket.socket, take: int = 0) -> None:
        """Receive from a socket, which is theirs from now on."""

    def record(self, row: int, take: int) -> None:
        """Say which take belongs to what arrives at a port from now on; 0 for none."""

    def close(self, row: int) -> None:
        """Receive from a socket no more."""


class PortCounters(NamedTuple):
    """What arrived at the ports of a track since they were opened."""

    packets: int
    bytes: int
    drained: int
    """Packets that came while nothing was recorded."""
    lost: int
    """Packets that the spool's disk had no room for."""
    kernel_drops: int
    """Packets that the socket's buffer had no room for."""


class Intake:
    """Opens and closes the ports of tracks."""

    def __init__(self, media: MediaPorts, counters: Counters, receiver: Receiver) -> None:
        self._media = media
        self._counters = counters
        self._receiver = receiver
        self._feedback: dict[Ports, socket.socket] = {}
        self._takes: dict[Ports, int] = {}
        self._sender_ssrc = secrets.randbits(32)

    @property
    def host(self) -> str:
        """The address of all ports."""
        return self._media.host

    def bind(self, *, rtcp_mux: bool) -> Ports:
        """Open ports that are free.

        Raises:
            Transient: there is none.
        """
        return self._adopt(*self._media.open_pair(rtcp_mux=rtcp_mux))

    def rebind(self, ports: Ports) -> None:
        """Open just these ports again.

        Raises:
            OSError: somebody else has one of them.
        """
        self._adopt(*self._media.open(ports.rtp, ports.rtcp))

    def record(self, ports: Ports, take: int) -> None:
        """Say which take belongs to what arrives from now on; 0 for none."""
        self._takes[ports] = take
        for row in self._rows(ports):
            self._receiver.record(row, take)

    def is_recorded(self, ports: Ports) -> bool:
        """Whether what arrives belongs to a take."""
        return self._takes.get(ports, 0) != 0

    def release(self, takes: set[int]) -> None:
        """Record nothing more for these takes, wherever they are received."""
        for ports in [ports for ports, take in self._takes.items() if take in takes]:
            self.record(ports, 0)

    def close(self, ports: Ports) -> None:
        """Close ports, if they are open."""
        if self._takes.pop(ports, None) is not None:
            del self._feedback[ports]
            for row in self._rows(ports):
                self._receiver.close(row)

    def ask_for_keyframe(self, ports: Ports, to: Feedback, media_ssrc: int) -> None:
        """Send a picture loss indication from the port that RTCP is received on."""
        packet = picture_loss_indication(self._sender_ssrc, media_ssrc)
        try:
            self._feedback[ports].sendto(packet, (to.host, to.port))
        except OSError as error:
            _log.warning("no keyframe asked for at %s:%d: %s", to.host, to.port, error)

    def count(self, ports: Ports) -> PortCounters:
        """What arrived; zeros when the ports are closed."""
        rows = self._counters.rows[self._rows(ports) if ports in self._takes else []]
        return PortCounters(*(int(np.sum(rows[name])) for name in PortCounters._fields))

    def _adopt(self, rtp: socket.socket, rtcp: socket.socket | None) -> Ports:
        ports = Ports(rtp=rtp.getsockname()[1], rtcp=rtcp.getsockname()[1] if rtcp else None)
        self._takes[ports] = 0
        self._feedback[ports] = rtcp or rtp
        for row, opened in zip(self._rows(ports), (rtp, rtcp), strict=False):
            if opened is not None:
                self._counters.clear(row)
                self._receiver.open(row, opened)
        return ports

    def _rows(self, ports: Ports) -> list[int]:
        return [self._media.row(p) for p in (ports.rtp, ports.rtcp) if p is not None]
