"""What of a lane is in a file: how many frames, from when to when, and where it stands still."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isotrack.media.moments import Moments
from isotrack.media.silence import MUTE_US
from isotrack.media.stretches import Stretches

_LONGEST_PICTURE_US = 1_000_000  # one that stands longer does so because nothing came after it
_ONLY_PICTURE_US = 33_333
_NEVER = np.iinfo(np.int64).min


class LaneExtent:
    """What of a lane is in a file, as it grows."""

    def __init__(self, *, is_video: bool) -> None:
        self.is_video = is_video
        self._last_us: int | None = None
        self._previous_us = _NEVER  # of the latest two pictures the earlier one
        self.frames = 0
        self.first_us: int | None = None
        self.end_us = 0
        """When its last frame ends."""
        self.freezes = Stretches()
        """Where a picture stands still: from the last one before a loss to the next one."""
        self.mutes = Stretches()
        """Between pictures more than `MUTE_US` apart with nothing lost between them."""
        self.keyframes = Moments()
        """Of pictures."""

    def add(
        self,
        time_us: NDArray[np.int64],
        duration_us: NDArray[np.int64],
        after_loss: NDArray[np.bool_],
        keyframe: NDArray[np.bool_],
    ) -> None:
        """Note further frames."""
        if not len(time_us):
            return
        self.frames += len(time_us)
        if self.first_us is None:
            self.first_us = int(time_us[0])
        if self.is_video:
            self.keyframes.add(time_us[keyframe])
            self._add_pictures(time_us, after_loss)
        else:
            self.end_us = max(self.end_us, int((time_us + duration_us).max()))

    def _add_pictures(self, time_us: NDArray[np.int64], after_loss: NDArray[np.bool_]) -> None:
        """Pictures last until the next; the last one as long as the one before it."""
        last_us = int(time_us[0]) if self._last_us is None else self._last_us
        steps = np.empty_like(time_us)
        steps[0] = time_us[0] - last_us
        np.subtract(time_us[1:], time_us[:-1], out=steps[1:])
        apart = steps > MUTE_US
        if np.count_nonzero(after_loss):
            apart |= after_loss & (steps > 0)
        for i in apart.nonzero()[0].tolist():
            stretches = self.freezes if after_loss[i] else self.mutes
            stretches.add(int(time_us[i] - steps[i]), int(time_us[i]))
        in_order = time_us if not np.count_nonzero(steps < 0) else np.sort(time_us)
        latest = max(int(in_order[-1]), last_us)
        earlier = in_order[: in_order.searchsorted(latest)]
        self._previous_us = max(
            self._previous_us,
            int(earlier[-1]) if len(earlier) else _NEVER,
            last_us if last_us < latest else _NEVER,
        )
        alone = self._previous_us == _NEVER
        length = _ONLY_PICTURE_US if alone else latest - self._previous_us
        self.end_us = latest + min(length, _LONGEST_PICTURE_US)
        self._last_us = latest
