"""Frames: what a codec decodes at once, with the RTP time it is due; columns over one buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.keyframes import WHOLE
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

    def frame(self, index: int, limit: int = WHOLE) -> bytes:
        """The bytes of one frame; at least so many of them, if it has so many."""
        whole, found, size = self.buffer.data, [], 0
        run = slice(self.first_slice[index], self.first_slice[index + 1])
        places = zip(self.slice_offset[run].tolist(), self.slice_length[run].tolist(), strict=True)
        for begin, length in places:
            found.append(whole[begin : begin + length])
            size += length
            if size >= limit:
                break
        return b"".join(found)


def group(media: Media, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the slices of each access unit begin: [n + 1].

    Args:
        media: of the packets.
        first: [n + 1] where the packets of each unit begin.
    """
    return first if media.plain else media.slice_packet.searchsorted(first)
