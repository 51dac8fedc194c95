"""Opus in RTP and Matroska (RFC 6716 section 3, RFC 7587, RFC 7845 section 5.1).

An RTP payload is one Opus packet as it is; its first byte tells how long it lasts:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    | config  |s| c |  config: mode and frame duration; s: stereo; c: how many frames follow
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.silence import Silence, fill

CLOCK_RATE = 48_000
"""The clock of all Opus time in Hz, whatever the microphone has (RFC 7587 section 4.1)."""

MAX_DURATION = 5760
"""The longest packet, 120 ms, in samples."""

_MAX_FRAME = 1275

# Samples of a frame by its config (RFC 6716 table 2): SILK, hybrid, CELT.
_FRAME_SAMPLES = np.array(
    [480, 960, 1920, 2880] * 3 + [480, 960] * 2 + [120, 240, 480, 960] * 4, np.int64
)

_SILENCE_CONFIGS = {120: 28, 240: 29, 480: 30, 960: 31}
"""CELT fullband by its frame duration in samples."""


def durations(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Samples at 48 kHz that each packet lasts; 0 for a packet no decoder takes.

    Checks what RFC 6716 section 3.4 asks of the packet as a whole (R1 to R5, R6 without padding).
    """
    toc = buffer.take(offset, mode="clip")
    samples = _FRAME_SAMPLES.take(toc >> 3)
    # Nearly all packets are a single frame; those without a byte seem to be of more than any has.
    others = (length - 1).view(np.uint64) > _MAX_FRAME
    others |= toc & 3 > 0
    rows = others.nonzero()[0]
    if rows.size:
        samples[rows] = _looked_into(buffer, offset[rows], length[rows])
    return samples


def _looked_into(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The same for packets of any kind."""
    samples = np.zeros(offset.size, np.int64)
    rows = np.flatnonzero(length > 0)
    begin, rest = offset[rows], length[rows] - 1
    toc = buffer[begin]
    code = toc & 3
    second = buffer[np.minimum(begin + 1, buffer.size - 1)].astype(np.int64)
    frames = np.choose(code, [1, 2, 2, second & 63])
    total = frames * _FRAME_SAMPLES[toc >> 3]
    sound = np.choose(
        code,
        [
            rest <= _MAX_FRAME,
            (rest % 2 == 0) & (rest <= 2 * _MAX_FRAME),
            _is_sound_pair(buffer, begin, rest, second),
            (rest >= 1) & ((second & 0xC0 != 0) | ((rest - 1) % np.maximum(frames, 1) == 0)),
        ],
    )
    samples[rows] = np.where(sound & (total <= MAX_DURATION), total, 0)
    return samples


def _is_sound_pair(
    buffer: NDArray[np.uint8],
    begin: NDArray[np.int64],
    rest: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the first of two frames, of the length in one or two bytes, leaves room for both."""
    third = buffer[np.minimum(begin + 2, buffer.size - 1)].astype(np.int64)
    is_long = second >= 252
    first_frame = np.where(is_long, second + 4 * third, second)
    second_frame = rest - 1 - is_long - first_frame
    return (rest >= 1) & (second_frame >= 0) & (second_frame <= _MAX_FRAME)


def identification_header(channels: int, pre_skip: int = 0) -> bytes:
    """OpusHead, Matroska's CodecPrivate of Opus (RFC 7845 section 5.1), for one or two channels.

    Args:
        channels: 1 or 2, channel mapping family 0.
        pre_skip: Samples at 48 kHz a player drops at the start; RTP has none to drop.

    Raises:
        ValueError: More channels than mapping family 0 knows.
    """
    if channels not in (1, 2):
        raise ValueError(f"Opus of {channels} channels needs a channel mapping, which RTP lacks")
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, pre_skip, CLOCK_RATE, 0, 0)


def silence(samples: int) -> bytes:
    """A packet of stereo silence that lasts 120, 240, 480 or 960 samples at 48 kHz.

    Raises:
        ValueError: Opus has no such frame.
    """
    if samples not in _SILENCE_CONFIGS:
        raise ValueError(f"Opus silence lasts 120, 240, 480 or 960 samples, not {samples}")
    return bytes((_SILENCE_CONFIGS[samples] << 3 | 4, 0xFF, 0xFE))


class Opus:
    """Opus of one or two channels: each packet says for itself which (RFC 7587 section 7)."""

    clock_rate = CLOCK_RATE
    sampling_frequency = CLOCK_RATE

    def durations(
        self, buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Samples at 48 kHz that each packet lasts."""
        return durations(buffer, offset, length)

    def silence(self, ticks: int) -> Silence:
        """Frames of 20 ms, and shorter ones until less than 2.5 ms is left."""
        return fill(ticks, [(each, silence(each)) for each in sorted(_SILENCE_CONFIGS)[::-1]])
