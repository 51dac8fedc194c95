"""Simulcast: which of the layers of a picture is seen when.

A publisher sends the same picture in several sizes, each a stream of its own (RFC 8853). What is
seen is the highest that is alive, and a change of layers begins with a keyframe of the layer
changed to. A layer that stops is followed by whichever lower one first has a keyframe (edge case
208); back up it goes with the first keyframe of a higher layer that goes on behind it.

To know what goes on, the choice is made some seconds behind what has come. It depends on the times
of frames alone, not on how they come in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.ranks import median

PATIENCE_US = 750_000
"""A layer that has no frame for so long beyond its usual pace, while another layer does, has
stopped: longer than a retransmission or a keyframe asked for takes, too short to bother people."""

SLOWEST_PACE_US = 2_000_000
"""A layer is given no more for its usual pace: screens are shared at a frame a second or so."""

TOGETHER_US = 100_000
"""Keyframes that were asked for at once come this close together: the highest is the one to take,
not each in turn."""

_RESUMED_US = 500_000  # for others to go on, before a layer is judged by them and after

LOOKAHEAD_US = TOGETHER_US + PATIENCE_US + SLOWEST_PACE_US + 2 * _RESUMED_US
"""What has to be known behind a keyframe, to choose."""

LATE_US = 5_000_000
"""No frame comes that long after those of its time in other layers: packets wait at most four
seconds to be put in order (`ordering`)."""

_SAME_US = 8_000  # a frame that close before the first one of another layer shows the same picture
_NOTICED_US = 250_000  # a change of layers for which the picture stands still longer is a freeze
_PACED = 9  # frames from which the pace of a layer is told
_NEVER = 1 << 62


class Run(NamedTuple):
    """Frames that are seen one after the other, all of one layer."""

    layer: int
    first: int
    """Number of the first among all frames of the layer."""
    end: int
    """One more than that of the last."""
    begins: bool
    """With a keyframe, after another layer or after nothing."""
    frozen: bool
    """Before it the picture stood still: other frames were there, but no keyframe."""


class _Layer:
    """The frames of one layer from a little before the choice on."""

    def __init__(self, rank: tuple[int, ...]) -> None:
        self.rank = rank
        self.time_us = np.zeros(0, np.int64)
        self.keyframe = np.zeros(0, np.bool_)
        self.number = 0
        """Of the first of them."""
        self.over = False

    @property
    def latest_us(self) -> int:
        """When the last frame is due; -1 where none ever came."""
        return int(self.time_us[-1]) if len(self.time_us) else -1

    def add(self, time_us: NDArray[np.int64], keyframe: NDArray[np.bool_]) -> None:
        """Append frames; pictures that play out of decode order are due with the latest."""
        due = np.maximum(np.maximum.accumulate(time_us), self.latest_us)
        self.time_us = np.concatenate((self.time_us, due))
        self.keyframe = np.concatenate((self.keyframe, keyframe))

    def at(self, time_us: int, *, side: str) -> int:
        """How many frames there are before a time (`left`), or up to it (`right`)."""
        return int(np.searchsorted(self.time_us, time_us, side=side))  # type: ignore[call-overload]

    def after(self, time_us: int) -> int:
        """When the first frame after a time is due; _NEVER if none is known."""
        index = self.at(time_us, side="right")
        return int(self.time_us[index]) if index < len(self.time_us) else _NEVER

    def pace_us(self, index: int) -> int:
        """The usual time between frames, as it was up to this one; the longest of the first one."""
        steps = np.diff(self.time_us[max(index - _PACED, 0) : index + 1])
        return min(int(median(steps)), SLOWEST_PACE_US) if len(steps) else SLOWEST_PACE_US

    def forget(self, count: int) -> None:
        """Drop frames from the front."""
        self.time_us, self.keyframe = self.time_us[count:], self.keyframe[count:]
        self.number += count


class _Entry(NamedTuple):
    """A keyframe that the picture may go on with."""

    time_us: int
    layer: int
    held: int
    """Which of the frames held of the layer."""


class LayerSelector:
    """Chooses among the layers of one picture; holds the times of some seconds of frames.

    Args:
        ranks: of each layer, the highest the best: its size, then its bitrate.
    """

    def __init__(self, ranks: Sequence[tuple[int, ...]]) -> None:
        self._layers = [_Layer(rank) for rank in ranks]
        self._current: int | None = None
        self._next = 0  # number of the frame to go on with
        self._begins = self._frozen = False
        self._seen_us = -1
        self._waiting_us: int | None = None  # when others went on behind the last frame seen
        self.decided_us = -1
        """What is seen up to here has been chosen; never changes again."""

    def add(self, layer: int, time_us: NDArray[np.int64], keyframe: NDArray[np.bool_]) -> None:
        """Take in frames of a layer in decode order, with the time they play."""
        self._layers[layer].add(time_us, keyframe)

    def end_of(self, layer: int) -> None:
        """Expect nothing more of a layer."""
        self._layers[layer].over = True

    def choose(self) -> list[Run]:
        """What is seen next, as far as it is certain."""
        until_us = self._certain_us()
        if until_us <= self.decided_us:
            return []
        runs: list[Run] = []
        for entry in self._entries(until_us):
            if entry.time_us > self._seen_us and self._is_better(entry):
                runs += self._show(entry.time_us - _SAME_US)
                self._begin(entry)
        runs += self._show(until_us - _SAME_US if until_us < _NEVER else until_us)
        self.decided_us = until_us
        self._remember_waiting(until_us)
        for layer in self._layers:
            layer.forget(max(layer.at(until_us - _SAME_US, side="right") - _PACED - 1, 0))
        return runs

    @property
    def shown_us(self) -> int:
        """What is given from now on plays later."""
        return max(self.decided_us - _SAME_US, 0)

    def passed(self, layer: int) -> int:
        """Up to which frame of a layer all are seen or never will be."""
        if layer == self._current:
            return self._next
        chosen = self._layers[layer]
        return chosen.number + chosen.at(self.decided_us, side="right")

    def _certain_us(self) -> int:
        """Up to when a choice can be made: enough is known of what follows."""
        newest_us = max(layer.latest_us for layer in self._layers)
        known = [
            max(layer.latest_us, newest_us - LATE_US) for layer in self._layers if not layer.over
        ]
        return min(known) - LOOKAHEAD_US if known else _NEVER

    def _entries(self, until_us: int) -> Iterator[_Entry]:
        """The keyframes not yet decided on, in the order they play, the highest of equals first."""
        found: list[_Entry] = []
        for number, layer in enumerate(self._layers):
            first = layer.at(self.decided_us, side="right")
            end = layer.at(until_us, side="right")
            keyframes = first + np.flatnonzero(layer.keyframe[first:end])
            times = layer.time_us[keyframes].tolist()
            found += map(_Entry, times, [number] * len(times), keyframes.tolist())
        ranks = [layer.rank for layer in self._layers]
        found.sort(key=lambda entry: ranks[entry.layer], reverse=True)
        found.sort(key=lambda entry: entry.time_us)
        return iter(found)

    def _is_better(self, entry: _Entry) -> bool:
        """Whether the picture is to go on with this keyframe."""
        if entry.layer == self._current or self._is_outdone(entry):
            return False
        if self._current is None:
            return True
        current = self._layers[self._current]
        last = current.at(entry.time_us, side="left") - 1
        if self._stops(self._current, last, entry.time_us):
            return True
        return self._layers[entry.layer].rank > current.rank and self._goes_on(entry)

    def _is_outdone(self, entry: _Entry) -> bool:
        """Whether a layer to be preferred has a keyframe at the same time, or hardly later."""
        merit = self._goes_on(entry), self._layers[entry.layer].rank
        for number, layer in enumerate(self._layers):
            first = layer.at(entry.time_us, side="left")
            end = layer.at(entry.time_us + TOGETHER_US, side="right")
            for index in (first + np.flatnonzero(layer.keyframe[first:end])[:1]).tolist():
                other = _Entry(int(layer.time_us[index]), number, index)
                if (self._goes_on(other), layer.rank) > merit:
                    return True
        return False

    def _goes_on(self, entry: _Entry) -> bool:
        return not self._stops(entry.layer, entry.held, entry.time_us)

    def _stops(self, number: int, index: int, at_us: int) -> bool:
        """Whether a layer has nothing behind this frame while others go on.

        Where the others pause as well, nobody sends anything: a mute, a screen that stands still.

        Args:
            number: of the layer.
            index: of the frame among those held.
            at_us: when this is asked; only what is certain by then is looked at.
        """
        layer = self._layers[number]
        time_us = int(layer.time_us[index])
        certain_us = at_us + LOOKAHEAD_US - TOGETHER_US
        given_up_us = self._others_after(number, time_us) + PATIENCE_US + layer.pace_us(index)
        following = layer.time_us[index + 1 : index + 2].tolist()
        if given_up_us > certain_us - _RESUMED_US or (following and following[0] <= given_up_us):
            return False
        return self._others_after(number, given_up_us) <= certain_us

    def _others_after(self, number: int, time_us: int) -> int:
        """When the next frame of another layer is due."""
        remembered = number == self._current and time_us == self._seen_us
        if remembered and self._waiting_us is not None:
            return self._waiting_us
        others = [layer for i, layer in enumerate(self._layers) if i != number]
        return min((layer.after(time_us) for layer in others), default=_NEVER)

    def _begin(self, entry: _Entry) -> None:
        """Go on with a keyframe."""
        if self._current is not None:
            waiting_us = self._others_after(self._current, self._seen_us)
            self._frozen = entry.time_us - waiting_us > _NOTICED_US
        self._current, self._begins = entry.layer, True
        self._next = self._layers[entry.layer].number + entry.held

    def _remember_waiting(self, until_us: int) -> None:
        """Keep what is to be forgotten: since when the others have been ahead of the picture."""
        if self._current is not None and self._waiting_us is None:
            waiting_us = self._others_after(self._current, self._seen_us)
            self._waiting_us = waiting_us if waiting_us <= until_us < _NEVER else None

    def _show(self, until_us: int) -> list[Run]:
        """The frames of the current layer up to a time."""
        if self._current is None:
            return []
        layer = self._layers[self._current]
        end = layer.number + layer.at(until_us, side="right")
        if end <= self._next:
            return []
        run = Run(self._current, self._next, end, self._begins, self._frozen)
        self._seen_us = int(layer.time_us[end - 1 - layer.number])
        self._waiting_us = None
        self._next, self._begins, self._frozen = end, False, False
        return [run]
