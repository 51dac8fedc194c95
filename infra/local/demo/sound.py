"""What a microphone of the demo hears: a beep on each second of the call, and else silence.

Each participant beeps at a pitch of their own, so that a mix of all tracks tells who is late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BEEP_US = 80_000
FADE_US = 2_000
"""A beep rises and falls over this time: short enough to be measured, long enough not to click."""

_AMPLITUDE = 0.5 * 32_767


def beeps(call_us: NDArray[np.float64], frequency_hz: int) -> NDArray[np.int16]:
    """Stereo samples at these times of the call.

    Args:
        call_us: the time of each sample, microseconds.
        frequency_hz: the pitch.

    Returns:
        Signed samples of shape (times, 2).
    """
    since_second_us = call_us % 1_000_000
    rise = since_second_us / FADE_US
    fall = (BEEP_US - since_second_us) / FADE_US
    envelope = np.clip(np.minimum(rise, fall), 0.0, 1.0)
    tone = np.sin(2 * np.pi * frequency_hz * since_second_us / 1_000_000)
    mono = (_AMPLITUDE * envelope * tone).astype(np.int16)
    return np.stack((mono, mono), axis=1)
