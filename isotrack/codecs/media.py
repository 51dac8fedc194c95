"""What every payload format takes and gives: packets in decode order in, media slices out."""

from __future__ import annotations

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
