"""How loud a track is over time and when somebody speaks, from what its packets say of themselves.

Each packet tells its level and whether its sender hears a voice (RFC 6464), so nothing is decoded.
Times are RTP ticks, for the clock is not known yet when packets are first read.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.audio_level import ABSENT, SILENCE, AudioLevels

QUIET_DBOV = -55
"""A voice that is less loud than this is not taken for one: breath, a far room, or no sound."""

LOUD_DBOV = -40
"""From a sender that has never yet announced a voice, sound as loud as this is taken for one."""

PAUSE_MS = 500
"""Speech goes on over pauses up to this long: between words, and over what was lost."""

BLIP_MS = 200
"""What sounds for less than this in all is no speech: a click, a key, a cough."""

# Power of each level in whole numbers: the sum over a second is exact, whatever the chunks are.
_UNIT = 2.0**44
_POWER = np.round(10.0 ** (-np.arange(128) / 10) * _UNIT)
_POWER[SILENCE] = 0
_LEAST = 1e-13  # less loud than any level there is


class Loudness(NamedTuple):
    """Level over time: columns, a row for each second in which a packet told one."""

    second: NDArray[np.int64]
    """RTP time in whole seconds: timestamp // clock rate."""
    peak_dbov: NDArray[np.int8]
    """Of the loudest packet, 0 down to -127."""
    mean_dbov: NDArray[np.int8]
    """Of the mean power of the packets, rounded."""


class Speech(NamedTuple):
    """When somebody spoke: columns of RTP timestamps, a row for each stretch."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]


class LoudnessMeter:
    """Measures one stream; keeps ten bytes for a second and sixteen for a stretch of speech.

    Args:
        clock_rate: of its RTP timestamps.
    """

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._newest: int | None = None
        self._seconds, self._peaks, self._means = array("q"), array("b"), array("b")
        self._second: _Second | None = None
        self._speech = array("q")
        self._run: _Run | None = None
        self._hears_voices = False

    def add(
        self, timestamp: NDArray[np.int64], duration: NDArray[np.int64], levels: AudioLevels
    ) -> None:
        """Take in packets in the order they were sent.

        Args:
            timestamp: unwrapped; one that falls back counts where the newest one is.
            duration: ticks that each packet lasts.
            levels: what the packets say; those that say nothing are passed over.
        """
        level, voice = levels
        told = level != ABSENT
        if np.count_nonzero(told) < len(told):
            level, voice, timestamp, duration = (
                column[told] for column in (level, voice, timestamp, duration)
            )
        if not len(level):
            return
        if np.count_nonzero(timestamp[1:] < timestamp[:-1]):
            timestamp = np.maximum.accumulate(timestamp)
        if self._newest is not None and timestamp[0] < self._newest:
            timestamp = np.maximum(timestamp, self._newest)
        self._newest = int(timestamp[-1])
        self._measure(timestamp, level)
        rows = self._is_spoken(level, voice).nonzero()[0]
        if len(rows):
            self._listen(timestamp[rows], duration[rows])

    @property
    def told(self) -> bool:
        """Whether any packet told its level."""
        return self._newest is not None

    def loudness(self) -> Loudness:
        """The levels so far."""
        seconds, peaks, means = self._seconds[:], self._peaks[:], self._means[:]
        if self._second is not None:
            seconds.append(self._second.number)
            peaks.append(-self._second.peak)
            means.append(int(_mean_dbov(self._second.power / self._second.packets)))
        return Loudness(np.array(seconds), np.array(peaks), np.array(means))

    def speech(self) -> Speech:
        """The speech so far, what has not ended yet included."""
        ends = self._speech[:]
        if self._run is not None and self._is_speech(self._run):
            ends.extend((self._run.start, self._run.end))
        table = np.array(ends).reshape(-1, 2)
        return Speech(table[:, 0], table[:, 1])

    def _measure(self, time: NDArray[np.int64], level: NDArray[np.int8]) -> None:
        number = time // self._clock_rate
        begins = np.concatenate(([0], (number[1:] != number[:-1]).nonzero()[0] + 1))
        number, peak = number[begins], np.minimum.reduceat(level, begins)
        power = np.add.reduceat(_POWER.take(level), begins)
        packets = np.concatenate((begins[1:], [len(level)])) - begins
        if self._second is not None and self._second.number != number[0]:
            number, packets, power, peak = (
                np.concatenate(([first], column))
                for first, column in zip(self._second, (number, packets, power, peak), strict=True)
            )
        elif self._second is not None:
            packets[0] += self._second.packets
            power[0] += self._second.power
            peak[0] = min(int(peak[0]), self._second.peak)
        # The last one is not over yet.
        self._seconds.extend(number[:-1].tolist())
        self._peaks.extend((-peak[:-1]).tolist())
        self._means.extend(_mean_dbov(power[:-1] / packets[:-1]).tolist())
        self._second = _Second(int(number[-1]), int(packets[-1]), float(power[-1]), int(peak[-1]))

    def _is_spoken(self, level: NDArray[np.int8], voice: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Marks the packets with a voice in them.

        A sender need not say (RFC 6464 section 4, vad=off): until it does, the level decides.
        """
        heard: NDArray[np.bool_] = voice & (level <= -QUIET_DBOV)
        if not self._hears_voices:
            said = voice & (level != SILENCE)
            first = int(said.argmax()) if np.count_nonzero(said) else len(said)
            self._hears_voices = first < len(said)
            heard[:first] = level[:first] <= -LOUD_DBOV
        return heard

    def _listen(self, start: NDArray[np.int64], duration: NDArray[np.int64]) -> None:
        """Join packets with a voice to runs without a long pause."""
        end = np.maximum.accumulate(start + duration)
        pause = PAUSE_MS * self._clock_rate // 1000
        begins = np.concatenate(([0], (start[1:] - end[:-1] > pause).nonzero()[0] + 1))
        columns = zip(
            start[begins].tolist(),
            end[np.concatenate((begins[1:], [len(start)])) - 1].tolist(),
            np.add.reduceat(duration, begins).tolist(),
            strict=True,
        )
        for run in map(_Run._make, columns):
            if self._run is not None and run.start - self._run.end <= pause:
                self._run = _Run(
                    self._run.start, max(self._run.end, run.end), self._run.sounding + run.sounding
                )
                continue
            if self._run is not None and self._is_speech(self._run):
                self._speech.extend((self._run.start, self._run.end))
            self._run = run

    def _is_speech(self, run: _Run) -> bool:
        return run.sounding * 1000 >= BLIP_MS * self._clock_rate


class _Second(NamedTuple):
    """The packets of one second of RTP time."""

    number: int
    packets: int
    power: float
    """Sum over its packets."""
    peak: int
    """Least -dBov."""


def _mean_dbov(power: NDArray[np.float64] | float) -> NDArray[np.int8]:
    """The level of the mean power of packets, rounded; the least one where there is none."""
    level = np.rint(10 * np.log10(np.maximum(power / _UNIT, _LEAST)))
    rounded: NDArray[np.int8] = np.maximum(level, -SILENCE).astype(np.int8)
    return rounded


class _Run(NamedTuple):
    """Packets with a voice in them, without a long pause between."""

    start: int
    end: int
    sounding: int
    """Ticks that these packets last, pauses left out."""
