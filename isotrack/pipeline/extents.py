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
        before = np.concatenate(([last_us], time_us[:-1]))
        steps = time_us - before
        for i in np.flatnonzero((after_loss & (steps > 0)) | (steps > MUTE_US)).tolist():
            stretches = self.freezes if after_loss[i] else self.mutes
            stretches.add(int(before[i]), int(time_us[i]))
        latest = max(int(time_us.max()), last_us)
        earlier = (self._previous_us, int(time_us[time_us < latest].max(initial=_NEVER)))
        self._previous_us = max(*earlier, last_us if last_us < latest else _NEVER)
        alone = self._previous_us == _NEVER
        length = _ONLY_PICTURE_US if alone else latest - self._previous_us
        self.end_us = latest + min(length, _LONGEST_PICTURE_US)
        self._last_us = latest
