"""What the RTP payload formats of H.264 (RFC 6184) and H.265 (RFC 7798) have of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def kinds(types: Iterable[int]) -> NDArray[np.bool_]:
    """A table that says of each NAL unit type whether it is one of these."""
    return np.isin(np.arange(64), list(types))


class PayloadFormat(NamedTuple):
    """What the payload format of one codec has of its own: numbers, and tables of NAL unit types.

    The first byte of a NAL unit header holds the type, `shift` bits from the right.
    """

    name: str
    """The codec's, for errors."""
    header: int
    """Bytes of a NAL unit header, and so of a payload header."""
    shift: int
    mask: int
    """All bits of a type."""
    aggregate: int
    """Type of a payload that holds several NAL units: STAP-A, AP."""
    fragment: int
    """Type of a payload that holds a part of one: FU-A, FU."""
    of_rtp: NDArray[np.bool_]
    """Payload structures, which are no NAL units: the two and others."""
    unreadable: NDArray[np.bool_]
    """The others: WebRTC never negotiates them."""
    left_out: NDArray[np.bool_]
    """What is not written to the file."""
    pictures: NDArray[np.bool_]
    """Picture data."""
    slices: NDArray[np.bool_]
    """Those whose first bit behind the header is set where they are the first of their picture."""
    opening: NDArray[np.bool_]
    """What stands before a picture."""
    prefixes: NDArray[np.bool_]
    """What stands before a slice, and begins a picture where that does."""
    keyframes: NDArray[np.bool_]
    donl: int = 0
    """Bytes of each decoding order number (RFC 7798 section 4.4): 0 or 2."""

    def kind(self, first: NDArray[np.uint8]) -> NDArray[np.integer]:
        """The types in the first bytes of headers."""
        return first >> self.shift & self.mask
