"""G.722 (RFC 3551 section 4.5.2): 64 kbit/s, mono.

Each byte holds two samples at 16 kHz, the lower band in six bits and the higher one in two; but the
RTP clock is one of 8 kHz, by an error of old that was kept, so that a byte is a tick.

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |IH |    IL     |  IH: higher band, 4 to 8 kHz; IL: lower band
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.silence import Silence, cut

CLOCK_RATE = 8000
"""Of RTP, in Hz."""

SAMPLING_FREQUENCY = 16_000
"""Of the sound, in Hz."""

# Both bands are coded as the difference from a prediction, and no code stands for none: a decoder
# that has sounded goes on from where it was. This one is the least difference in both bands, always
# of the same sign, so that the step size runs down and nothing is left but direct current and, if
# the predictor of the higher band is caught, a tone of 8 kHz. FFmpeg's decoder, after tones, noise,
# squares, direct current and garbage at full scale, was below -51 dBFS 20 ms later and stayed
# there, -61 dBFS RMS without the direct current: not heard. What follows is right again within
# 100 ms. FFmpeg's encoder, given zeros, sends 0xFA, which leaves -42 dBFS and a burst, louder than
# speech, where sound sets in again.
_SILENCE = b"\xff"
_FRAME = CLOCK_RATE // 50


class G722:
    """G.722 at 64 kbit/s."""

    clock_rate = CLOCK_RATE
    sampling_frequency = SAMPLING_FREQUENCY

    def durations(
        self,
        buffer: NDArray[np.uint8],  # noqa: ARG002
        offset: NDArray[np.int64],  # noqa: ARG002
        length: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """A tick for each byte: any length is a frame."""
        return length.copy()

    def silence(self, ticks: int) -> Silence:
        """Frames of 20 ms and one of what is left: exactly so many ticks, and inaudible."""
        return cut(ticks, _FRAME, 1, _SILENCE)
