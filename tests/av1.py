"""AV1 made by hand: OBUs, the payloads they go in, and headers that say what a test wants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isotrack.codecs import av1
from isotrack.codecs.av1_obu import leb128, split_unit
from isotrack.codecs.media import Media
from isotrack.rtp.packet import Packets
from tests.bits import BitWriter
from tests.frames import join_packet
from tests.packets import packetized, packets_of

SEQUENCE, DELIMITER, FRAME_HEADER, TILES, METADATA = 1, 2, 3, 4, 5
FRAME, REDUNDANT, TILE_LIST, PADDING = 6, 7, 8, 15
KEY, INTER, INTRA_ONLY, SWITCH = range(4)
Z, Y, N = 0x80, 0x40, 0x08


def obu(
    kind: int, payload: bytes = b"", *, layer: tuple[int, int] | None = None, sized: bool = False
) -> bytes:
    """An OBU, with a size or without; `layer` is its temporal and spatial layer."""
    header = bytes((kind << 3 | (4 if layer else 0) | (2 if sized else 0),))
    if layer:
        header += bytes((layer[0] << 5 | layer[1] << 3,))
    return header + (leb128(len(payload)) if sized else b"") + payload


def aggregate(*elements: bytes, flags: int = 0, counted: bool = True) -> bytes:
    """An RTP payload of these OBU elements, W set or, not `counted`, each behind its length."""
    count = len(elements) if counted else 0
    assert count <= 3
    sized = [
        element if place == count else leb128(len(element)) + element
        for place, element in enumerate(elements, start=1)
    ]
    return bytes((flags | count << 4,)) + b"".join(sized)


def sequence_header(
    width: int = 640,
    height: int = 360,
    *,
    profile: int = 0,
    level: int = 5,
    reduced: bool = False,
    timing: BitWriter | None = None,
    points: tuple[tuple[int, int, int], ...] | None = None,
    models: bool = False,
    frame_ids: bool = False,
    order_hints: int = 0,
    screen_content: int | None = None,
    color: BitWriter | None = None,
) -> bytes:
    """The payload of a sequence header OBU (AV1 section 5.5.1).

    `timing` is what follows timing_info_present_flag when it is 1, with decoder model information
    of delays of 11 bits, `points` the idc, level and tier of the operating points, `models` whether
    they have decoder models, `order_hints` their bits, `screen_content` what is forced, `color` the
    color_config if it is not 8-bit 4:2:0.
    """
    bits = BitWriter().put(profile, 3).put(reduced).put(reduced)
    if reduced:
        bits.put(level, 5)
    else:
        _put(bits.put(timing is not None), timing)
        bits.put(0)  # initial_display_delay_present_flag
        points = points or ((0, level, 0),)
        bits.put(len(points) - 1, 5)
        for idc, point_level, tier in points:
            bits.put(idc, 12).put(point_level, 5).put(tier, 1 if point_level > 7 else 0)
            if timing is not None:
                bits.put(models).put(0, 23 if models else 0)
    bits.put(11, 4).put(10, 4).put(width - 1, 12).put(height - 1, 11)
    if not reduced:
        bits.put(frame_ids)
        if frame_ids:
            bits.put(3, 4).put(1, 3)  # delta ids of 5 bits, ids of 7
    bits.put(0, 3)
    if not reduced:
        bits.put(0, 4).put(order_hints > 0).put(0, 2 if order_hints else 0)
        bits.put(screen_content is None)
        if screen_content is not None:
            bits.put(screen_content)
        if screen_content != 0:
            bits.put(1)  # seq_choose_integer_mv
        if order_hints:
            bits.put(order_hints - 1, 3)
    bits.put(0, 3)
    _put(bits, color or BitWriter().put(0).put(0).put(0).put(0).put(0, 2).put(0))
    return bits.put(0).put(1).to_bytes()  # film_grain_params_present, trailing bit


def _put(bits: BitWriter, more: BitWriter | None) -> None:
    if more is not None:
        for bit in more.bits:
            bits.put(int(bit))


def key_frame(override: tuple[int, int] | None = None, *, shown: bool = True) -> bytes:
    """The beginning of a key frame for a plain `sequence_header`, with a size of its own or none.

    What follows the size does not matter here.
    """
    bits = BitWriter().put(0).put(KEY, 2).put(shown)
    if not shown:
        bits.put(1).put(1)  # showable_frame, error_resilient_mode
    bits.put(0).put(0)  # disable_cdf_update, allow_screen_content_tools
    bits.put(override is not None)
    if not shown:
        bits.put(0xFF, 8)
    if override:
        bits.put(override[0] - 1, 12).put(override[1] - 1, 11)
    return bits.to_bytes() + b"\xa5\xa5"


def inter_frame(
    override: tuple[int, int] | None = None, *, found_reference: int | None = None
) -> bytes:
    """The beginning of a shown inter frame that refers to slots 0 to 6 and refreshes slot 7.

    It says no size, one of its own, or that it has that of one of its seven references.
    """
    bits = BitWriter().put(0).put(INTER, 2).put(1).put(0).put(0).put(0)
    bits.put(override is not None or found_reference is not None)
    bits.put(0, 3).put(0x80, 8)  # primary_ref_frame, refresh_frame_flags
    for slot in range(7):
        bits.put(slot, 3)
    if found_reference is not None:
        bits.put(0, found_reference).put(1)
    elif override:
        bits.put(0, 7).put(override[0] - 1, 12).put(override[1] - 1, 11)
    return bits.to_bytes() + b"\x5a\x5a"


def sized(*units: bytes) -> bytes:
    """OBUs without sizes, as they are with them."""
    with_sizes = []
    for unit in units:
        begin = 2 if unit[0] & 4 else 1
        size = leb128(len(unit) - begin)
        with_sizes.append(bytes((unit[0] | 2,)) + unit[1:begin] + size + unit[begin:])
    return b"".join(with_sizes)


def depacketized(
    *payloads: bytes, lost: Sequence[int] = (), frames: Sequence[Sequence[bytes]] = ()
) -> tuple[Packets, Media]:
    """The media of these payloads, sent as one temporal unit or as several, without the lost."""
    datagrams = packetized(frames or [payloads])
    packets = packets_of([each for n, each in enumerate(datagrams) if n not in lost])
    return packets, av1.depacketize(packets)


def is_sound(packets: Packets, media: Media) -> bool:
    """Whether the slices lie in the buffer, are in order, and are OBUs that all say their size."""
    assert (media.slice_length > 0).all()
    assert (media.slice_offset >= 0).all()
    assert (media.slice_offset + media.slice_length <= media.buffer.size).all()
    assert (np.diff(media.slice_packet) >= 0).all()
    joined = b"".join(join_packet(media, packet) for packet in range(packets.count))
    units = list(split_unit(joined))
    plain = [bytes((unit.header[0] & ~2,)) + unit.header[1:] + unit.payload for unit in units]
    return sized(*plain) == joined
