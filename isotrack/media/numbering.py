"""Where an SSRC's counters stand: which packets go on, which are wild, where all begins anew.

A packet is near a stream when its sequence number is little ahead of or behind the newest one, and
its timestamp as far as time has passed, or some seconds off. A packet that is far from all waits
for a second one near it (RFC 3550, A.1, asks for two in sequence likewise): alone it is wild,
together they are a long loss or a sender that restarted.
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

MAX_STRAY_S = 3
"""A larger step of the RTP timestamp is believed only if time has passed, or of two packets: no
pacer holds back more."""

MAX_TIMESTAMP_STEP_S = 60
"""By so much the timestamp of a late packet may be behind."""

LONG_LOSS_S = 2
"""How well RTP time and arrival must agree about a loss longer than any jump of numbers."""


class _Place(NamedTuple):
    """What a packet says of its place in a stream."""

    sequence: int
    timestamp: int | None
    """None of a packet without payload: padding may bear any."""
    arrival_us: int


class Counters(NamedTuple):
    """The counters of packets of one stream, unwrapped."""

    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    """Of packets without payload, which may bear any, that of the packet before."""
    plain: bool
    """Each packet is the next one, and has payload."""


class Numbering:
    """The counters of one stream."""

    def __init__(self, ordinal: int, clock_rate: int, first: _Place) -> None:
        self.ordinal = ordinal
        self._clock_rate = clock_rate
        self._front = first
        self._sequence = Unwrapper(16)
        self._timestamp = Unwrapper(32)

    def unwrap(self, packets: Packets) -> Counters:
        """Sequence numbers and timestamps, in the order of arrival."""
        filled = packets.payload_length > 0
        timestamp = packets.timestamp
        if not filled.all():  # padding, and what is not ours, may bear any: as the one before it
            before = np.maximum.accumulate(np.where(filled, np.arange(packets.count), -1))
            last = np.uint32((self._timestamp.last or int(timestamp[filled.argmax()])) % (1 << 32))
            timestamp = np.where(before < 0, last, timestamp[before])
        return Counters(self._sequence(packets.sequence_number), self._timestamp(timestamp), False)

    def follow(self, packets: Packets) -> Counters | None:
        """The same where every packet comes next, and brings something: as nearly all do.

        None of others, and then nothing is taken in.
        """
        sequence, count = packets.sequence_number, packets.count
        first = _place(packets, 0)
        if first.sequence != (self._front.sequence + 1) % (1 << 16):
            return None
        if np.count_nonzero(sequence[1:] - sequence[:-1] != 1) or not packets.payload_length.min():
            return None
        steps, limit = _steps(packets.timestamp), MAX_STRAY_S * self._clock_rate
        if int(steps.max(initial=0)) > limit or int(steps.min(initial=0)) < -limit:
            return None
        if not _is_near(self._front, first, self._clock_rate):
            return None
        self._front = _place(packets, -1)
        return Counters(
            self._sequence.count_up(first.sequence, count),
            self._timestamp.count_on(int(packets.timestamp[0]), steps),
            True,
        )

    def fit(
        self, packets: Packets
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Sequence numbers and timestamps of restored packets, and which of them fit in here."""
        # Not the last timestamp of all: padding may bear any.
        sequence, timestamp = (
            self._sequence.last or 0,
            self.timestamp_near(self._front.timestamp or 0),
        )
        step = _steps_from(packets.sequence_number, sequence)
        ticks = _steps_from(packets.timestamp, timestamp)
        near = np.abs(ticks) <= MAX_TIMESTAMP_STEP_S * self._clock_rate
        return sequence + step, timestamp + ticks, near

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
        """Whether this stream may go on at a place too far ahead for a single packet.

        It may after a long loss, if the RTP clock has gone on for as long as nothing came: that of
        a sender that restarted is anywhere.
        """
        step = _signed(place.sequence - self._front.sequence, 16)
        if self._front.timestamp is None or place.timestamp is None:
            return abs(step) <= MAX_DROPOUT
        ticks = _signed(place.timestamp - self._front.timestamp, 32)
        if abs(step) <= MAX_DROPOUT:
            return ticks >= -MAX_STRAY_S * self._clock_rate
        passed = (place.arrival_us - self._front.arrival_us) * self._clock_rate // 1_000_000
        return step > 0 and abs(ticks - passed) <= LONG_LOSS_S * self._clock_rate

    def advance(self, place: _Place) -> None:
        """Take note of a packet of this stream."""
        if _signed(place.sequence - self._front.sequence, 16) > 0:
            self._front = place._replace(
                timestamp=self._front.timestamp if place.timestamp is None else place.timestamp
            )

    def takes_all(self, packets: Packets) -> bool:
        """Whether all packets follow each other so closely that none needs a look; then advance."""
        sequence = packets.sequence_number
        newest = packets.count - 1
        steps = _steps(sequence)
        lead = _signed(int(sequence[0]) - self._front.sequence, 16)
        if not (0 < lead <= MAX_EARLY and (steps == 1).all()):
            place = np.cumsum(np.concatenate(([lead], steps)))
            leads = place - np.maximum.accumulate(np.concatenate(([0], place)))[:-1]
            if leads.max() > MAX_EARLY or leads.min() < -MAX_DROPOUT:
                return False
            newest = int(place.argmax())
        if not self._is_steady(packets):
            return False
        self.advance(_place(packets, newest))
        return True

    def _is_steady(self, packets: Packets) -> bool:
        """Whether every timestamp is about as far from the one before it as time has passed."""
        timestamp, arrival_us = packets.timestamp, packets.arrival_us
        filled = packets.payload_length > 0
        if not filled.all():
            timestamp, arrival_us = timestamp[filled], arrival_us[filled]
        front, limit = self._front, MAX_STRAY_S * self._clock_rate
        if timestamp.size and front.timestamp is not None:
            first = _Place(front.sequence, int(timestamp[0]), int(arrival_us[0]))
            if not _is_near(front, first, self._clock_rate):
                return False
        steps = _steps(timestamp)
        far = np.flatnonzero((steps > limit) | (steps < -limit))
        passed = (arrival_us[far + 1] - arrival_us[far]) * self._clock_rate // 1_000_000
        return not (np.abs(steps[far] - passed) > limit).any()


