"""Captures as the verbs see them: something that can be read again and again, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from isotrack.recording.errors import CorruptInput
from isotrack.rtp.datagrams import CaptureError, CaptureReader, Datagrams
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.records import Records, read_headers


class Capture(Protocol):
    """A file of captured packets, or several that make one capture."""

    @property
    def name(self) -> str:
        """What messages and `tracks.json` call it: its path."""

    def read(self, clock_rates: Mapping[int, int]) -> tuple[CaptureReader, Iterator[Datagrams]]:
        """The reader of its format, and its packets from the first to the last.

        Args:
            clock_rates: of payload types, for formats that record no arrivals.

        Raises:
            CaptureError: it is no capture; the packets raise it too.
        """


class OpenCapture(NamedTuple):
    """A capture that is being read."""

    capture: Capture
    reader: CaptureReader
    batches: Iterator[Datagrams]


def open_captures(
    captures: Sequence[Capture], clock_rates: Mapping[int, int]
) -> Iterator[OpenCapture]:
    """Open captures one after the other, those that begin earlier first.

    Raises:
        CorruptInput: one is no capture; the message names it.
    """
    for capture in sorted(captures, key=lambda one: _first_arrival(one, clock_rates)):
        try:
            reader, batches = capture.read(clock_rates)
        except CaptureError as error:
            raise CorruptInput(f"{capture.name}: {error}") from error
        yield OpenCapture(capture, reader, _named(capture, batches))


def _named(capture: Capture, batches: Iterator[Datagrams]) -> Iterator[Datagrams]:
    try:
        yield from batches
    except CaptureError as error:
        raise CorruptInput(f"{capture.name}: {error}") from error


def _first_arrival(capture: Capture, clock_rates: Mapping[int, int]) -> int:
    try:
        _, batches = capture.read(clock_rates)
        return next((int(batch.arrival_us.min()) for batch in batches if batch.count), 1 << 62)
    except CaptureError as error:
        raise CorruptInput(f"{capture.name}: {error}") from error


def records_of(batch: Datagrams) -> Records:
    """A batch as records; its buffer is shared and must not be worked in."""
    headers = read_headers(batch.buffer, batch.offset, batch.length, batch.is_rtcp)
    return Records(
        batch.buffer,
        batch.offset,
        batch.length,
        batch.arrival_us,
        batch.is_rtcp,
        headers,
        intact=True,
    )


class Arrived(NamedTuple):
    """The RTP packets of a batch."""

    packets: Packets
    row: NDArray[np.int64]
    """The row of the batch that each packet is."""
    malformed: int
    """Packets that are not sound RTP, and left out."""


def packets_of(batch: Datagrams) -> Arrived:
    """The RTP packets of a batch, over its buffer."""
    records = records_of(batch)
    packets, malformed = read_packets(records)
    return Arrived(packets, np.flatnonzero(records.headers.payload_offset > 0), malformed)
