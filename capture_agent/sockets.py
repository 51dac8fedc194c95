"""UDP sockets for media, and the ports they take."""

from __future__ import annotations

import logging
import resource
import socket
from collections.abc import Iterator
from errno import EADDRINUSE

from isotrack.recording.errors import Transient

SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
"""Options of `asm-generic/socket.h` that the socket module has no names for."""

RECEIVE_BUFFER_BYTES = 4 << 20
"""Asked for per socket: about 14 s of a video track. The kernel doubles it for its bookkeeping."""

_SMALL_BUFFER_BYTES = 1 << 20

_log = logging.getLogger(__name__)


def open_media_socket(host: str, port: int) -> socket.socket:
    """A UDP socket that stamps arrivals in the kernel and counts what its buffer had no room for.

    Raises:
        OSError: the port is taken, or the host is not an address of this machine.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        _enlarge_buffer(opened)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def _enlarge_buffer(opened: socket.socket) -> None:
    try:
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except PermissionError:  # needs CAP_NET_ADMIN; without, net.core.rmem_max is the limit
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


def warn_of_small_buffers(host: str) -> None:
    """Say in the log when this machine keeps receive buffers too small for media."""
    with open_media_socket(host, 0) as probe:
        size = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    if size < _SMALL_BUFFER_BYTES:
        _log.warning(
            "receive buffers are %d bytes: raise net.core.rmem_max to %d or packets get lost",
            size,
            RECEIVE_BUFFER_BYTES,
        )


def raise_descriptor_limit() -> None:
    """Allow as many open sockets as the machine lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class MediaPorts:
    """The media port range, given out in pairs: RTP on the even port, RTCP on the odd one above.

    Pairs are taken in turn (RFC 3550 section 11), so that a port rests long before its next track
    and does not get the last packets of the one before.
    """

    def __init__(self, host: str, ports: range) -> None:
        self.host = host
        self.ports = ports
        first = ports.start + ports.start % 2
        self._pairs = range(first, ports.stop - 1, 2)
        self._next = 0

    def row(self, port: int) -> int:
        """The place of a port in the range, and in the table of counters."""
        return self.ports.index(port)

    def open_pair(self, *, rtcp_mux: bool) -> tuple[socket.socket, socket.socket | None]:
        """An RTP socket and, unless multiplexed, an RTCP socket on free ports.

        Raises:
            Transient: every port of the range is taken.
        """
        for port in self._in_turn():
            try:
                return self.open(port, None if rtcp_mux else port + 1)
            except OSError as error:
                if error.errno != EADDRINUSE:
                    raise
        raise Transient(f"no port is free in {self.ports.start}-{self.ports.stop - 1}")

    def open(
        self, rtp_port: int, rtcp_port: int | None
    ) -> tuple[socket.socket, socket.socket | None]:
        """Sockets on just these ports.

        Raises:
            OSError: one of them is taken.
        """
        rtp = open_media_socket(self.host, rtp_port)
        if rtcp_port is None:
            return rtp, None
        try:
            return rtp, open_media_socket(self.host, rtcp_port)
        except OSError:
            rtp.close()
            raise

    def _in_turn(self) -> Iterator[int]:
        for _ in self._pairs:
            port = self._pairs[self._next]
            self._next = (self._next + 1) % len(self._pairs)
            yield port
