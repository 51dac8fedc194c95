"""Frames: what a codec decodes at once, with the RTP time it is due; columns over one buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.media import Media


class Frames(NamedTuple):
    """Frames of one stream in decode order, still lying in the slices they arrived in."""

    timestamp: NDArray[np.int64]
    """[n] unwrapped RTP timestamp."""
    duration: NDArray[np.int64]
    """[n] in RTP ticks; 0 where the codec does not say (video)."""
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    """[n] something between this frame and the one before it was lost or left out."""
    rotation: NDArray[np.int16]
    """[n] degrees clockwise by which the picture is to be turned to stand upright; 0 of sound."""
    first_slice: NDArray[np.int64]
    """[n + 1] frame i is the slices first_slice[i] up to first_slice[i + 1]."""
    slice_offset: NDArray[np.int64]
    slice_length: NDArray[np.int64]
    buffer: NDArray[np.uint8]

    @property
    def count(self) -> int:  # type: ignore[override]  # not tuple.count: these are columns
        """Number of frames."""
        return len(self.timestamp)

    def take(self, kept: NDArray[np.bool_]) -> Frames:
        """The frames of a mask, their slices with them."""
        if kept.all():
            return self
        per_frame = np.diff(self.first_slice)
        slices = np.repeat(kept, per_frame)
        return self._replace(
            timestamp=self.timestamp[kept],
            duration=self.duration[kept],
            keyframe=self.keyframe[kept],
            after_loss=self.after_loss[kept],
            rotation=self.rotation[kept],
            first_slice=np.concatenate(([0], np.cumsum(per_frame[kept]))),
            slice_offset=self.slice_offset[slices],
            slice_length=self.slice_length[slices],
        )

    def frame(self, index: int) -> bytes:
        """The bytes of one frame."""
        whole = self.buffer.data
        run = slice(self.first_slice[index], self.first_slice[index + 1])
        begin = self.slice_offset[run]
        end = begin + self.slice_length[run]
        pairs = zip(begin.tolist(), end.tolist(), strict=True)
        return b"".join([whole[a:z] for a, z in pairs])


def group(media: Media, unit: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Where each access unit's slices begin, given the unit of each packet: [count + 1]."""
    units = unit[media.slice_packet]
    return np.searchsorted(units, np.arange(count + 1))
