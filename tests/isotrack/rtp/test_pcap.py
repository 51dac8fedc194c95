import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.rtp.captures import open_capture
from isotrack.rtp.datagrams import CaptureError
from isotrack.rtp.header import write_header
from isotrack.rtp.rtcp import bye
from tests.captures import (
    ALICE,
    ETHERNET,
    LOOP,
    NULL,
    RAW,
    SFU,
    SLL,
    SLL2,
    block,
    enhanced,
    ethernet,
    framed,
    interface,
    ip,
    pcap,
    read,
    section,
    udp,
)
from tests.pcap import read_pcap

AT = 1_760_000_000_000_000
RTP = write_header(96, 1, 2, 3, False) + b"media"
FLOW = "10.0.0.1:4000->10.0.0.9:5004"
SIX = ("2001:db8::1", 4000), ("2001:db8::9", 5004)
FLOW_6 = "[2001:db8::1]:4000->[2001:db8::9]:5004"
DATA = Path(__file__).parents[2] / "data"


def rtp(sequence: int, payload: bytes = b"media") -> bytes:
    return write_header(96, sequence, 0, 3, False) + payload


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_a_pcap_of_either_byte_order_and_resolution_is_read(
    order: str, nanoseconds: bool, piece: int
) -> None:
    frames = [(AT + n, udp(rtp(n & 9))) for n in (0, 1, 999_999)]
    reader, rows = read(pcap(frames, order=order, nanoseconds=nanoseconds), piece)
    assert reader.form == "pcap"
    assert rows == [(AT + n, FLOW, rtp(n & 9)) for n in (0, 1, 999_999)]


@pytest.mark.parametrize(
    ("link_type", "frame", "flow"),
    [
        (ETHERNET, ethernet(udp(RTP)) + b"frame padding", FLOW),
        (ETHERNET, ethernet(udp(RTP, *SIX)), FLOW_6),
        (ETHERNET, ethernet(udp(RTP), [0x8100]), FLOW),
        (ETHERNET, ethernet(udp(RTP), [0x88A8, 0x8100]), FLOW),
        (0xF0000001, ethernet(udp(RTP)), FLOW),  # the FCS length stands above the link type
        (RAW, udp(RTP), FLOW),
        (12, udp(RTP), FLOW),
        (14, udp(RTP), FLOW),
        (228, udp(RTP), FLOW),
        (229, udp(RTP, *SIX), FLOW_6),
        (NULL, b"\x02\0\0\0" + udp(RTP), FLOW),
        (LOOP, b"\0\0\0\x18" + udp(RTP, *SIX), FLOW_6),
        (SLL, bytes(14) + b"\x08\0" + udp(RTP), FLOW),
        (SLL2, b"\x86\xdd" + bytes(18) + udp(RTP, *SIX), FLOW_6),
    ],
)
def test_datagrams_are_found_below_every_link_layer(
    link_type: int, frame: bytes, flow: str
) -> None:
    assert read(pcap([(AT, frame)], link_type))[1] == [(AT, flow, RTP)]


def test_ip_options_and_extension_headers_are_stepped_over() -> None:
    body = udp(RTP)[20:]
    with_options = ip(body, ALICE[0], SFU[0], 17, options=b"\x94\x04\0\0")
    hop_by_hop = bytes([60, 0]) + bytes(6)
    destination = bytes([17, 1]) + bytes(14)
    extended = ip(hop_by_hop + destination + udp(RTP, *SIX)[40:], SIX[0][0], SIX[1][0], 0)
    authentication = bytes([17, 4]) + bytes(22)
    signed = ip(authentication + udp(RTP, *SIX)[40:], SIX[0][0], SIX[1][0], 51)
    rows = read(pcap([(AT, with_options), (AT, extended), (AT, signed)]))[1]
    assert [row[1:] for row in rows] == [(FLOW, RTP), (FLOW_6, RTP), (FLOW_6, RTP)]


def fragments(identifier: int, body: bytes, cut: int) -> list[bytes]:
    """An IPv4 packet in fragments."""
    pieces = [body[at : at + cut] for at in range(0, len(body), cut)]
    return [
        ip(
            piece,
            ALICE[0],
            SFU[0],
            17,
            identifier=identifier,
            fragment=(index < len(pieces) - 1) << 13 | index * cut // 8,
        )
        for index, piece in enumerate(pieces)
    ]


