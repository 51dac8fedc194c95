"""Forward error correction: lost packets of a stream computed from those that came and from parity.

A packet recovered lets other FEC packets recover more, so what each FEC packet lacks is taken out
of it as it comes, until nothing more is found. Nothing is computed where nothing is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.bit_strings import bit_strings, packet_of
from isotrack.rtp.fec_packets import FecPackets, Level
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.parity import Parity
from isotrack.rtp.records import Records, read_headers

WINDOW_PACKETS = 256
"""A FEC packet protects media at most so many packets away: twice what a mask can hold, and far
from where sequence numbers come again (edge case 177)."""

WINDOW_US = 2_000_000
"""A FEC packet waits no longer than this for what it lacks."""

MAX_WAITING = 128
"""FEC packets that wait at a time."""

MAX_BLOCK = 8192
"""Packets to be given at once: fewer than there are sequence numbers."""

_ABSENT = -(1 << 40)
_HEADROOM = bytes(40)  # before each packet: its payload's surroundings may be overwritten


class _Known(NamedTuple):
    """A packet as it was sent."""

    position: int
    bits: bytes
    arrival_us: int


class _Recovered(NamedTuple):
    sequence_number: int
    packet: bytes
    known: _Known


class FecDecoder:
    """Recovers the packets of one SSRC.

    Memory is bounded: the last `WINDOW_PACKETS` packets and `MAX_WAITING` FEC packets.

    Args:
        ssrc: of the media.
        media_payload_types: what media may be; nothing else is believed to be recovered.
        mutable: header extensions that parity is not computed over (`mutable_elements`).
    """

    def __init__(
        self, ssrc: int, media_payload_types: Sequence[int], mutable: Mapping[int, int]
    ) -> None:
        self._ssrc = ssrc
        self._is_media = np.zeros(128, np.bool_)
        self._is_media[list(media_payload_types)] = True
        self._mutable = mutable
        self._passed = 0  # packets of media that came before those at hand
        self._window: dict[int, _Known] = {}
        self._restored: dict[int, int] = {}
        self._waiting: list[Parity] = []
        self.discarded = 0
        """Results that were no packets of this media."""

    def push(self, packets: Packets, fec: FecPackets) -> Packets:
        """Take in packets and give those that were recovered, over a buffer of their own.

        Args:
            packets: at most `MAX_BLOCK`, in order of arrival, of any SSRC and payload type.
            fec: the FEC packets among them that protect this SSRC.
        """
        media = (packets.ssrc == self._ssrc) & self._is_media[packets.payload_type]
        # The headers of what was sent again are not those that were protected.
        sent = np.flatnonzero(media & ~packets.restored)
        again = np.flatnonzero(media & packets.restored)
        for i, number in zip(again.tolist(), packets.sequence_number[again].tolist(), strict=True):
            self._restored[number] = self._passed + int(np.searchsorted(sent, i))
        position = self._positions(packets, sent)
        lacking = [*self._waiting, *self._open(packets, fec, sent, position)]
        self._learn(packets, sent, position, lacking)
        self._passed += sent.size
        found = self._solve(lacking)
        newest_us = int(packets.arrival_us[-1]) if packets.count else 0
        self._forget(lacking, newest_us)
        return _as_packets(found)

    def _positions(self, packets: Packets, sent: NDArray[np.int64]) -> NDArray[np.int64]:
        """[65536] where in the stream the newest packet of each sequence number stands."""
        position = np.full(1 << 16, _ABSENT, np.int64)
        for number, known in self._window.items():
            position[number] = known.position
        position[packets.sequence_number[sent]] = self._passed + np.arange(sent.size)
        return position

    def _open(
        self,
        packets: Packets,
        fec: FecPackets,
        sent: NDArray[np.int64],
        position: NDArray[np.int64],
    ) -> Iterator[Parity]:
        """The FEC packets that protect a packet which has not come."""
        place = self._passed + np.searchsorted(sent, fec.row)
        protected = fec.sequence_base[:, None] + np.arange(fec.mask.shape[1], dtype=np.uint16)
        came = np.abs(position[protected] - place[:, None]) <= WINDOW_PACKETS
        for i in np.flatnonzero((fec.mask & ~came).any(axis=1)).tolist():
            begin = int(fec.parity_offset[i])
            parity = packets.buffer[begin : begin + int(fec.parity_length[i])].tobytes()
            row = int(fec.row[i])
            yield Parity(
                fec.recovery[i].tobytes(),
                (
                    Level(tuple(np.flatnonzero(fec.mask[i]).tolist()), parity),
                    *fec.further.get(row, ()),
                ),
                int(fec.sequence_base[i]),
                int(place[i]),
                int(packets.arrival_us[row]),
            )

    def _learn(
        self,
        packets: Packets,
        sent: NDArray[np.int64],
        position: NDArray[np.int64],
        lacking: Sequence[Parity],
    ) -> None:
        """Keep what has come that the FEC packets lack, and the last packets for those to come."""
        wanted = np.array([number for parity in lacking for number in parity.missing()], np.int64)
        index = position[np.unique(wanted)] - self._passed
        tail = np.arange(max(sent.size - WINDOW_PACKETS, 0), sent.size)
        index = np.union1d(index[index >= 0], tail)
        rows = sent[index]
        chosen = packets.take(rows)
        for number, place, bits, arrival_us in zip(
            chosen.sequence_number.tolist(),
            (self._passed + index).tolist(),
            bit_strings(chosen, self._mutable),
            chosen.arrival_us.tolist(),
            strict=True,
        ):
            if bits:
                self._window[number] = _Known(place, bits, arrival_us)

    def _solve(self, lacking: Sequence[Parity]) -> list[_Recovered]:
        """All that can be recovered, each packet once, and only what did not come otherwise."""
        lackers: dict[int, list[Parity]] = defaultdict(list)
        for parity in lacking:
            for number in set(parity.missing()):
                if not self._take_out(parity, number):
                    lackers[number].append(parity)
        found = []
        ready = list(lacking)
        while ready:
            solved = self._sound(ready)
            ready = []
            for each in solved:
                self._window[each.sequence_number] = each.known
                if not _near(self._restored.get(each.sequence_number), each.known.position):
                    found.append(each)
                for parity in lackers.pop(each.sequence_number, ()):
                    if self._take_out(parity, each.sequence_number):
                        ready.append(parity)
        return found

    def _take_out(self, parity: Parity, number: int) -> bool:
        """Take a packet out of parity, if it is known."""
        known = self._window.get(number)
        if known is None or not _near(known.position, parity.position):
            return False
        parity.take_out(number, known.bits, known.arrival_us)
        return True

    def _sound(self, ready: Sequence[Parity]) -> list[_Recovered]:
        """The packets left alone in parity, each once, that are packets of this media."""
        solved: dict[int, _Recovered] = {}
        for parity in ready:
            solution = parity.solve()
            if solution is None:
                continue
            number, bits = solution
            packet = packet_of(bits, number, self._ssrc)
            if packet is None:
                self.discarded += 1
            elif number not in solved:
                # As if it were the last packet before the parity that gave it.
                known = _Known(parity.position - 1, bits, parity.arrival_us)
                solved[number] = _Recovered(number, packet, known)
        packets = _as_packets(list(solved.values()))
        sound = packets.sequence_number[self._is_media[packets.payload_type]].tolist()
        self.discarded += len(solved) - len(sound)
        return [solved[number] for number in sound]

    def _forget(self, lacking: Sequence[Parity], newest_us: int) -> None:
        """Let go of what is too old to be of use."""
        oldest = self._passed - WINDOW_PACKETS
        self._window = {n: each for n, each in self._window.items() if each.position >= oldest}
        self._restored = {n: place for n, place in self._restored.items() if place >= oldest}
        self._waiting = [
            parity
            for parity in lacking
            if not parity.is_spent
            and parity.position >= oldest
            and parity.since_us >= newest_us - WINDOW_US
        ][-MAX_WAITING:]


def _near(position: int | None, other: int) -> bool:
    return position is not None and abs(position - other) <= WINDOW_PACKETS


def _as_packets(recovered: Sequence[_Recovered]) -> Packets:
    """Packets recovered as columns, without those that are no sound RTP packets."""
    buffer = np.frombuffer(
        bytearray(_HEADROOM.join([b"", *(r.packet for r in recovered)])), np.uint8
    )
    length = np.array([len(each.packet) for each in recovered], np.int64)
    offset = np.cumsum(length + len(_HEADROOM)) - length
    arrival_us = np.array([each.known.arrival_us for each in recovered], np.int64)
    is_rtcp = np.zeros(length.size, np.bool_)
    headers = read_headers(buffer, offset, length, is_rtcp)
    packets, _ = read_packets(Records(buffer, offset, length, arrival_us, is_rtcp, headers, True))
    return packets._replace(restored=np.ones(packets.count, np.bool_))
