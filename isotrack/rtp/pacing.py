"""Arrivals for packets whose capture recorded none: made from RTP time.

Each SSRC begins when its first packet stands in the file, that is at the newest arrival made before
it; from there its RTP timestamps tell the time. So what was in the network (jitter, a late packet)
is not in it, and sender reports are as late as the packet before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.datagrams import Datagrams
from isotrack.rtp.gather import gather
from isotrack.rtp.payload_types import STATIC_PAYLOAD_TYPES
from isotrack.rtp.rtcp import SenderReport, read_compound, unix_us_from_ntp

LOOK_AHEAD = 1 << 20
"""Bytes that readers gather before the first packets are timed, so that clock rates can be told."""

_LONG_STEP_S = 60
_MAX_DROPOUT = 3000
_PLAUSIBLE_NTP_US = 946_684_800_000_000  # 2000: clocks before it count from a start or are not set
_AUDIO_STEPS = {80: 8000, 160: 8000, 320: 8000, **dict.fromkeys((120, 240, 480, 960, 1920), 48_000)}
_VIDEO_RATE = 90_000
_RATES = (8000, 16_000, 44_100, 48_000, 90_000)


def nearest_rate(measured_hz: float, tolerance: float = 0.03) -> int | None:
    """The clock rate in use that is nearest to a measured one, unless none is near."""
    rate = min(_RATES, key=lambda rate: abs(rate - measured_hz))
    return rate if abs(rate - measured_hz) <= tolerance * rate else None


@dataclass
class _Source:
    """Where the clock of one SSRC stands."""

    rate: int
    sequence: int
    timestamp: int
    arrival_us: int


class Pacer:
    """Times packets, batch by batch.

    Args:
        start_us: arrival of the first packet where no sender report tells it, Unix microseconds.
        clock_rates: of payload types, as signaling said; others are told from the packets.
    """

    def __init__(self, start_us: int, clock_rates: Mapping[int, int]) -> None:
        self._start_us = start_us
        self._clock_rates = {**STATIC_RATES, **clock_rates}
        self._now_us: int | None = None
        self._sources: dict[int, _Source] = {}

    def time(self, untimed: Datagrams) -> Datagrams:
        """The same packets with their arrivals."""
        reports = _sender_reports(untimed)
        if self._now_us is None:
            self._now_us = _first_time(reports, self._start_us)
        arrival_us = np.full(untimed.count, -1, np.int64)
        rows = np.flatnonzero(~untimed.is_rtcp)
        header = gather(untimed.buffer, untimed.offset[rows], 12)
        ssrc = header.view(">u4")[:, 2]
        for one, first in _in_order(ssrc):
            mine = rows[ssrc == one]
            before = arrival_us[: rows[first]]
            now_us = max(self._now_us, int(before.max(initial=0)))
            self._pace(one, header[ssrc == one], arrival_us, mine, reports.get(one, []), now_us)
        arrival_us = np.maximum.accumulate(np.maximum(arrival_us, self._now_us))
        if arrival_us.size:
            self._now_us = int(arrival_us[-1])
        return untimed._replace(arrival_us=arrival_us)

    def _pace(
        self,
        ssrc: int,
        header: NDArray[np.uint8],
        arrival_us: NDArray[np.int64],
        rows: NDArray[np.int64],
        reports: list[SenderReport],
        now_us: int,
    ) -> None:
        """Write the arrivals of one SSRC's packets."""
        sequence = header.view(">u2")[:, 1].astype(np.uint16)
        timestamp = header.view(">u4")[:, 1].astype(np.uint32)
        payload_type = int(header[0, 1] & 127)
        source = self._sources.get(ssrc)
        if source is None:
            rate = self._clock_rates.get(payload_type) or _told_rate(timestamp, reports)
            source = _Source(rate, int(sequence[0]) - 1, int(timestamp[0]), now_us)
            self._sources[ssrc] = source
        elif (rate := self._clock_rates.get(payload_type, source.rate)) != source.rate:
            # Another codec on the same SSRC: its clock begins where this one stands (edge case 12).
            source.rate, source.timestamp = rate, int(timestamp[0])
        ticks = _steps(timestamp, source.timestamp)
        ticks[_strays(ticks, _steps(sequence, source.sequence), source.rate)] = 0
        passed = np.maximum.accumulate(np.maximum(np.cumsum(ticks), 0))
        arrival_us[rows] = source.arrival_us + passed * 1_000_000 // source.rate
        source.sequence, source.timestamp = int(sequence[-1]), int(timestamp[-1])
        # Whole, so that what the last packet is behind the newest one is not lost.
        behind = int(passed[-1]) - int(np.cumsum(ticks)[-1])
        source.arrival_us = int(arrival_us[rows[-1]]) - behind * 1_000_000 // source.rate