@pytest.mark.parametrize("step", [1, -1])
def test_fragments_are_put_together_in_whatever_order_they_come(step: int) -> None:
    large = rtp(7, bytes(range(256)) * 12)
    packets = [*fragments(5, udp(large)[20:], 1480)[::step], udp(RTP)]
    reader, rows = read(pcap([(AT + n, packet) for n, packet in enumerate(packets)]), 100)
    assert [row[2] for row in rows] == [large, RTP]
    assert reader.skipped["fragment"] == 0


def test_fragments_of_ipv6_are_put_together() -> None:
    large = rtp(7, bytes(2000))
    body = udp(large, *SIX)[40:]
    heads = [struct.pack(">BBHI", 17, 0, at | (at == 0), 99) for at in (0, 1208)]
    parts = [body[:1208], body[1208:]]
    frames = [ip(h + p, SIX[0][0], SIX[1][0], 44) for h, p in zip(heads, parts, strict=True)]
    assert [row[1:] for row in read(pcap([(AT, f) for f in frames]))[1]] == [(FLOW_6, large)]


def test_a_packet_of_which_a_fragment_is_missing_is_counted_and_never_put_together_wrongly() -> (
    None
):
    first, _ = fragments(5, udp(rtp(1, bytes(2000)))[20:], 1480)
    other = fragments(5, udp(rtp(2, bytes(2000)))[20:], 1480)
    late = AT + 40_000_000  # the identifier has wrapped since
    reader, rows = read(pcap([(AT, first), (late, other[1]), (late + 1, other[0])]))
    assert [row[2] for row in rows] == [rtp(2, bytes(2000))]
    assert reader.skipped["fragment"] == 1


def test_packets_cut_by_the_snaplen_are_lost_packets() -> None:
    capture = pcap([(AT, udp(rtp(1, bytes(100)))), (AT, udp(RTP))], snaplen=80)
    reader, rows = read(capture)
    assert [row[2] for row in rows] == [RTP]
    assert reader.skipped["cut"] == 1


def test_what_shares_the_ports_with_media_is_skipped_and_counted() -> None:
    """Edge case 9: STUN, DTLS and TURN channels by their first byte; edge case 1: nothing else."""
    others = {"stun": b"\0\1", "dtls": b"\x16\xfe", "turn": b"\x40\0", "unknown": b"\xc8\0"}
    frames = [(AT, udp(first + bytes(30))) for first in others.values()]
    frames += [(AT, udp(b"")), (AT, udp(b"\x80")), (AT, udp(RTP))]
    reader, rows = read(pcap(frames))
    assert [row[2] for row in rows] == [RTP]
    assert +reader.skipped == dict.fromkeys(others, 1) | {"unknown": 2, "empty": 1}


def test_rtcp_on_the_flow_of_rtp_is_told_apart() -> None:
    """Edge case 10: a second byte of 192 to 223 is RTCP, never payload type 64 to 95."""
    capture = pcap([(AT, udp(RTP)), (AT, udp(bye([3])))])
    reader = open_capture(capture, 0, {})
    assert reader.feed(capture).is_rtcp.tolist() == [False, True]


def test_packets_longer_than_an_ethernet_frame_are_read() -> None:
    """Edge case 22: jumbo frames."""
    large = rtp(1, bytes(8000))
    assert read(pcap([(AT, udp(large))]))[1][0][2] == large


