"""What every payload format takes and gives: packets in decode order in, media slices out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class PacketColumns(Protocol):
    """The columns of RTP packets that a payload format reads (`isotrack.rtp.packet.Packets`)."""

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """The bytes all offsets point into."""

    @property
    def sequence_number(self) -> NDArray[np.uint16]:
        """In decode order, so that a gap is a missing packet."""

    @property
    def timestamp(self) -> NDArray[np.uint32]:
        """The same in all packets of a frame."""

    @property
    def payload_offset(self) -> NDArray[np.int64]:
        """Where each payload begins; the RTP header's twelve bytes and more stand before it."""

    @property
    def payload_length(self) -> NDArray[np.int64]:
        """Bytes of each payload."""


class Layering(NamedTuple):
    """What packets say of the place of their frame among the others: columns, a row per packet.

    It tells a lost frame that others need from one that nobody misses (a layer above), and from
    packets that were none at all (padding, FEC).
    """

    picture: NDArray[np.int64]
    """Number of the picture (PictureID, frame number), not unwrapped; -1 where the packet has none.
    """
    modulo: NDArray[np.int64]
    """What `picture` wraps at: 128, 32768 or 65536."""
    base: NDArray[np.int64]
    """Number of the base layer's picture that this one is, or hangs on (TL0PICIDX), modulo 256; -1.
    """
    temporal: NDArray[np.int64]
    """Temporal layer, 0 the base; -1 where the packet does not say."""
    sync: NDArray[np.bool_]
    """Needs nothing but the base layer, in spite of being above it (VP8's Y; of VP9, the first
    picture behind a switching point)."""
    exact: NDArray[np.bool_]
    """`references` are all that the frame needs."""
    references: NDArray[np.int64]
    """[n, k] the pictures it needs, as differences to its own number; 0 where there is none."""


Layers = Callable[[], Layering | None]
"""Gives the layering of packets, of which most is never asked for: nothing was lost. None where
none of them tells."""


class Media(NamedTuple):
    """What a payload format says of packets given in decode order.

    The slices of a frame's packets, joined in order, are the frame as it goes into Matroska. A
    packet may give several slices or, without payload or of no use to a player, none.
    """

    buffer: NDArray[np.uint8]
    """The bytes the slices point into: the packets' own buffer, or a longer copy of it."""
    head: NDArray[np.bool_]
    """Per packet: it begins a frame."""
    broken: NDArray[np.bool_]
    """Per packet: truncated or not understood; it counts as a missing one."""
    keyframe: NDArray[np.bool_]
    """Per packet: it shows that its frame is a keyframe."""
    slice_packet: NDArray[np.int64]
    """Per slice: the index of the packet it comes from, never decreasing."""
    slice_offset: NDArray[np.int64]
    """Per slice: where it begins in the buffer."""
    slice_length: NDArray[np.int64]
    """Per slice: its bytes, at least 1."""
    picture: NDArray[np.bool_] | None = None
    """Per packet: it holds a part of a picture, not only what pictures need; None where every
    packet that gives bytes does."""
    layers: Layers | None = None
    """None where the payload format does not tell."""
    plain: bool = False
    """Every packet is sound, and gives one slice."""

    @property
    def layering(self) -> Layering | None:
        """What the packets say of the place of their frames; None where none of them tells."""
        return None if self.layers is None else self.layers()
