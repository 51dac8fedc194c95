"""`Layering` of VP8 and VP9, whose payload descriptors have much in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import Layering

SHORT_PICTURE_ID, LONG_PICTURE_ID = 1 << 7, 1 << 15
"""What a PictureID wraps at, in 7 and in 15 bits."""


def optional(
    values: NDArray[np.integer], present: NDArray[np.integer] | NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The values of a field, and -1 where `present` is 0; takes half the time of `np.where`."""
    marked: NDArray[np.int64] = (values.astype(np.int64) + 1) * (present != 0) - 1
    return marked


def picture_ids(
    high: NDArray[np.uint8], low: NDArray[np.uint8], is_long: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """PictureIDs of 15 bits, or of 7 where there is no low byte."""
    return (high.astype(np.int64) << 8 * is_long | low * is_long) & LONG_PICTURE_ID - 1


def spread(
    layering: Layering, rows: NDArray[np.int64], sound: NDArray[np.bool_], count: int
) -> Layering:
    """The layering of so many packets, from that of those in `rows`.

    The others, and those whose descriptor is not sound, say nothing.
    """
    if rows.size == count and sound.all():
        return layering
    whole = Layering(
        picture=np.full(count, -1, np.int64),
        modulo=np.full(count, SHORT_PICTURE_ID, np.int64),
        base=np.full(count, -1, np.int64),
        temporal=np.full(count, -1, np.int64),
        sync=np.zeros(count, np.bool_),
        exact=np.zeros(count, np.bool_),
        references=np.zeros((count, layering.references.shape[1]), np.int64),
    )
    rows = rows[sound]
    whole.picture[rows] = layering.picture[sound]
    whole.modulo[rows] = layering.modulo[sound]
    whole.base[rows] = layering.base[sound]
    whole.temporal[rows] = layering.temporal[sound]
    whole.sync[rows] = layering.sync[sound]
    whole.exact[rows] = layering.exact[sound]
    whole.references[rows] = layering.references[sound]
    return whole
