"""PCMU and PCMA, the two laws of G.711 (RFC 3551 section 4.5.14): a byte per sample and channel.

A payload is as many samples as there are bytes for, whatever its length; those of several channels
stand side by side, left before right (RFC 3551 section 4.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.silence import Silence, cut

PCMU_SILENCE = 0xFF
"""Zero, the quietest code of the mu law."""

PCMA_SILENCE = 0xD5
"""The quietest code of the A law, which has no zero: 8 of 32768."""

_FRAMES_PER_SECOND = 50  # of silence: 20 ms, what RFC 3551 section 4.2 packs by default


class G711:
    """One of the two laws.

    Args:
        silence_byte: PCMU_SILENCE or PCMA_SILENCE.
        clock_rate: samples per second, 8000 unless signaling says otherwise; at least 50.
        channels: 1 or 2.

    Raises:
        ValueError: neither mono nor stereo, or no such clock.
    """

    def __init__(self, silence_byte: int, clock_rate: int, channels: int) -> None:
        if channels not in (1, 2):
            raise ValueError(f"G.711 of {channels} channels is neither mono nor stereo")
        if clock_rate < _FRAMES_PER_SECOND:
            raise ValueError(f"G.711 at a clock rate of {clock_rate} Hz")
        self.clock_rate = clock_rate
        self.sampling_frequency = clock_rate
        self._channels = channels
        self._silence = bytes((silence_byte,))

    def durations(
        self,
        buffer: NDArray[np.uint8],  # noqa: ARG002
        offset: NDArray[np.int64],  # noqa: ARG002
        length: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """A tick for each sample; 0 where the channels are not alike long."""
        ticks, odd = np.divmod(length, self._channels)
        return np.where(odd == 0, ticks, 0)

    def silence(self, ticks: int) -> Silence:
        """Frames of 20 ms and one of what is left: exactly so many ticks."""
        piece = self.clock_rate // _FRAMES_PER_SECOND
        return cut(ticks, piece, self._channels, self._silence)
