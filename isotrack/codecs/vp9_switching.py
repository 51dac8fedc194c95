"""What VP9's switching up points say of the pictures behind them (RFC 9628 section 4.2).

U in a picture of the base layer says that later pictures of higher temporal layers need none of
higher layers from before it. VP8's Y says of a picture itself that it needs the base layer only;
here that holds for the first picture of a layer, or of one up to it, behind such a point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.vpx_layering import LONG_PICTURE_ID, SHORT_PICTURE_ID


def needs_base_only(
    picture: NDArray[np.int64], layer: NDArray[np.uint8], is_long: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the packets of pictures above the base layer that need nothing but it.

    A picture missing since the switching up point may be one they need, so none may be.

    Args:
        picture: PictureID, -1 without one.
        layer: the descriptor's byte of TID, U, SID and D.
        is_long: the PictureID has 15 bits.
    """
    temporal, points = layer >> 5, layer & 0xF0 == 0x10
    alone = np.zeros(picture.size, np.bool_)
    if not points.any() or not temporal.any():
        return alone
    begins = np.diff(picture, prepend=-2) != 0
    first = np.flatnonzero(begins)
    number, temporal, point = picture[first], temporal[first], points[first]
    modulo = np.where(is_long[first], LONG_PICTURE_ID, SHORT_PICTURE_ID)
    missing = np.diff(number, prepend=-2) % modulo != 1
    missing |= number < 0
    last_point = _last(point)
    unbroken = last_point >= _last(missing)
    found = np.zeros(first.size, np.bool_)
    for level in np.unique(temporal[temporal > 0]).tolist():
        before = np.append(-1, _last((temporal > 0) & (temporal <= level))[:-1])
        found |= (temporal == level) & unbroken & (last_point > before)
    alone[:] = found[np.cumsum(begins) - 1]
    return alone


def _last(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the last mark is, at each place and before it; -1 where there is none."""
    return np.maximum.accumulate(np.where(marks, np.arange(marks.size), -1))
