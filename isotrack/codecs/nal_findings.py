"""What is found in NAL units that came by RTP, and the lengths written before them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.nal import LENGTH_SIZE
from isotrack.codecs.nal_format import PayloadFormat


class Slices(NamedTuple):
    """The last columns of `Media`, not yet in the order of the packets."""

    packet: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]


class Findings(NamedTuple):
    """The columns of `Media` that have a row for every packet, while they are filled in."""

    head: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    keyframe: NDArray[np.bool_]
    picture: NDArray[np.bool_]


def inspect(
    buffer: NDArray[np.uint8],
    form: PayloadFormat,
    kind: NDArray[np.integer],
    body: NDArray[np.int64],
    length: NDArray[np.int64],
) -> Findings:
    """What NAL units show: that a frame begins, that they are cut short, what they are of.

    Args:
        buffer: of the packets.
        form: of the payloads.
        kind: the types.
        body: where what follows the header begins.
        length: bytes of that; negative where not even the header is there.
    """
    has_flag = form.slices[kind]
    is_first = buffer[np.minimum(body, buffer.size - 1)] > 127
    broken = length < has_flag  # a slice has at least that byte, others no less than a header
    return Findings(
        head=(form.opening[kind] | has_flag & is_first) & ~broken,
        broken=broken,
        keyframe=form.keyframes[kind],
        picture=form.pictures[kind] & (length > 0),
    )


def write_lengths(
    buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> None:
    """Write lengths of `LENGTH_SIZE` bytes, the most significant first, at these places."""
    if not offset.size:  # in what may be no room for any
        return
    # An item of that size begins at every byte.
    item = f"V{LENGTH_SIZE}"
    items = np.ndarray((buffer.size - LENGTH_SIZE + 1,), item, buffer, strides=(1,))
    items[offset] = length.astype(">u4").view(item)
