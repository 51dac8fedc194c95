"""Audio level of a client (RFC 6464): how loud a packet's sound is, without decoding it.

The header extension is one byte, whichever form it comes in (section 3):

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |V|   level     |  V: the sender hears a voice; level: -dBov, 0 the loudest, 127 silence
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

SILENCE = 127
"""The level of digital silence, and of all that is less loud than -126 dBov."""

ABSENT = -1


class AudioLevels(NamedTuple):
    """Levels of packets: columns, a row per packet."""

    level: NDArray[np.int8]
    """-dBov, 0 to 127; ABSENT where the packet does not say."""
    voice: NDArray[np.bool_]
    """The sender's own detector says voice; chance where the level is 127 (Chromium sets it)."""


def read_audio_levels(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> AudioLevels:
    """The levels in the elements at these places (`isotrack.rtp.extensions`).

    An element of another size than one byte is not one: the packet does not say (edge case 33).

    Args:
        buffer: what the packets lie in.
        offset: of each packet's element; -1 where it has none.
        length: bytes of the element.
    """
    says = (offset >= 0) & (length == 1)
    value = buffer.take(offset * says)
    level = (value & 0x7F).view(np.int8)
    level[~says] = ABSENT
    return AudioLevels(level, (value > 127) & says)
