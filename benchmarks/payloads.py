"""Frames to RTP payloads, as browsers send them: the other end of `isotrack.codecs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.codecs import HEIGHT, WIDTH, Frame

ROOM = 1160
"""Bytes of payload in a packet: with RTP header, extensions, UDP and SRTP a path takes 1,200."""

_H264_SPS, _H264_PPS, _H264_STAP_A, _H264_FU_A = 7, 8, 24, 28
_H265_VPS, _H265_PPS, _H265_AP, _H265_FU = 32, 34, 48, 49
_OBU_TEMPORAL_DELIMITER = 2


def payloads_of(codec: str, frame: Frame, number: int) -> list[bytes]:
    """The payloads of a frame, the `number`th of its stream, in order."""
    return _FORMATS.get(codec, _whole)(frame, number)


def _whole(frame: Frame, _: int) -> list[bytes]:
    return [frame.data]


def _parts(data: bytes, room: int) -> list[bytes]:
    """The data in as few parts as fit the room, all about equally long."""
    count = -(-len(data) // room)
    size = -(-len(data) // count)
    return [data[at : at + size] for at in range(0, len(data), size)]


def _vp8(frame: Frame, number: int) -> list[bytes]:
    """RFC 7741 section 4.2: X, S; I, with a PictureID of 15 bits."""
    picture = (0x8000 | number & 0x7FFF).to_bytes(2)
    return [
        bytes([0x80 | (i == 0) << 4, 0x80]) + picture + part
        for i, part in enumerate(_parts(frame.data, ROOM))
    ]


def _vp9(frame: Frame, number: int) -> list[bytes]:
    """RFC 9628 section 4.2: I, P, B, E, V; no layers; the picture's size with each keyframe."""
    picture = (0x8000 | number & 0x7FFF).to_bytes(2)
    size = b"\x10" + WIDTH.to_bytes(2) + HEIGHT.to_bytes(2)  # N_S 0, Y
    parts = _parts(frame.data, ROOM)
    payloads = []
    for i, part in enumerate(parts):
        structure = frame.keyframe and i == 0
        flags = 0x80 | (not frame.keyframe) << 6 | (i == 0) << 3 | (i == len(parts) - 1) << 2
        head = bytes([flags | structure << 1]) + picture + (size if structure else b"")
        payloads.append(head + part)
    return payloads


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream."""
    units = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [unit for unit in units if unit]


def _h264(frame: Frame, _: int) -> list[bytes]:
    """RFC 6184: STAP-A for the parameter sets, FU-A for what is too long."""
    units = nal_units(frame.data)
    sets = [unit for unit in units if unit[0] & 31 in (_H264_SPS, _H264_PPS)]
    payloads = []
    if sets:
        lengths = b"".join(len(unit).to_bytes(2) + unit for unit in sets)
        payloads.append(bytes([sets[0][0] & 0x60 | _H264_STAP_A]) + lengths)
    for unit in units:
        if unit in sets:
            continue
        if len(unit) <= ROOM:
            payloads.append(unit)
            continue
        parts = _parts(unit[1:], ROOM)
        for i, part in enumerate(parts):
            ends = (i == 0) << 7 | (i == len(parts) - 1) << 6
            payloads.append(bytes([unit[0] & 0xE0 | _H264_FU_A, ends | unit[0] & 31]) + part)
    return payloads


def _h265(frame: Frame, _: int) -> list[bytes]:
    """RFC 7798: AP for the parameter sets, FU for what is too long."""
    units = nal_units(frame.data)
    sets = [unit for unit in units if _H265_VPS <= unit[0] >> 1 & 63 <= _H265_PPS]
    payloads = []
    if sets:
        lengths = b"".join(len(unit).to_bytes(2) + unit for unit in sets)
        payloads.append(bytes([_H265_AP << 1, 1]) + lengths)
    for unit in units:
        if unit in sets:
            continue
        if len(unit) <= ROOM:
            payloads.append(unit)
            continue
        parts = _parts(unit[2:], ROOM)
        for i, part in enumerate(parts):
            ends = (i == 0) << 7 | (i == len(parts) - 1) << 6
            head = bytes([_H265_FU << 1 | unit[0] & 0x81, unit[1], ends | unit[0] >> 1 & 63])
            payloads.append(head + part)
    return payloads


def _av1(frame: Frame, _: int) -> list[bytes]:
    """RTP Payload Format For AV1 section 4: OBUs without sizes, one OBU a packet or a part of one.

    The sequence header travels in one packet with the begin of its frame (W = 2).
    """
    units = list(_obus(frame.data))
    payloads: list[bytes] = []
    while units:
        pair = len(units) > 1 and len(units[0]) < 100
        first = _leb128(len(units[0])) + units.pop(0) if pair else b""
        parts = _parts(units.pop(0), ROOM - len(first))
        for i, part in enumerate(parts):
            begins = not payloads and frame.keyframe  # N: a new coded video sequence
            elements = (2 if pair and i == 0 else 1) << 4
            head = (i > 0) << 7 | (i < len(parts) - 1) << 6 | elements | begins << 3
            payloads.append(bytes([head]) + (first if i == 0 else b"") + part)
    return payloads


def _obus(unit: bytes) -> Iterator[bytes]:
    """The OBUs of a temporal unit without their size fields; no temporal delimiters."""
    at = 0
    while at < len(unit):
        header, has_extension = unit[at], unit[at] >> 2 & 1
        start = at + 1 + has_extension
        size, shift = 0, 0
        while True:
            byte = unit[start]
            size |= (byte & 127) << shift
            start, shift = start + 1, shift + 7
            if byte < 128:
                break
        if header >> 3 & 15 != _OBU_TEMPORAL_DELIMITER:
            extension = unit[at + 1 : at + 1 + has_extension]
            yield bytes([header & ~2]) + extension + unit[start : start + size]
        at = start + size


def _leb128(value: int) -> bytes:
    body = bytearray()
    while value > 127:
        body.append(value & 127 | 128)
        value >>= 7
    return bytes(body) + bytes([value])


_FORMATS: dict[str, Callable[[Frame, int], list[bytes]]] = {
    "vp8": _vp8,
    "vp9": _vp9,
    "h264": _h264,
    "h265": _h265,
    "av1": _av1,
}
