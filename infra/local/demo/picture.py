"""What a camera of the demo sees: a name, a clock, a bar that sweeps, a flash on each second.

Everything is a function of the call's time, so all cameras of a call flash at the same instants,
and whoever looks at the files, person or test, can tell whether they line up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from infra.local.demo import lettering

SECOND_US = 1_000_000
FLASH_US = 80_000
"""How long a flash lasts: two to three pictures of a camera at 25 to 30 a second."""

_BLACK, _WHITE = 16, 235  # limited range luma (ITU-R BT.601)
_GRAY = 128  # no color
_CHROMAS = ((110, 100), (150, 110), (100, 150), (120, 160), (160, 130), (105, 125))


def flashes(call_us: int) -> bool:
    """Whether a picture taken at this time of the call is white."""
    return call_us % SECOND_US < FLASH_US


def clock_face(call_us: int) -> str:
    """The time of the call as `MM:SS.mmm`."""
    seconds, us = divmod(call_us, SECOND_US)
    return f"{seconds // 60:02d}:{seconds % 60:02d}.{us // 1000:03d}"


class Painter:
    """Paints pictures of one size for one participant, in planar 4:2:0."""

    def __init__(self, name: str, width: int, height: int, *, color: int) -> None:
        """Prepare what does not move; `color` is any number: equal numbers, equal colors."""
        self._width, self._height = width, height
        self._dark = self._ground(np.linspace(40, 110, width), _CHROMAS[color % len(_CHROMAS)])
        self._light = self._ground(np.full(width, _WHITE), (_GRAY, _GRAY))
        self._clock_scale = max(1, width // ((lettering.WIDTH + 1) * len("00:00.000") + 4))
        scale = max(1, min(self._clock_scale // 2, width // (lettering.WIDTH + 1) // len(name)))
        self._write(self._dark, name, scale, row=height // 6, luma=_WHITE)
        self._write(self._light, name, scale, row=height // 6, luma=_BLACK)

    def paint(self, call_us: int) -> NDArray[np.uint8]:
        """The picture at a time of the call, of shape (height * 3 / 2, width)."""
        flash = flashes(call_us)
        picture = (self._light if flash else self._dark).copy()
        ink = _BLACK if flash else _WHITE
        row = self._height // 2
        self._write(picture, clock_face(call_us), self._clock_scale, row=row, luma=ink)
        end = self._width * (call_us % SECOND_US) // SECOND_US
        top = self._height - self._height // 8
        picture[top : top + max(4, self._height // 24), :end] = ink
        return picture

    def _ground(self, luma: NDArray[np.float64], chroma: tuple[int, int]) -> NDArray[np.uint8]:
        quarter = self._height * self._width // 4
        return np.concatenate(
            (
                np.tile(luma.astype(np.uint8), self._height),
                np.full(quarter, chroma[0], np.uint8),
                np.full(quarter, chroma[1], np.uint8),
            )
        ).reshape(self._height * 3 // 2, self._width)

    def _write(
        self, picture: NDArray[np.uint8], text: str, scale: int, *, row: int, luma: int
    ) -> None:
        dots = lettering.lettering(text, scale)[: self._height - row, : self._width]
        left = (self._width - dots.shape[1]) // 2
        picture[row : row + dots.shape[0], left : left + dots.shape[1]][dots] = luma
