"""One WebSocket connection on a blocking socket; `websockets` speaks the protocol (RFC 6455).

Quotas: API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API".
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol

IDLE_SECONDS = 600.0
LIFETIME_SECONDS = 7200.0
MESSAGE_LIMIT = 128 * 1024
FRAME_LIMIT = 32 * 1024
CLOSE_SECONDS = 5.0  # for the other side to say that it closes, too
SEND_SECONDS = 5.0  # to one that does not read
READ_BYTES = 64 * 1024


class Closed(Exception):
    """The connection is closed, or about to be."""


def new_protocol() -> ServerProtocol:
    """The server's side of a connection, with the limits that API Gateway has."""
    return ServerProtocol(max_size=(MESSAGE_LIMIT, FRAME_LIMIT))


class WebSocketConnection:
    """A socket whose opening request has been read: answered, then read by one thread.

    Any thread may send or close meanwhile.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: ServerProtocol,
        *,
        idle_seconds: float = IDLE_SECONDS,
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> None:
        sock.settimeout(SEND_SECONDS)
        self._socket = sock
        self._protocol = protocol
        self._lock = threading.Lock()
        self._active = time.monotonic()
        self._idle_seconds = idle_seconds
        self._end = self._active + lifetime_seconds
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)

    def answer(self, response: Response) -> bool:
        """Answer the opening request; whether the connection is open now."""
        with self._lock:
            self._protocol.send_response(response)
            self._flush()
            return self._protocol.state is State.OPEN

    def messages(self) -> Iterator[str]:
        """The text messages that come, until the connection is closed, by whomever."""
        parts: list[bytes] = []
        while self._protocol.state is not State.CLOSED:
            for frame in self._receive():
                if frame.opcode is Opcode.BINARY:
                    self.close(CloseCode.UNSUPPORTED_DATA, "binary frames are not supported")
                elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
                    parts.append(bytes(frame.data))
                    if frame.fin and (text := self._decode(b"".join(parts))) is not None:
                        yield text
                    if frame.fin:
                        parts.clear()

    def send(self, text: bytes) -> None:
        """Send a text message in frames of the size that API Gateway uses. Raises Closed."""
        with self._lock:
            try:
                first, rest = text[:FRAME_LIMIT], text[FRAME_LIMIT:]
                self._protocol.send_text(first, fin=not rest)
                while rest:
                    part, rest = rest[:FRAME_LIMIT], rest[FRAME_LIMIT:]
                    self._protocol.send_continuation(part, fin=not rest)
            except InvalidState as error:
                raise Closed from error
            if not self._flush():
                raise Closed

    def close(self, code: int, reason: str = "") -> None:
        """Begin to close; the thread that reads ends when the other side agrees, or is silent."""
        with self._lock, contextlib.suppress(InvalidState):  # it is closing already
            self._protocol.send_close(code, reason)
            self._flush()

    def abandon(self) -> None:
        """Let go of the socket at once, which ends the thread that reads."""
        with contextlib.suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def close_code(self) -> int:
        """Why it was closed, as `$disconnect` says it."""
        return self._protocol.close_code or CloseCode.ABNORMAL_CLOSURE

    @property
    def close_reason(self) -> str:
        """Why it was closed, in words, if there were any."""
        return self._protocol.close_reason or ""

    def _receive(self) -> list[Frame]:
        """The frames that come next; none when the time is over, which closes the connection."""
        with self._lock:
            closing = self._protocol.close_expected()
        patience = CLOSE_SECONDS if closing else self._patience()
        if patience > 0 and self._readable.poll(patience * 1000):
            return self._read()
        if closing:
            self.abandon()
            return self._read()
        if self._patience() <= 0:
            self.close(CloseCode.GOING_AWAY, "Going away")
        return []

    def _patience(self) -> float:
        """Seconds until the connection is closed for being idle, or for being old."""
        return min(self._active + self._idle_seconds, self._end) - time.monotonic()

    def _read(self) -> list[Frame]:
        try:
            received = self._socket.recv(READ_BYTES)
        except OSError:
            received = b""
        with self._lock:
            if received:
                self._active = time.monotonic()
                self._protocol.receive_data(received)
            else:
                self._protocol.receive_eof()
            frames = [each for each in self._protocol.events_received() if isinstance(each, Frame)]
            self._flush()
        return frames

    def _decode(self, text: bytes) -> str | None:
        try:
            return text.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_DATA)
            return None

    def _flush(self) -> bool:
        """Put on the wire what the protocol has to say; whether it could be."""
        try:
            for block in self._protocol.data_to_send():
                if block:
                    self._socket.sendall(block)
                    self._active = time.monotonic()
                else:
                    self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.abandon()
            return False
        return True
