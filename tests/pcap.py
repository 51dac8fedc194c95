"""A small reader of pcap files for tests: the UDP datagrams of a capture.

Reads both byte orders, microseconds and nanoseconds, Ethernet, raw IP and Linux cooked captures,
IPv4 and IPv6. Fragments and anything but UDP are passed over.
"""

from __future__ import annotations

import struct
from pathlib import Path

_MAGIC = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}  # nanoseconds per unit of the second time field
_IPV4, _IPV6, _UDP = 0x0800, 0x86DD, 17
_VLAN = 0x8100

# Where the EtherType stands and the IP header begins, by link type.
_ETHERNET, _LINUX_COOKED = (12, 14), (14, 16)
_ENCAPSULATION = {1: _ETHERNET, 113: _LINUX_COOKED}
_RAW_IP = (12, 101)


def read_pcap(path: Path | str) -> list[tuple[int, int, bytes]]:
    """Arrival in nanoseconds of Unix time, UDP destination port and payload of each datagram."""
    capture = Path(path).read_bytes()
    order = "<" if int.from_bytes(capture[:4], "little") in _MAGIC else ">"
    magic, _, _, _, _, _, link_type = struct.unpack_from(f"{order}IHHiIII", capture)
    unit_ns = _MAGIC[magic]
    datagrams = []
    at = 24
    while at + 16 <= len(capture):
        seconds, fraction, size, _ = struct.unpack_from(f"{order}IIII", capture, at)
        datagram = _read_udp(capture[at + 16 : at + 16 + size], link_type)
        if datagram is not None:
            datagrams.append((seconds * 1_000_000_000 + fraction * unit_ns, *datagram))
        at += 16 + size
    return datagrams


def _read_udp(packet: bytes, link_type: int) -> tuple[int, bytes] | None:
    if link_type not in _RAW_IP:
        type_at, ip_at = _ENCAPSULATION[link_type]
        while int.from_bytes(packet[type_at : type_at + 2], "big") == _VLAN:
            type_at, ip_at = type_at + 4, ip_at + 4
        if int.from_bytes(packet[type_at : type_at + 2], "big") not in (_IPV4, _IPV6):
            return None
        packet = packet[ip_at:]
    udp = _skip_ip(packet)
    if udp is None or len(udp) < 8:
        return None
    _, port, size, _ = struct.unpack_from(">HHHH", udp)
    return port, udp[8:size]


def _skip_ip(packet: bytes) -> bytes | None:
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        is_fragment = int.from_bytes(packet[6:8], "big") & 0x3FFF
        return packet[4 * (packet[0] & 15) :] if packet[9] == _UDP and not is_fragment else None
    if version == 6 and packet[6] == _UDP:
        return packet[40:]
    return None
