import struct
from pathlib import Path

import pytest

from tests.pcap import read_pcap

UDP = struct.pack(">HHHH", 4000, 5004, 8 + 5, 0) + b"media"
IPV4 = b"\x45\0" + struct.pack(">HHHBBH", 20 + len(UDP), 0, 0, 64, 17, 0) + bytes(8)
IPV6 = b"\x60\0\0\0" + struct.pack(">HBB", len(UDP), 17, 64) + bytes(32)
ETHERNET = bytes(12)
COOKED = bytes(14)
TCP = IPV4[:9] + b"\x06" + IPV4[10:]
FRAGMENT = IPV4[:6] + b"\x20\0" + IPV4[8:]


def write(path: Path, packets: list[bytes], link_type: int, order: str, magic: int) -> Path:
    capture = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for second, packet in enumerate(packets):
        capture += struct.pack(f"{order}IIII", second, 7, len(packet), len(packet)) + packet
    path.write_bytes(capture)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction_ns"), [(0xA1B2C3D4, 7000), (0xA1B23C4D, 7)])
def test_arrivals_are_nanoseconds(tmp_path: Path, order: str, magic: int, fraction_ns: int) -> None:
    path = write(tmp_path / "x.pcap", [IPV4 + UDP] * 2, 101, order, magic)
    assert read_pcap(path) == [
        (fraction_ns, 5004, b"media"),
        (1_000_000_000 + fraction_ns, 5004, b"media"),
    ]


@pytest.mark.parametrize(
    ("link_type", "packet"),
    [
        (1, ETHERNET + b"\x08\0" + IPV4 + UDP + b"frame padding"),
        (1, ETHERNET + b"\x86\xdd" + IPV6 + UDP),
        (1, ETHERNET + b"\x81\0\0\5\x08\0" + IPV4 + UDP),
        (113, COOKED + b"\x08\0" + IPV4 + UDP),
        (12, IPV4 + UDP),
        (101, IPV6 + UDP),
    ],
)
def test_datagrams_are_found_below_any_link_layer(
    tmp_path: Path, link_type: int, packet: bytes
) -> None:
    path = write(tmp_path / "x.pcap", [packet], link_type, "<", 0xA1B23C4D)
    assert read_pcap(path) == [(7, 5004, b"media")]


def test_what_is_not_a_whole_datagram_is_passed_over(tmp_path: Path) -> None:
    packets = [TCP + UDP, FRAGMENT + UDP, IPV4 + UDP[:4], b"", IPV4 + UDP]
    path = write(tmp_path / "x.pcap", packets, 101, "<", 0xA1B23C4D)
    assert read_pcap(path) == [(4_000_000_007, 5004, b"media")]
