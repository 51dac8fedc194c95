"""Which frames can be decoded after a loss: those that need nothing of what is missing.

Without any word of the payload format that is none before the next keyframe. Where packets say how
frames hang together (`codecs.media.Layering`), a lost frame of an upper temporal layer costs that
layer, and a gap that was padding costs nothing (edge cases 58, 59, 89).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import Layering, Layers

_ALL = 1 << 30  # temporal layers that can be decoded when nothing is missing
_NONE = -1
_REMEMBERED = 512  # missing pictures: none is referred to that long
_MAX_GAP = 256  # a longer gap is no loss of frames, but of everything
_LONG = 1 << 15  # numbers that wrap sooner tell one picture from its neighbors, and no more


class Units(NamedTuple):
    """Access units and what is known of each: columns."""

    first: NDArray[np.int64]
    """[n + 1] unit i is the packets first[i] up to first[i + 1]."""
    timestamp: NDArray[np.int64]
    whole: NDArray[np.bool_]
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    """[n] there is a picture in it, or a part of one."""
    chained: bool = False
    """`whole` says already what can be decoded, as long as decoding has begun (spatial layers)."""

    @property
    def unit(self) -> NDArray[np.int64]:
        """[packets] the unit of each packet."""
        return np.arange(len(self.first) - 1).repeat(self.first[1:] - self.first[:-1])


class Decodability:
    """Follows one stream: what of it can be decoded at any time."""

    def __init__(self) -> None:
        self._intact = _NONE  # nothing can be decoded before the first keyframe
        self._last: Callable[[], _Place | None] = _nowhere
        self._missing: dict[int, None] = {}

    def kept(
        self, units: Units, entry: NDArray[np.bool_], layers: Layers | None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which units can be decoded, and before which of them something was really lost.

        Args:
            units: the next ones, in decode order.
            entry: at which of them decoding can begin.
            layers: gives the layering of their packets.
        """
        if units.chained:
            return self._begun(units, entry), units.after_loss
        if self._goes_on(units, entry):
            if len(entry):
                last = int(units.first[-1]) - 1
                self._last = partial(_place_of, layers, range(last, last + 1))
            return units.shown, units.after_loss
        rows, columns = units.first.tolist(), None if layers is None else layers()
        kept = np.zeros(len(entry), np.bool_)
        lost = units.after_loss.copy()
        last_place = self._last()
        for i in range(len(entry)):
            place = None if columns is None else _place(columns, range(*rows[i : i + 2]))
            if lost[i]:
                lost[i] = self._lose_between(last_place, place)
            if entry[i]:
                self._intact = _ALL
                self._missing.clear()
                kept[i] = units.shown[i]
            elif not units.whole[i] or units.keyframe[i]:
                self._lose(place)
            elif units.shown[i]:
                kept[i] = self._can_decode(place)
                if place is not None:
                    self._note(place.pictures, missing=not kept[i])
            last_place = place or last_place
        self._last = partial(_same, last_place)
        return kept, lost

    def _goes_on(self, units: Units, entry: NDArray[np.bool_]) -> bool:
        """Whether nothing is missing, and nothing was before."""
        return (
            self._intact == _ALL
            and not self._missing
            and np.count_nonzero(units.whole) == len(units.whole)
            and not np.count_nonzero(units.after_loss)
            and not np.count_nonzero(units.keyframe & ~entry)
        )

    def _begun(self, units: Units, entry: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The whole units from the first entry on."""
        begun = np.logical_or.accumulate(entry) | (self._intact == _ALL and not self._missing)
        if len(begun) and begun[-1]:
            self._intact = _ALL
        kept: NDArray[np.bool_] = units.whole & begun
        return kept

    def _can_decode(self, place: _Place | None) -> bool:
        if self._intact == _ALL and not self._missing:
            return True
        if place is None:
            return self._intact == _ALL
        if place.references is not None and self._intact > _NONE:
            return not place.references & self._missing.keys()
        if place.sync and self._intact > _NONE:
            if place.temporal == self._intact + 1:
                self._intact = place.temporal
            return True
        return 0 <= place.temporal <= self._intact

    def _lose_between(self, last: _Place | None, place: _Place | None) -> bool:
        """Note what is missing before a unit; False when it was nothing that anybody misses."""
        if last is None or place is None:
            self._intact = _NONE
            return True
        step = (place.first - last.picture) % place.modulo
        numbered = place.first >= 0 and last.picture >= 0
        if numbered and step == 1:
            return False
        expected = last.base if place.temporal else (last.base + 1) % 256
        if numbered and place.references is not None and 1 < step < _MAX_GAP:
            between = [(last.picture + number) % place.modulo for number in range(1, step)]
            self._note(between, missing=True)
        elif numbered and step >= _MAX_GAP:
            self._intact = _NONE
        elif place.base >= 0 and place.temporal >= 0 and place.base == expected:
            self._intact = min(self._intact, 0)
        else:
            self._intact = _NONE
        return True

    def _lose(self, place: _Place | None) -> None:
        """A unit that is there is of no use."""
        if place is not None and place.references is not None:
            self._note(place.pictures, missing=True)
        elif place is not None and place.temporal > 0:
            self._intact = min(self._intact, place.temporal - 1)
        else:
            self._intact = _NONE

    def _note(self, pictures: Sequence[int], *, missing: bool) -> None:
        """Pictures are missing, or cannot be decoded; or they can, as those now of their number."""
        for number in pictures:
            self._missing.pop(number, None)
            if missing:
                self._missing[number] = None
        while len(self._missing) > _REMEMBERED:
            del self._missing[next(iter(self._missing))]


class _Place(NamedTuple):
    """What the packets of a unit say of its place among the others."""

    first: int
    """Number of its first picture; -1 where there is none."""
    picture: int
    """Number of its last picture: spatial layers may have one each."""
    modulo: int
    base: int
    temporal: int
    sync: bool
    references: frozenset[int] | None
    """Numbers of the pictures it needs; None where they are not all known."""

    @property
    def pictures(self) -> list[int]:
        """The numbers of its pictures, where they tell these from all others for long enough."""
        if self.first < 0 or self.picture < 0 or self.modulo < _LONG:
            return []
        count = (self.picture - self.first) % self.modulo + 1
        return [(self.first + i) % self.modulo for i in range(count)] if count < _MAX_GAP else []


def _nowhere() -> None:
    """Of nothing."""


def _same(place: _Place | None) -> _Place | None:
    return place


def _place_of(layers: Layers | None, rows: range) -> _Place | None:
    """The place of the unit of these packets, where they tell."""
    columns = None if layers is None else layers()
    return None if columns is None else _place(columns, rows)


def _place(layering: Layering, rows: range) -> _Place:
    """The place of the unit of these packets."""
    own = [int(layering.picture[row]) for row in rows]
    row, modulo = rows[0], int(layering.modulo[rows[0]])
    references = None
    if modulo >= _LONG and all(layering.exact[row] for row in rows):
        references = frozenset(
            (picture - difference) % modulo
            for picture, row in zip(own, rows, strict=True)
            for difference in layering.references[row].tolist()
            if difference
        ) - frozenset(own)
    return _Place(
        own[0],
        own[-1],
        modulo,
        int(layering.base[row]),
        int(layering.temporal[row]),
        bool(layering.sync[row]),
        references,
    )
