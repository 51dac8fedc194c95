"""The VP9 payload descriptor (RFC 9628 section 4.2).

All but its first byte are optional:

0 1 2 3 4 5 6 7
+-+-+-+-+-+-+-+-+
|I|P|L|F|B|E|V|Z|  P: inter-picture predicted; B, E: a layer frame begins, ends
|M| PICTURE ID  |  if I; 15 bits if M
| TID |U| SID |D|  if L; U: switching up point; D: predicted from the layer below
|   TL0PICIDX   |  if L, and not F
|   P_DIFF    |N|  if P and F, in flexible mode; up to three, N: one more follows
| N_S |Y|G|  -  |  if V, the scalability structure: of N_S and one spatial layers
| WIDTH, HEIGHT |  if Y, 16 bits each, for each of those layers
|      N_G      |  if G, so many pictures in a group; for each of them:
| TID |U| R | - |      and R times
|    P_DIFF     |
+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.openings import Openings
from isotrack.codecs.vpx_layering import optional, picture_ids

PICTURE, INTER, LAYER, FLEXIBLE, BEGIN, END, STRUCTURE = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
"""I, P, L, F, B, E and V of the first byte."""

_SIZES, _GROUP = 0x10, 0x08
_MAX_REFERENCES = 3


class Descriptors(NamedTuple):
    """Payload descriptors read: columns, a row per packet with payload."""

    flags: NDArray[np.uint8]
    """The first byte."""
    media: NDArray[np.int64]
    """Where the media begins; behind the payload's end if the descriptor is truncated."""
    sound: NDArray[np.bool_]
    """Not truncated, and none that RFC 9628 rules out."""
    picture: NDArray[np.int64]
    """PictureID; -1 without one."""
    is_long: NDArray[np.bool_]
    """The PictureID has 15 bits."""
    layer: NDArray[np.uint8]
    """TID, U, SID and D; 0 without them."""
    base: NDArray[np.int64]
    """TL0PICIDX; -1 without one."""
    references: NDArray[np.int64]
    """[n, 3] P_DIFF, 0 where there is none; [n, 0] where nobody uses flexible mode."""


def read_descriptors(
    buffer: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> Descriptors:
    """Read every field of the descriptors of payloads, none of them empty.

    Each byte read is also stepped over, so a byte read from behind the end shows in the result.
    """
    openings = Openings(buffer, begin)
    flags = openings.byte(0)
    has_picture, has_layer = flags > 127, flags & LAYER != 0
    flexible = flags & FLEXIBLE != 0
    high = openings.byte(1)
    is_long = has_picture & (high > 127)
    length = 1 + has_picture.astype(np.int64)
    low = openings.byte(length)
    length += is_long
    layer = openings.byte(length) * has_layer
    length += has_layer
    has_base = flags & (LAYER | FLEXIBLE) == LAYER
    base = optional(openings.byte(length), has_base)
    length += has_base
    # A difference to the number of the picture says nothing without that number.
    sound = has_picture | ~flexible
    at = begin + length
    references = np.zeros((flags.size, _MAX_REFERENCES if flexible.any() else 0), np.int64)
    sound[_read_references(buffer, at, flags, references)] = False
    structured = np.flatnonzero(flags & STRUCTURE)
    if structured.size:
        at[structured] = _skip_structure(buffer, at[structured])
    picture = optional(picture_ids(high, low, is_long), has_picture)
    return Descriptors(flags, at, sound & (at <= end), picture, is_long, layer, base, references)


def _read_references(
    buffer: NDArray[np.uint8],
    at: NDArray[np.int64],
    flags: NDArray[np.uint8],
    references: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Fill in `references`, move `at` behind them; the rows that announce more than there can be.

    Flexible mode without inter-picture prediction has none.
    """
    last = buffer.size - 1
    if not references.size:
        return np.empty(0, np.int64)
    more = np.flatnonzero(flags & (INTER | FLEXIBLE) == INTER | FLEXIBLE)
    for turn in range(_MAX_REFERENCES):
        difference = buffer[np.minimum(at[more], last)]
        references[more, turn] = difference >> 1
        at[more] += 1
        more = more[difference & 1 != 0]
    return more


def _skip_structure(buffer: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the scalability structures end that begin here (section 4.2.1)."""
    last = buffer.size - 1
    fields = buffer[np.minimum(at, last)].astype(np.int64)
    at = at + 1 + np.where(fields & _SIZES, 4 * ((fields >> 5) + 1), 0)
    has_group = fields & _GROUP != 0
    pictures = np.where(has_group, buffer[np.minimum(at, last)], np.int64(0))
    at += has_group
    for turn in range(int(pictures.max(initial=0))):
        more = np.flatnonzero(pictures > turn)
        at[more] += 1 + (buffer[np.minimum(at[more], last)] >> 2 & 3)
    return at
