"""VP8 over RTP (RFC 7741): payload descriptor off, frame on.

The payload descriptor (section 4.2); all but the first byte are optional:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |X|R|N|S|R| PID |  S: a partition begins; PID: which one
    |I|L|T|K|  RSV  |  if X
    |M| PictureID   |  if I; 15 bits if M
    |   TL0PICIDX   |  if L
    |TID|Y| KEYIDX  |  if T or K; Y: needs nothing but the base layer
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.keyframes import PictureSize, note_size
from isotrack.codecs.media import Layering, Media, PacketColumns
from isotrack.codecs.openings import Openings
from isotrack.codecs.vpx_layering import (
    LONG_PICTURE_ID,
    SHORT_PICTURE_ID,
    optional,
    picture_ids,
    spread,
)

_START_CODE = b"\x9d\x01\x2a"
_KEYFRAME_HEADER = 10
_DESCRIPTOR = 4
# Bits of a descriptor's first three bytes, the first one lowest.
_S_AND_PID, _S = np.uint64(0x17), np.uint64(0x10)
_X, _FIELDS, _M = 0x80, 0xF000, 0x800000
_I, _L, _T_OR_K = 0x8000, 0x4000, 0x3000


class _Descriptors(NamedTuple):
    """Payload descriptors: columns, a row per packet with payload."""

    openings: Openings
    first: NDArray[np.uint8]
    """S and PID."""
    fields: NDArray[np.uint8]
    """I, L, T and K."""
    is_long: NDArray[np.bool_]
    """M, where there is a PictureID."""
    picture: NDArray[np.int64]
    """At which byte the PictureID begins, if there is one."""
    length: NDArray[np.int64]
    """Bytes of the descriptor, more than the payload has if it is truncated."""


def depacketize(packets: PacketColumns) -> Media:
    """The media of VP8 packets: what follows the payload descriptor, where it stands."""
    buffer, begin, length = packets.buffer, packets.payload_offset, packets.payload_length
    rows = (length > 0).nonzero()[0]
    if rows.size == length.size:
        openings = Openings(buffer, begin)
        alike = _all_alike(packets, openings)
        if alike is not None:
            return alike
    else:
        openings = Openings(buffer, begin[rows])
    found = _read_descriptors(openings)
    media = begin[rows] + found.length
    rest = length[rows] - found.length

    head = np.zeros(length.size, np.bool_)
    broken = np.zeros(length.size, np.bool_)
    keyframe = np.zeros(length.size, np.bool_)
    head[rows] = (found.first & 0x17 == 0x10) & (rest >= 0)
    broken[rows] = rest < 0
    candidates = head[rows] & (rest >= _KEYFRAME_HEADER)
    keyframe[rows[candidates]] = _begins_keyframe(buffer, media[candidates])
    filled = rest > 0
    return Media(
        buffer,
        head,
        broken,
        keyframe,
        rows[filled],
        media[filled],
        rest[filled],
        layers=partial(_layering, rows, rest >= 0, length.size, found),
    )


def _all_alike(packets: PacketColumns, openings: Openings) -> Media | None:
    """The same of packets that all have the same fields, as most senders' do; None of others.

    Each has a payload.
    """
    words = openings.words
    if words is None or not words.size:
        return None
    form, common = _form(int(words[0]))
    rest = packets.payload_length - form
    if np.count_nonzero((words ^ words[0]) & common) or rest.min() < 1:
        return None
    head = words & _S_AND_PID == _S
    keyframe = np.zeros(words.size, np.bool_)
    rows = head.nonzero()[0]
    rows = rows[(words[rows] >> np.uint64(8 * form)) & np.uint64(1) == 0]
    rows = rows[rest[rows] >= _KEYFRAME_HEADER]
    media = packets.payload_offset + form
    keyframe[rows] = _begins_keyframe(packets.buffer, media[rows])
    every = np.arange(words.size)
    return Media(
        packets.buffer,
        head,
        np.zeros(words.size, np.bool_),
        keyframe,
        every,
        media,
        rest,
        layers=partial(_layering_of, openings),
        plain=True,
    )


def _form(word: int) -> tuple[int, np.uint64]:
    """Bytes of a payload descriptor, and the bits that tell; it is the lowest bytes of a word."""
    if not word & _X:
        return 1, np.uint64(_X)
    has_picture, is_long = word & _I != 0, word & _I and word & _M
    length = 2 + has_picture + (is_long != 0) + (word & _L != 0) + (word & _T_OR_K != 0)
    return length, np.uint64(_X | _FIELDS | (_M if has_picture else 0))


def _layering_of(openings: Openings) -> Layering | None:
    """The layering of packets that all have a payload and a sound descriptor."""
    found = _read_descriptors(openings)
    every = np.ones(found.length.size, np.bool_)
    return _layering(np.arange(every.size), every, every.size, found)


def _read_descriptors(openings: Openings) -> _Descriptors:
    """Find the fields of payload descriptors.

    Every byte read is also stepped over, so a byte read from behind the end shows in the length.
    """
    first = openings.byte(0)
    fields = openings.byte(1) * (first > 127)
    picture = 1 + (first > 127).astype(np.int64)
    has_picture = fields > 127
    is_long = has_picture & (openings.byte(picture) > 127)
    length = picture + has_picture
    length += is_long
    length += fields & 0x40 != 0
    length += fields & 0x30 != 0
    return _Descriptors(openings, first, fields, is_long, picture, length)


def _layering(
    rows: NDArray[np.int64], sound: NDArray[np.bool_], count: int, found: _Descriptors
) -> Layering | None:
    """The columns of `Layering`; None where no packet has a PictureID.

    TL0PICIDX, and T with Y, stand at the end of the descriptor.
    """
    if not (found.fields > 127).any():
        return None
    fields, byte, last = found.fields, found.openings.byte, found.length - 1
    layer = byte(last)
    layering = Layering(
        picture=optional(
            picture_ids(byte(found.picture), byte(found.picture + 1), found.is_long), fields & 0x80
        ),
        modulo=np.where(found.is_long, LONG_PICTURE_ID, SHORT_PICTURE_ID),
        base=optional(byte(last - (fields & 0x30 != 0)), fields & 0x40),
        temporal=optional(layer >> 6, fields & 0x20),
        sync=layer & fields & 0x20 != 0,
        exact=np.zeros(rows.size, np.bool_),
        references=np.zeros((rows.size, 0), np.int64),
    )
    return spread(layering, rows, sound, count)


def _begins_keyframe(buffer: NDArray[np.uint8], media: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether these frames are keyframes by tag and start code (RFC 6386 section 9.1)."""
    is_key: NDArray[np.bool_] = buffer[media] & 1 == 0
    for position, code in enumerate(_START_CODE, start=3):
        is_key &= buffer[media + position] == code
    return is_key


