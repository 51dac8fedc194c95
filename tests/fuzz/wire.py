"""Packets written as few bytes, which a fuzzer can mutate without losing the rest.

Each packet is a byte of flags, the fields that they announce, and its payload:

    0x01 step of the timestamp i32, else none      0x10 payload type u8, else as before
    0x02 step of the sequence number i16, else 1   0x20 extension: profile u16, words u8, body
    0x04 step of the arrival in us i64, else 1000  0x40 as often as u16 says, each time a packet on
    0x08 step of the SSRC i8, else none            0x80 marker
    length of the payload u16, payload
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np

from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.records import Records, read_headers
from tests.fuzz.choices import Choices
from tests.sessions import START_US, Datagram

MAX_PACKETS, MAX_BYTES = 20_000, 1 << 20
"""No input makes more."""

FIRST_SEQUENCE, FIRST_TIMESTAMP, FIRST_SSRC = 65_530, 2**32 - 9000, 1234


def read_wire(data: bytes, payload_type: int = 96) -> list[Datagram]:
    """The packets that the bytes tell."""
    choices = Choices(data)
    found: list[Datagram] = []
    made = 0
    sequence, timestamp, ssrc, arrival_us = (
        FIRST_SEQUENCE - 1,
        FIRST_TIMESTAMP,
        FIRST_SSRC,
        START_US,
    )
    while not choices.is_over and len(found) < MAX_PACKETS and made < MAX_BYTES:
        flags = choices.number(1)
        timestamp += choices.signed(4) if flags & 0x01 else 0
        step = choices.signed(2) if flags & 0x02 else 1
        arrival_us += choices.signed(8) if flags & 0x04 else 1000
        source_step = choices.signed(1) if flags & 0x08 else 0
        payload_type = choices.number(1) & 127 if flags & 0x10 else payload_type
        extension = b""
        if flags & 0x20:
            profile, words = choices.number(2), choices.number(1)
            extension = struct.pack(">HH", profile, words) + choices.take(4 * words)
            extension = extension.ljust(4 + 4 * words, b"\0")
        count = choices.number(2) if flags & 0x40 else 1
        payload = choices.take(choices.number(2))
        size = 12 + len(extension) + len(payload)
        count = min(count, MAX_PACKETS - len(found), (MAX_BYTES - made) // size)
        made += count * size
        for _ in range(count):
            sequence, ssrc = sequence + step, ssrc + source_step
            header = struct.pack(
                ">BBHII",
                0x90 if extension else 0x80,
                flags & 0x80 | payload_type,
                sequence & 0xFFFF,
                timestamp & 0xFFFFFFFF,
                ssrc & 0xFFFFFFFF,
            )
            at_us = min(max(arrival_us, 0), 1 << 61)
            found.append(Datagram(at_us, header + extension + payload))
            arrival_us += 1000 if count > 1 else 0
    return found


def write_wire(datagrams: Sequence[Datagram]) -> bytes:
    """The bytes that tell these RTP packets, without their CSRCs and padding."""
    parts = []
    sequence, timestamp, ssrc, arrival_us = (
        FIRST_SEQUENCE - 1,
        FIRST_TIMESTAMP,
        FIRST_SSRC,
        START_US,
    )
    last_type = -1
    for arrived_us, data, _ in datagrams:
        first, second, number, stamp, source = struct.unpack_from(">BBHII", data)
        begin = 12 + 4 * (first & 15)
        flags, fields = second & 0x80, b""
        if stamp != timestamp & 0xFFFFFFFF:
            flags |= 0x01
            fields += struct.pack(">I", (stamp - timestamp) & 0xFFFFFFFF)
        if number != (sequence + 1) & 0xFFFF:
            flags |= 0x02
            fields += struct.pack(">H", (number - sequence) & 0xFFFF)
        if arrived_us != arrival_us + 1000:
            flags |= 0x04
            fields += struct.pack(">q", arrived_us - arrival_us)
        if source != ssrc:
            flags |= 0x08
            fields += struct.pack(">B", (source - ssrc) & 0xFF)
        if second & 127 != last_type:
            flags |= 0x10
            fields += bytes([second & 127])
        if first & 0x10:
            size = 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
            flags |= 0x20
            fields += data[begin : begin + 2] + data[begin + 3 : begin + size]
            begin += size
        payload = data[begin:]
        parts.append(bytes([flags]) + fields + struct.pack(">H", len(payload)) + payload)
        sequence, timestamp, arrival_us = number, stamp, arrived_us
        ssrc, last_type = ssrc + ((source - ssrc + 128) % 256 - 128), second & 127
    return b"".join(parts)


def write_payloads(frames: Iterable[Sequence[bytes]], payload_type: int = 96) -> bytes:
    """The bytes that tell frames, each given as the payloads of its packets."""
    parts, last_type = [], -1
    for payloads in frames:
        for i, payload in enumerate(payloads):
            flags = (0x01 if i == 0 else 0) | (0x80 if i == len(payloads) - 1 else 0)
            fields = struct.pack(">i", 3000) if i == 0 else b""
            if payload_type != last_type:
                flags, fields, last_type = (
                    flags | 0x10,
                    fields + bytes([payload_type]),
                    payload_type,
                )
            parts.append(bytes([flags]) + fields + struct.pack(">H", len(payload)) + payload)
    return b"".join(parts)


def records_of(datagrams: Sequence[Datagram]) -> Records:
    """Packets as a dump would hold them, at any times."""
    gap = bytes(8)
    buffer = np.frombuffer(bytearray(b"".join(gap + each.data for each in datagrams)), np.uint8)
    length = np.array([len(each.data) for each in datagrams], np.int64)
    offset = np.cumsum(length + len(gap)) - length
    arrival_us = np.array([each.arrival_us for each in datagrams], np.int64)
    is_rtcp = np.array([each.is_rtcp for each in datagrams], np.bool_)
    headers = read_headers(buffer, offset, length, is_rtcp)
    return Records(buffer, offset, length, arrival_us, is_rtcp, headers, True)


def packets_of(data: bytes, payload_type: int = 96) -> Packets:
    """The sound ones of the packets that the bytes tell."""
    return read_packets(records_of(read_wire(data, payload_type)))[0]