def test_rtp_framed_in_tcp_is_found_whatever_the_segments() -> None:
    stream = framed([rtp(n, bytes(50 * n)) for n in range(1, 6)])

    def segment(at: int, size: int, flags: int = 0x10) -> bytes:
        header = struct.pack(">HHIIBBHHH", 4000, 443, 1000 + at, 0, 0x50, flags, 0, 0, 0)
        return ip(header + stream[at : at + size], ALICE[0], SFU[0], 6)

    cuts = [(0, 30), (100, 200), (30, 70), (0, 30), (90, 210), (300, len(stream))]
    syn = ip(struct.pack(">HHIIBBHHH", 4000, 443, 999, 0, 0x50, 2, 0, 0, 0), ALICE[0], SFU[0], 6)
    web = struct.pack(">HHIIBBHHH", 80, 4001, 5, 0, 0x50, 0x10, 0, 0, 0) + b"HTTP/1.1 200 OK"
    frames = [syn, *[segment(*cut) for cut in cuts], ip(web, SFU[0], ALICE[0], 6)]
    reader, rows = read(pcap([(AT + n, frame) for n, frame in enumerate(frames)]), 64)
    assert [row[2] for row in rows] == [rtp(n, bytes(50 * n)) for n in range(1, 6)]
    assert {str(flow) for flow in reader.flows} == {"10.0.0.1:4000->10.0.0.9:443"}
    assert reader.skipped["other_transport"] == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_a_pcapng_with_sections_interfaces_and_resolutions_is_read(order: str, piece: int) -> None:
    nano = [(9, b"\x09")]
    capture = (
        section(order)
        + interface(RAW, order)
        + interface(ETHERNET, order, nano)
        + block(0x0BAD, bytes(5000), order)
        + enhanced(AT, udp(rtp(1)), 0, order)
        + enhanced(AT * 1000 + 999, ethernet(udp(rtp(2))), 1, order)
        + block(3, struct.pack(f"{order}I", len(udp(rtp(3)))) + udp(rtp(3)), order)
        + block(
            2,
            struct.pack(f"{order}HHIIII", 0, 0, AT >> 32, AT & 0xFFFFFFFF, *[len(udp(rtp(4)))] * 2)
            + udp(rtp(4)),
            order,
        )
        + section(">")
        + interface(RAW, ">", [(9, b"\x8a"), (14, struct.pack(">q", 1000))])
        + enhanced(AT // 1_000_000 * 1024 + 512, udp(rtp(5)), 0, ">")
    )
    reader, rows = read(capture, piece)
    assert reader.form == "pcapng"
    assert [(at, data) for at, _, data in rows] == [
        (AT, rtp(1)),
        (AT, rtp(2)),
        (AT, rtp(3)),  # a simple packet has the time of the one before it
        (AT, rtp(4)),
        (AT // 1_000_000 * 1_000_000 + 1_000_500_000, rtp(5)),
    ]
    assert not +reader.skipped


def test_a_pcapng_packet_cut_by_the_snaplen_is_a_lost_one() -> None:
    whole = udp(rtp(1, bytes(50)))
    capture = section() + interface(RAW) + enhanced(AT, whole[:40], cut=len(whole) - 40)
    reader, rows = read(capture)
    assert rows == []
    assert reader.skipped["cut"] == 1


@pytest.mark.parametrize("make", [lambda f: pcap([(AT, x) for x in f]), None])
def test_a_torn_file_gives_what_stands_before_the_tear(make: object) -> None:
    packets = [udp(rtp(1)), udp(rtp(2))]
    if callable(make):
        whole = make(packets)
    else:
        whole = section() + interface(RAW) + b"".join(enhanced(AT, one) for one in packets)
    for size in range(len(whole) - len(packets[1]) - 4, len(whole)):
        reader, rows = read(whole[:size])
        assert [row[2] for row in rows] == [rtp(1)]
        assert reader.skipped["torn"] <= 1


def test_a_record_that_makes_no_sense_ends_the_reading() -> None:
    whole = pcap([(AT, udp(rtp(1)))]) + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30) + bytes(99)
    reader, rows = read(whole)
    assert len(rows) == 1
    assert reader.skipped["torn"] == 1


@pytest.mark.parametrize(
    ("capture", "message"),
    [
        (b"GIF89a" + bytes(100), "not pcap, pcapng"),
        (b"", "not pcap, pcapng"),
        (pcap([])[:20], "ends inside its file header"),
        (struct.pack("<IHH", 0xA1B2C3D4, 9, 0) + bytes(16), "version 9"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "byte order"),
    ],
)
def test_what_is_no_capture_says_so(capture: bytes, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        read(capture)


@pytest.mark.parametrize(
    "path", ["codecs/str0m_vp8.pcap", "e2e/ms_h264.pcap", "codecs/membrane_demo_h264.pcap"]
)
def test_real_captures_are_read_as_another_reader_reads_them(path: str) -> None:
    expected = [
        (ns // 1000, data)
        for ns, _, data in read_pcap(DATA / path)
        if len(data) >= 12 and data[0] >> 6 == 2
    ]
    _, rows = read(DATA / path, 9999)
    assert [(at, data) for at, _, data in rows if len(data) >= 12] == expected


@settings(max_examples=60)
@given(st.data())
def test_no_damage_makes_a_reader_fail(data: st.DataObject) -> None:
    frames = [(AT, ethernet(udp(rtp(1)))), (AT, ethernet(udp(RTP, *SIX), [0x8100]))]
    packets = section() + interface(ETHERNET) + b"".join(enhanced(*frame) for frame in frames)
    whole = bytearray(data.draw(st.sampled_from([pcap(frames, ETHERNET), packets])))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        _, rows = read(bytes(whole), data.draw(st.integers(1, 400)))
    except CaptureError:
        return
    assert len(rows) <= 2
