"""Sound: what the media core asks of every audio codec.

A payload is a frame as it is, so nothing is depacketized: what is asked is how long a payload
plays, and what to play where there is none. Comfort noise (RFC 3389, payload type 13) and telephone
events (RFC 4733) are no codecs here: they have payload types of their own, and what does not bear
that of the track's codec is never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs import g722, opus
from isotrack.codecs.g711 import G711, PCMA_SILENCE, PCMU_SILENCE
from isotrack.codecs.g722 import G722
from isotrack.codecs.opus import Opus
from isotrack.codecs.silence import Silence


class AudioCodec(Protocol):
    """How the sound of one track is coded."""

    @property
    def clock_rate(self) -> int:
        """Of RTP timestamps, in Hz: the ticks below."""

    @property
    def sampling_frequency(self) -> int:
        """Of the sound itself, in Hz: for a file's header (G.722's is not the clock rate)."""

    def durations(
        self, buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """[n] ticks that the payloads at these places last; 0 for one that no decoder takes."""

    def silence(self, ticks: int) -> Silence:
        """Valid silent frames that together last at most so many ticks.

        What is left over is less than the codec's shortest frame.
        """


def audio_codec(name: str, clock_rate: int, channels: int, fmtp: Mapping[str, str]) -> AudioCodec:
    """The codec of a track, as signaling names it.

    Args:
        name: encoding name, lower case: `opus`, `pcmu`, `pcma` or `g722`.
        clock_rate: of RTP timestamps in Hz.
        channels: of the sound.
        fmtp: format parameters (RFC 8866 section 6.15).

    Raises:
        ValueError: there is no such codec here, or not with that clock or so many channels.
    """
    match name:
        case "opus":
            _demand(name, clock_rate, opus.CLOCK_RATE, "RFC 7587 section 7")
            if channels > 2 or "channel_mapping" in fmtp:
                raise ValueError(f"Opus of {channels} channels with a mapping of its own")
            return Opus()
        case "g722":
            _demand(name, clock_rate, g722.CLOCK_RATE, "RFC 3551 section 4.5.2")
            if channels != 1:
                raise ValueError(f"G.722 of {channels} channels: RTP knows it as mono only")
            return G722()
        case "pcmu":
            return G711(PCMU_SILENCE, clock_rate, channels)
        case "pcma":
            return G711(PCMA_SILENCE, clock_rate, channels)
    raise ValueError(f"no audio codec is called {name!r}")


def _demand(name: str, clock_rate: int, wanted: int, source: str) -> None:
    if clock_rate != wanted:
        raise ValueError(f"the RTP clock of {name} is {wanted} Hz ({source}), not {clock_rate}")