def _steps(values: NDArray[np.unsignedinteger], first: int) -> NDArray[np.int64]:
    """Signed modular step of each value from the one before it."""
    before = np.array([first & int(np.iinfo(values.dtype).max)], values.dtype)
    signed = np.dtype(f"i{values.dtype.itemsize}")
    return np.diff(values, prepend=before).view(signed).astype(np.int64)


def _strays(ticks: NDArray[np.int64], numbers: NDArray[np.int64], rate: int) -> NDArray[np.bool_]:
    """Steps of time that are none: a wild timestamp and the way back, or a sender that restarted.

    A long pause is believed where the sequence number goes on as ever.
    """
    long = np.abs(ticks) > _LONG_STEP_S * rate
    there_and_back = long & (np.roll(long, 1) | np.roll(long, -1))
    restarted = long & ((np.abs(numbers) > _MAX_DROPOUT) | (ticks < 0))
    return there_and_back | restarted


def _told_rate(timestamp: NDArray[np.uint32], reports: list[SenderReport]) -> int:
    """The clock rate that sender reports show, else that of the codecs with such steps of time."""
    if len(reports) > 1:
        first, last = reports[0], reports[-1]
        seconds = (last.ntp - first.ntp) / 2**32
        ticks = (last.rtp_timestamp - first.rtp_timestamp) & 0xFFFFFFFF
        if seconds > 1 and (rate := nearest_rate(ticks / seconds)):
            return rate
    steps = _steps(timestamp, int(timestamp[0]))[1:]
    forward = steps[steps > 0]
    if not forward.size or (steps == 0).mean() > 0.05:  # several packets to a frame: video
        return _VIDEO_RATE
    values, counts = np.unique(forward, return_counts=True)
    return _AUDIO_STEPS.get(int(values[counts.argmax()]), _VIDEO_RATE)


def _sender_reports(batch: Datagrams) -> dict[int, list[SenderReport]]:
    """The sender reports of each SSRC."""
    found: dict[int, list[SenderReport]] = {}
    whole = memoryview(batch.buffer)  # type: ignore[arg-type]  # arrays are buffers
    for i in np.flatnonzero(batch.is_rtcp).tolist():
        at = int(batch.offset[i])
        for packet in read_compound(whole[at : at + int(batch.length[i])]):
            if isinstance(packet, SenderReport) and packet.ntp:
                found.setdefault(packet.ssrc, []).append(packet)
    return found


def _first_time(reports: dict[int, list[SenderReport]], start_us: int) -> int:
    """When the first sender says it is, if its clock was set, else `start_us`."""
    told = [unix_us_from_ntp(some[0].ntp) for some in reports.values()]
    return next((us for us in told if _PLAUSIBLE_NTP_US < us < 1 << 52), start_us)


def _in_order(values: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """The values there are, each once, as they first come, and where."""
    distinct, first = np.unique(values, return_index=True)
    order = np.argsort(first)
    return list(zip(distinct[order].tolist(), first[order].tolist(), strict=True))


STATIC_RATES = {number: kind.clock_rate for number, kind in STATIC_PAYLOAD_TYPES.items()}
"""Clock rates of the payload types that need no signaling (RFC 3551 section 6)."""
