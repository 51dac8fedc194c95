"""The bytes of frames brought together: from slices all over a chunk into one piece.

Millions of slices are moved at the speed of copying memory, with nothing but numpy: items as long
as the longest slice are copied in the order in which they are to stand. What an item has too much
goes over what stands behind it, and is overwritten by the next.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_MAX_ITEM = 4096  # longer slices are few, and copied one by one
_BATCH = 64  # slices at a time: what lies between stays in the processor's cache

Allocate = Callable[[int], NDArray[np.uint8]]
"""Gives a buffer of so many bytes."""


def fresh(size: int) -> NDArray[np.uint8]:
    """A new buffer."""
    return np.empty(size, np.uint8)


def gather_slices(
    buffer: NDArray[np.uint8],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    target: NDArray[np.int64],
    size: int,
    allocate: Allocate = fresh,
) -> NDArray[np.uint8]:
    """A buffer with the slices at their places.

    Args:
        buffer: what they are slices of.
        offset: [n] where each begins in it.
        length: [n] bytes of each.
        target: [n] where each is to begin, each behind the end of the one before it.
        size: bytes of the buffer; those between slices may be anything.
        allocate: makes the buffer.
    """
    item = min(int(length.max(initial=1)), _MAX_ITEM)
    # Of what is left over of the last item, and of a slice too long to be one.
    room = allocate(size + item)
    gathered = room[:size]
    alone = (length > item) | (offset > buffer.size - item)
    if buffer.size >= item and not alone.all():
        rows = slice(None) if not alone.any() else np.flatnonzero(~alone)
        _copy_items(buffer, offset[rows], room, target[rows], item)
    for row in np.flatnonzero(alone).tolist():
        begin, place, count = int(offset[row]), int(target[row]), int(length[row])
        gathered[place : place + count] = buffer[begin : begin + count]
    return gathered


def gather_in_place(
    buffer: NDArray[np.uint8],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    target: NDArray[np.int64],
    size: int,
) -> NDArray[np.uint8] | None:
    """The same, moved to the front of the buffer they lie in, which nobody else may still need.

    None, and nothing is moved, where a slice would go over another one that is yet to be moved.
    """
    item = int(length.max(initial=1))
    if not len(offset) or item > _MAX_ITEM or int(offset.max()) + item > buffer.size:
        return None
    ends = target[_BATCH - 1 :: _BATCH] + item
    following = np.minimum.accumulate(offset[::-1])[::-1][_BATCH::_BATCH]
    if (ends[: len(following)] > following).any():
        return None
    _copy_items(buffer, offset, buffer, target, item)
    return buffer[:size]


def _copy_items(
    source: NDArray[np.uint8],
    offset: NDArray[np.int64],
    target: NDArray[np.uint8],
    place: NDArray[np.int64],
    item: int,
) -> None:
    """Copy items of `item` bytes one after the other, each over the end of the one before it."""
    # An item begins at every byte. Assignment by index goes through the indexes in their order.
    from_items = np.ndarray((source.size - item + 1,), f"V{item}", source, strides=(1,))
    to_items = np.ndarray((target.size - item + 1,), f"V{item}", target, strides=(1,))
    for start in range(0, offset.size, _BATCH):
        batch = slice(start, start + _BATCH)
        to_items[place[batch]] = from_items[offset[batch]]