def frame_size(frame: bytes | memoryview) -> tuple[int, int] | None:
    """Width and height in pixels that a keyframe states (RFC 6386 section 9.1), else None.

    The two bits above each that ask for upscaling are not part of the size.
    """
    if len(frame) < _KEYFRAME_HEADER or frame[0] & 1 or frame[3:6] != _START_CODE:
        return None
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    return width, height


class Vp8Keyframes:
    """VP8 keyframes (RFC 6386, section 9.1): the size is in each, nothing else is needed."""

    configuration = b""
    needs = _KEYFRAME_HEADER

    def __init__(self) -> None:
        self.sizes: list[PictureSize] = []

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:  # noqa: ARG002
        """Note the size of the picture."""
        size = frame_size(frame)
        if size is None or 0 in size:
            return False
        note_size(self.sizes, timestamp, *size)
        return True


def packetize(frame: bytes, picture_id: int, max_payload: int) -> list[bytes]:
    """The RTP payloads of a frame, none longer than `max_payload`, with a 15-bit PictureID."""
    room = max_payload - _DESCRIPTOR
    if room < 1:
        raise ValueError(f"VP8 payloads of {max_payload} bytes have no room for media")
    picture = (0x8000 | picture_id & 0x7FFF).to_bytes(2, "big")
    return [
        bytes((0x80 if at else 0x90, 0x80)) + picture + frame[at : at + room]
        for at in range(0, len(frame), room)
    ]
