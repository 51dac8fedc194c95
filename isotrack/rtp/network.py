"""From frames to datagrams: the link layer, IP and UDP taken off, a batch of frames at once."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.datagrams import Datagrams, Flow, no_datagrams, select_media
from isotrack.rtp.datagrams import datagrams as datagrams_of
from isotrack.rtp.fragments import Fragment, Reassembly
from isotrack.rtp.gather import gather
from isotrack.rtp.internet import IP4, Headers, number_at, read_headers
from isotrack.rtp.link import find_internet
from isotrack.rtp.tcp import Segment, TcpStreams

UDP, TCP = 17, 6
_UDP_HEADER, _TCP_HEADER = 8, 20


class FrameRow(NamedTuple):
    """A captured frame: where it stands in the bytes it was read from."""

    offset: int
    length: int
    """Bytes captured."""
    arrival_us: int
    link_type: int
    cut: bool
    """The frame was longer than what was captured of it."""


class _Payloads(NamedTuple):
    """What IP packets carry: columns."""

    row: NDArray[np.int64]
    """The frame each one came in."""
    offset: NDArray[np.int64]
    end: NDArray[np.int64]
    protocol: NDArray[np.int64]
    address: NDArray[np.uint8]
    """[n, 33] IP version, source and destination."""


class Network:
    """Finds the datagrams in frames; knows the flows met and the pieces that wait for others."""

    def __init__(self) -> None:
        self.flows: list[Flow] = []
        self.skipped: Counter[str] = Counter()
        self._flow_numbers: dict[bytes, int] = {}
        self._fragments = Reassembly(self.skipped)
        self._streams = TcpStreams(self.skipped)

    def read(self, data: bytes, rows: Sequence[FrameRow]) -> Datagrams:
        """The datagrams of frames that stand in `data`."""
        if not rows:
            return no_datagrams()
        frames = np.array(rows, np.int64)
        arrival_us = frames[:, 2]
        buffer, whole = self._payloads(np.frombuffer(data, np.uint8), frames)
        datagrams = self._udp(buffer, whole, arrival_us)
        return self._with_streams(datagrams, buffer, whole, arrival_us)

    def _payloads(
        self, buffer: NDArray[np.uint8], frames: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], _Payloads]:
        """The payloads of IP packets; those that came in fragments stand behind the buffer."""
        end = frames[:, 0] + frames[:, 1]
        found = find_internet(buffer, frames[:, 0], end, frames[:, 3])
        self.skipped["not_ip"] += int((found < 0).sum())
        row = np.flatnonzero(found >= 0)
        headers, sound = read_headers(buffer, found[row], end[row])
        self.skipped["malformed"] += int((~sound).sum())
        # Half a payload is no media: a packet that a snaplen cut is a lost one.
        cut = sound & (headers.end > end[row])
        short = cut & (frames[row, 4] == 0)
        self.skipped["cut"] += int((cut & ~short).sum())
        self.skipped["malformed"] += int(short.sum())
        sound &= ~cut
        row, headers = row[sound], headers.take(sound)
        whole = ~headers.fragment
        payloads = _Payloads(
            row[whole],
            headers.payload[whole],
            headers.end[whole],
            headers.protocol[whole],
            headers.address[whole],
        )
        if whole.all():
            return buffer, payloads
        pieces = np.flatnonzero(headers.fragment)
        return self._join(buffer, payloads, headers, row, pieces, frames[:, 2])

    def _join(
        self,
        buffer: NDArray[np.uint8],
        payloads: _Payloads,
        headers: Headers,
        row: NDArray[np.int64],
        pieces: NDArray[np.int64],
        arrival_us: NDArray[np.int64],
    ) -> tuple[NDArray[np.uint8], _Payloads]:
        """The payloads, with those among them whose last fragment is here."""
        joined: list[bytes] = []
        rows: list[tuple[int, int, int, int]] = []
        address: list[NDArray[np.uint8]] = []
        at = buffer.size
        for i in pieces.tolist():
            piece = Fragment(
                headers.address[i].tobytes() + bytes([int(headers.protocol[i])]),
                int(headers.identifier[i]),
                int(headers.position[i]),
                bool(headers.more[i]),
                buffer[headers.payload[i] : headers.end[i]].tobytes(),
            )
            body = self._fragments.push(piece, int(arrival_us[row[i]]))
            if body is not None:
                rows.append((int(row[i]), at, at + len(body), int(headers.protocol[i])))
                address.append(headers.address[i])
                joined.append(body)
                at += len(body)
        if not rows:
            return buffer, payloads
        more = np.array(rows, np.int64).T
        columns = [np.concatenate(pair) for pair in zip(payloads[:4], more, strict=True)]
        addresses = np.concatenate((payloads.address, np.stack(address)))
        order = np.argsort(columns[0], kind="stable")
        frame, begin, end, protocol = (column[order] for column in columns)
        both = _Payloads(frame, begin, end, protocol, addresses[order])
        return np.concatenate((buffer, np.frombuffer(b"".join(joined), np.uint8))), both

    def _udp(
        self,
        buffer: NDArray[np.uint8],
        payloads: _Payloads,
        arrival_us: NDArray[np.int64],
    ) -> Datagrams:
        is_udp = payloads.protocol == UDP
        self.skipped["other_transport"] += int((~is_udp & (payloads.protocol != TCP)).sum())
        sound = is_udp & (payloads.end - payloads.offset >= _UDP_HEADER)
        at = payloads.offset[sound]
        length = number_at(buffer, at + 4, 2)
        limit = payloads.end[sound]
        length = np.where(length == 0, limit - at, length)  # a segment offload leaves it empty
        fits = (length >= _UDP_HEADER) & (at + length <= limit)
        rows = np.flatnonzero(sound)[fits]
        self.skipped["malformed"] += int(is_udp.sum()) - rows.size
        at, length = at[fits] + _UDP_HEADER, length[fits] - _UDP_HEADER
        media, is_rtcp = select_media(buffer, at, length, self.skipped)
        at, length, rows = at[media], length[media], rows[media]
        ports = gather(buffer, at - _UDP_HEADER, 4)
        flow = self._number_flows(payloads.address[rows], ports, "udp")
        return Datagrams(buffer, at, length, arrival_us[payloads.row[rows]], flow, is_rtcp)

    def _with_streams(
        self,
        datagrams: Datagrams,
        buffer: NDArray[np.uint8],
        payloads: _Payloads,
        arrival_us: NDArray[np.int64],
    ) -> Datagrams:
        """The datagrams, and behind them those that came framed in TCP (RFC 4571)."""
        long_enough = payloads.end - payloads.offset >= _TCP_HEADER
        rows = np.flatnonzero((payloads.protocol == TCP) & long_enough)
        if not rows.size:
            return datagrams
        ports = gather(buffer, payloads.offset[rows], 4)
        bodies: list[bytes] = []
        found: list[tuple[int, int, int, int]] = []
        at = buffer.size
        for i, ends in zip(rows.tolist(), ports, strict=True):
            key = payloads.address[i].tobytes() + ends.tobytes()
            segment = Segment.read(buffer[payloads.offset[i] : payloads.end[i]].tobytes())
            for body in self._streams.push(key, segment):
                flow = self._number(key, "tcp")
                found.append((at, len(body), int(arrival_us[payloads.row[i]]), flow))
                bodies.append(body)
                at += len(body)
        if not found:
            return datagrams
        longer = np.concatenate((buffer, np.frombuffer(b"".join(bodies), np.uint8)))
        framed = datagrams_of(longer, found, self.skipped)
        pairs: Any = zip(datagrams[1:], framed[1:], strict=True)
        columns = [np.concatenate(pair) for pair in pairs]
        order = np.argsort(columns[2], kind="stable")
        return Datagrams(longer, *(column[order] for column in columns))

    def _number_flows(
        self, address: NDArray[np.uint8], ports: NDArray[np.uint8], transport: str
    ) -> NDArray[np.int64]:
        """The number of each packet's flow."""
        key = np.ascontiguousarray(np.concatenate((address, ports), axis=1))
        distinct, inverse = np.unique(key.view(f"V{key.shape[1]}")[:, 0], return_inverse=True)
        numbers = [self._number(one.tobytes(), transport) for one in distinct]
        return np.array(numbers, np.int64)[inverse.reshape(-1)]

    def _number(self, key: bytes, transport: str) -> int:
        number = self._flow_numbers.get(transport.encode() + key)
        if number is None:
            number = self._flow_numbers[transport.encode() + key] = len(self.flows)
            self.flows.append(_flow(key, transport))
        return number


def _flow(key: bytes, transport: str) -> Flow:
    """A flow, from IP version, addresses and ports."""
    size = 4 if key[0] == IP4 else 16
    source, destination = (ipaddress.ip_address(key[at : at + size]) for at in (1, 17))
    ports = (int.from_bytes(key[at : at + 2], "big") for at in (33, 35))
    shown = [f"[{a}]" if size == 16 else f"{a}" for a in (source, destination)]
    ends = [f"{a}:{port}" for a, port in zip(shown, ports, strict=True)]
    return Flow(ends[0], ends[1], transport)
