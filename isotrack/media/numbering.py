"""Where an SSRC's counters stand: which packets go on, which are wild, where all begins anew.

A packet is near a stream when its sequence number is little ahead of or behind the newest one and
its timestamp is not a minute off. A packet that is far from all waits for a second one near it
(RFC 3550, A.1, asks for two in sequence likewise): alone it is wild, together they are a long loss
or a sender that restarted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.carrying import join, trim
from isotrack.rtp.packet import Packets
from isotrack.rtp.sequence import Unwrapper

MAX_DROPOUT = 3000
"""A larger step of the sequence number is a jump, not loss (RFC 3550, A.1)."""

MAX_EARLY = 500
"""Nothing overtakes more packets than this: a single packet further ahead is a wild one."""

MAX_TIMESTAMP_STEP_S = 60
"""A larger step of the RTP timestamp is believed only if time has passed, or of two packets."""


class _Place(NamedTuple):
    """What a packet says of its place in a stream."""

    sequence: int
    timestamp: int | None
    """None of a packet without payload: padding may bear any."""
    arrival_us: int


class Numbering:
    """The counters of one stream."""

    def __init__(self, ordinal: int, clock_rate: int, first: _Place) -> None:
        self.ordinal = ordinal
        self._clock_rate = clock_rate
        self._front = first
        self._sequence = Unwrapper(16)
        self._timestamp = Unwrapper(32)

    def unwrap(self, packets: Packets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sequence numbers and timestamps, in the order of arrival."""
        return self._sequence(packets.sequence_number), self._timestamp(packets.timestamp)

    def timestamp_near(self, timestamp: int) -> int:
        """An RTP timestamp of about now, unwrapped."""
        last = self._timestamp.last or 0
        return last + _signed(timestamp - last, 32)

    def distance(self, timestamp: int) -> int:
        """Ticks between an RTP timestamp and now."""
        return abs(self.timestamp_near(timestamp) - (self._timestamp.last or 0))

    def is_near(self, place: _Place) -> bool:
        """Whether a packet can be one of this stream."""
        return _is_near(self._front, place, self._clock_rate)

    def resumes(self, place: _Place) -> bool:
        """Whether this stream may go on at a place too far ahead for a single packet."""
        step = _signed(place.sequence - self._front.sequence, 16)
        if self._front.timestamp is None or place.timestamp is None:
            ticks = 0
        else:
            ticks = _signed(place.timestamp - self._front.timestamp, 32)
        limit = MAX_TIMESTAMP_STEP_S * self._clock_rate
        return abs(step) <= MAX_DROPOUT and ticks >= -limit

    def advance(self, place: _Place) -> None:
        """Take note of a packet of this stream."""
        if _signed(place.sequence - self._front.sequence, 16) > 0:
            self._front = place._replace(
                timestamp=self._front.timestamp if place.timestamp is None else place.timestamp
            )

    def takes_all(self, packets: Packets) -> bool:
        """Whether all packets follow each other so closely that none needs a look; then advance."""
        place = np.cumsum(_steps(packets.sequence_number, self._front.sequence))
        front = np.maximum.accumulate(np.concatenate(([0], place)))
        lead = place - front[:-1]
        if lead.max() > MAX_EARLY or lead.min() < -MAX_DROPOUT:
            return False
        filled = np.flatnonzero(packets.payload_length > 0)
        timestamp = packets.timestamp[filled]
        last = self._front.timestamp if self._front.timestamp is not None else timestamp[:1]
        if np.abs(_steps(timestamp, last)).max(initial=0) > MAX_TIMESTAMP_STEP_S * self._clock_rate:
            return False
        self.advance(_place(packets, int(place.argmax())))
        return True


class NumberedPackets(NamedTuple):
    """Packets, and the numbering of the stream they belong to."""

    numbering: Numbering
    packets: Packets


class Source:
    """The packets of one SSRC, told apart where its numbering begins anew.

    Args:
        clock_rate: of its RTP timestamps.
        number: gives the ordinal of a new stream.
    """

    def __init__(self, clock_rate: int, number: Callable[[], int]) -> None:
        self._clock_rate = clock_rate
        self._number = number
        self._waiting: Packets | None = None
        self._left_out = 0
        self.streams: list[Numbering] = []
        """The newest stream last, and before it the one that may still have late packets."""

    @property
    def wild(self) -> int:
        """Packets that were, or now are, far from all others."""
        return self._left_out + (self._waiting is not None)

    def sort(self, packets: Packets) -> list[NumberedPackets]:
        """The packets of each stream, in the order they came."""
        if self._waiting is not None:
            packets, self._waiting = join(self._waiting, packets), None
        if not self.streams:
            self._begin(_place(packets, 0))
        if self.streams[-1].takes_all(packets):
            return [NumberedPackets(self.streams[-1], packets)]
        owners = self._owners(packets)
        found = {owner.ordinal: owner for owner in owners if owner}
        ordinals = np.array([owner.ordinal if owner else -1 for owner in owners])
        return [
            NumberedPackets(owner, packets.take(np.flatnonzero(ordinals == ordinal)))
            for ordinal, owner in found.items()
        ]

    def _owners(self, packets: Packets) -> list[Numbering | None]:
        """The stream of each packet, one by one; None of a wild one."""
        owners: list[Numbering | None] = []
        far: int | None = None
        for i in range(packets.count):
            place = _place(packets, i)
            owner = next((s for s in reversed(self.streams) if s.is_near(place)), None)
            if owner is None and far is not None:
                suspect = _place(packets, far)
                if _is_near(suspect, place, self._clock_rate):
                    owner = owners[far] = self._resume(suspect)
                    far = None
                else:
                    self._left_out += 1
            owners.append(owner)
            if owner:
                owner.advance(place)
            else:
                far = i
        if far is not None:
            self._waiting = trim(packets.take(np.array([far])))
        return owners

    def _resume(self, place: _Place) -> Numbering:
        """The stream that goes on at a place confirmed: the newest after a loss, or a new one."""
        newest = self.streams[-1]
        if newest.resumes(place):
            newest.advance(place)
            return newest
        return self._begin(place)

    def _begin(self, place: _Place) -> Numbering:
        stream = Numbering(self._number(), self._clock_rate, place)
        self.streams = [*self.streams[-1:], stream]
        return stream


def _place(packets: Packets, index: int) -> _Place:
    return _Place(
        int(packets.sequence_number[index]),
        int(packets.timestamp[index]) if packets.payload_length[index] else None,
        int(packets.arrival_us[index]),
    )


def _signed(step: int, bits: int) -> int:
    """A step of a counter of so many bits, modulo its range: half of it at most."""
    half = 1 << bits - 1
    return (step + half) % (2 * half) - half


def _steps(values: NDArray[np.unsignedinteger], first: object) -> NDArray[np.int64]:
    """Signed modular step of each value from the one before it."""
    before = np.asarray(first).astype(values.dtype)
    signed = np.dtype(f"i{values.dtype.itemsize}")
    return np.diff(values, prepend=before).view(signed).astype(np.int64)


def _is_near(front: _Place, place: _Place, clock_rate: int) -> bool:
    step = _signed(place.sequence - front.sequence, 16)
    if not -MAX_DROPOUT <= step <= MAX_EARLY:
        return False
    if front.timestamp is None or place.timestamp is None:
        return True
    ticks = _signed(place.timestamp - front.timestamp, 32)
    passed = (place.arrival_us - front.arrival_us) * clock_rate // 1_000_000
    limit = MAX_TIMESTAMP_STEP_S * clock_rate
    return abs(ticks) <= limit or abs(ticks - passed) <= limit