class NumberedPackets(NamedTuple):
    """Packets of one stream, in the order they came."""

    ordinal: int
    """Of the stream."""
    packets: Packets
    counters: Counters


class Source:
    """The packets of one SSRC, told apart where its numbering begins anew.

    Args:
        clock_rate: of its RTP timestamps.
        number: gives the ordinal of a new stream, told when its first packet came; None where
            there are to be no more. The first one is given.
    """

    def __init__(self, clock_rate: int, number: Callable[[int], int | None]) -> None:
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
        if not self.streams:
            self._begin(_place(packets, 0))
        newest = self.streams[-1]
        plain = newest.follow(packets)
        if plain is not None:
            return [NumberedPackets(newest.ordinal, packets, plain)]
        if newest.takes_all(packets):
            return [NumberedPackets(newest.ordinal, packets, newest.unwrap(packets))]
        far = None
        if self._waiting is not None:
            packets, self._waiting, far = join(self._waiting, packets), None, 0
        owners = self._owners(packets, far)
        found = {owner.ordinal: owner for owner in owners if owner}
        ordinals = np.array([owner.ordinal if owner else -1 for owner in owners])
        runs = {ordinal: packets.take(np.flatnonzero(ordinals == ordinal)) for ordinal in found}
        return [
            NumberedPackets(ordinal, run, found[ordinal].unwrap(run))
            for ordinal, run in runs.items()
        ]

    def _owners(self, packets: Packets, far: int | None) -> list[Numbering | None]:
        """The stream of each packet, one by one; None of a wild one.

        Args:
            packets: as they came.
            far: 0 where the first of them has waited to be confirmed.
        """
        owners: list[Numbering | None] = [] if far is None else [None]
        for i in range(len(owners), packets.count):
            place = _place(packets, i)
            owner = next((s for s in reversed(self.streams) if s.is_near(place)), None)
            if owner is None and far is not None:
                suspect = _place(packets, far)
                if _is_near(suspect, place, self._clock_rate):
                    owner = owners[far] = self._resume(suspect)
                    far = None
                self._left_out += owner is None
            owners.append(owner)
            if owner:
                owner.advance(place)
            else:
                far = i
        if far is not None:
            self._waiting = trim(packets.take(np.array([far])))
        return owners

    def _resume(self, place: _Place) -> Numbering | None:
        """The stream that goes on at a place confirmed: the newest after a loss, or a new one.

        None where there are too many.
        """
        newest = self.streams[-1]
        if newest.resumes(place):
            newest.advance(place)
            return newest
        return self._begin(place)

    def _begin(self, place: _Place) -> Numbering | None:
        ordinal = self._number(place.arrival_us)
        if ordinal is None:
            return None
        stream = Numbering(ordinal, self._clock_rate, place)
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


def _steps(values: NDArray[np.unsignedinteger]) -> NDArray[np.signedinteger]:
    """Signed modular step from each value to the next."""
    return (values[1:] - values[:-1]).view(f"i{values.dtype.itemsize}")


def _steps_from(values: NDArray[np.unsignedinteger], origin: int) -> NDArray[np.int64]:
    """Signed modular step of each value from one unwrapped origin."""
    signed = np.dtype(f"i{values.dtype.itemsize}")
    wrapped = values.dtype.type(origin % (1 << 8 * values.dtype.itemsize))
    return (values - wrapped).view(signed).astype(np.int64)


def _is_near(front: _Place, place: _Place, clock_rate: int) -> bool:
    step = _signed(place.sequence - front.sequence, 16)
    if not -MAX_DROPOUT <= step <= MAX_EARLY:
        return False
    if front.timestamp is None or place.timestamp is None:
        return True
    ticks = _signed(place.timestamp - front.timestamp, 32)
    passed = (place.arrival_us - front.arrival_us) * clock_rate // 1_000_000
    limit = MAX_STRAY_S * clock_rate
    lateness = MAX_TIMESTAMP_STEP_S * clock_rate if step < 0 else limit
    return -lateness <= ticks <= limit or abs(ticks - passed) <= limit
