import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.dump import MAX_PACKET
from isotrack.rtp.extensions import element
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.records import Records, read_headers
from tests.packets import START_US, packets_of, records_of

DATA = Path(__file__).parents[2] / "data" / "rtp"
VECTORS = json.loads((DATA / "rtp_header.json").read_text())["vectors"]
AIORTC = DATA / "aiortc"


def payload_of(packets: Packets, row: int = 0) -> bytes:
    begin = int(packets.payload_offset[row])
    return packets.buffer[begin : begin + int(packets.payload_length[row])].tobytes()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_headers_are_read_as_other_implementations_read_them(vector: dict[str, Any]) -> None:
    expected = vector["expect"]
    packets, malformed = read_packets(records_of([bytes.fromhex(vector["rtp"])]))
    assert malformed == int(expected.get("reject", False))
    if malformed:
        assert packets.count == 0
        return
    columns = {
        "pt": packets.payload_type,
        "seq": packets.sequence_number,
        "ts": packets.timestamp,
        "ssrc": packets.ssrc,
    }
    for name in columns.keys() & expected.keys():
        assert columns[name].tolist() == [expected[name]]
    if "payload" in expected:
        assert payload_of(packets).hex() == expected["payload"]
    if "exts" in expected:
        found = {}
        for identifier in range(1, 256):
            offset, length = element(packets, identifier)
            if offset[0] >= 0:
                value = packets.buffer[offset[0] : offset[0] + length[0]]
                found[str(identifier)] = value.tobytes().hex()
        assert found == expected["exts"]


def test_every_field_of_a_header_has_its_column() -> None:
    packets = packets_of([write_header(101, 65535, 0xFFFFFFFE, 0xDEADBEEF, True) + b"media"])
    assert packets.count == 1
    assert packets.payload_type.tolist() == [101]
    assert packets.sequence_number.tolist() == [65535]
    assert packets.timestamp.tolist() == [0xFFFFFFFE]
    assert packets.ssrc.tolist() == [0xDEADBEEF]
    assert packets.marker.tolist() == [True]
    assert packets.arrival_us.tolist() == [START_US]
    assert (packets.payload_offset - packets.packet_offset).tolist() == [12]
    assert packets.restored.tolist() == [False]
    assert payload_of(packets) == b"media"


@pytest.mark.parametrize(
    ("name", "payload_type", "sequence_number", "payload"),
    [
        ("rtp.bin", 0, 15743, 160),
        ("rtp_dtmf.bin", 101, 24152, 4),
        ("rtp_only_padding.bin", 120, 27759, 0),
        ("rtp_only_padding_with_header_extensions.bin", 98, 22138, 0),
        ("rtp_with_csrc.bin", 0, 16082, 160),
        ("rtp_with_sdes_mid.bin", 111, 14156, 54),
    ],
)
def test_packets_of_other_stacks_are_read(
    name: str, payload_type: int, sequence_number: int, payload: int
) -> None:
    packets = packets_of([(AIORTC / name).read_bytes()])
    assert packets.payload_type.tolist() == [payload_type]
    assert packets.sequence_number.tolist() == [sequence_number]
    assert packets.payload_length.tolist() == [payload]


@pytest.mark.parametrize("size", range(1, 12))
def test_a_packet_shorter_than_its_header_is_counted_and_dropped(size: int) -> None:
    """Edge case 1."""
    packets, malformed = read_packets(records_of([b"\x80" * size]))
    assert (packets.count, malformed) == (0, 1)


@pytest.mark.parametrize("first", [0x00, 0x40, 0xC0])
def test_a_packet_of_another_version_is_counted_and_dropped(first: int) -> None:
    """Edge case 1."""
    packets, malformed = read_packets(records_of([bytes([first]) + bytes(40)]))
    assert (packets.count, malformed) == (0, 1)


def test_more_csrcs_than_bytes_make_a_packet_malformed() -> None:
    """Edge case 2."""
    assert read_packets(records_of([b"\x82" + bytes(11 + 7)]))[1] == 1
    assert read_packets(records_of([b"\x82" + bytes(11 + 8)]))[1] == 0


@pytest.mark.parametrize("contributors", [0, 1, 15])
def test_the_payload_stands_behind_the_csrcs(contributors: int) -> None:
    """Edge case 8."""
    packets = packets_of([bytes((0x80 | contributors,)) + bytes(11 + 4 * contributors) + b"media"])
    assert payload_of(packets) == b"media"
    assert (packets.payload_offset - packets.packet_offset).tolist() == [12 + 4 * contributors]


@pytest.mark.parametrize(
    ("header", "sound"),
    [
        (b"", False),
        (b"\xbe\xde\x00", False),
        (b"\xbe\xde\x00\x02\x10\xaa\x00\x00", False),
        (b"\xbe\xde\x00\x00", True),
        (b"\xbe\xde\x00\x01\x10\xaa\x00\x00", True),
    ],
    ids=["none", "cut", "longer than the packet", "empty", "whole"],
)
def test_an_extension_past_the_end_makes_a_packet_malformed(header: bytes, sound: bool) -> None:
    """Edge case 3."""
    packets, malformed = read_packets(records_of([b"\x90" + bytes(11) + header]))
    assert (packets.count, malformed) == (int(sound), int(not sound))
    assert packets.payload_length.tolist() == [0] * sound


def test_packets_larger_than_any_mtu_are_read() -> None:
    """Edge case 22: jumbo frames, and the most that a record holds."""
    media = [bytes([n]) * size for n, size in enumerate((2000, 9000, MAX_PACKET - 12))]
    packets = packets_of([write_header(96, n, n, 7, False) + each for n, each in enumerate(media)])
    assert [payload_of(packets, row) for row in range(3)] == media


@pytest.mark.parametrize(
    ("tail", "payload"),
    [
        (b"media\x01", b"media"),
        (b"media\0\0\x03", b"media"),
        (b"\0\0\0\x04", b""),
        (b"\0\0\0\x05", None),
        (b"media\0", None),
        (b"\xff", None),
    ],
)
def test_padding_is_cut_and_impossible_padding_refused(tail: bytes, payload: bytes | None) -> None:
    """Edge case 4, edge case 5 (nothing but padding) and edge case 6."""
    packets, malformed = read_packets(records_of([b"\xa0" + bytes(11) + tail]))
    assert malformed == (payload is None)
    assert [payload_of(packets, row) for row in range(packets.count)] == (
        [] if payload is None else [payload]
    )


def test_a_packet_without_payload_is_a_packet() -> None:
    """Edge case 7."""
    packets = packets_of([write_header(96, 1, 2, 3, False)])
    assert packets.payload_length.tolist() == [0]


def test_malformed_packets_leave_their_neighbors_alone() -> None:
    good = [write_header(96, n, n, 7, False, {1: b"x"}) + b"payload" for n in range(3)]
    bad = [b"\x80", b"\x90" + bytes(11), b"\x80" * 11]
    packets, malformed = read_packets(records_of([bad[0], good[0], bad[1], *good[1:], bad[2]]))
    assert malformed == 3
    assert packets.sequence_number.tolist() == [0, 1, 2]
    assert [payload_of(packets, row) for row in range(3)] == [b"payload"] * 3


def test_rtcp_is_no_packet_and_not_malformed() -> None:
    records = records_of([write_header(96, 1, 2, 3, False), b"\x80\xc8\0\0"])
    records = records._replace(is_rtcp=np.array([False, True]))
    packets, malformed = read_packets(records)
    assert (packets.count, malformed) == (1, 0)


def test_an_empty_dump_has_no_packets() -> None:
    packets, malformed = read_packets(records_of([]))
    assert (packets.count, malformed) == (0, 0)


def test_packets_are_taken_by_mask_and_by_index() -> None:
    packets = packets_of([write_header(96, n, n, 7, False) for n in range(4)])
    mask = np.array([True, False, True, False])
    assert packets.take(mask).sequence_number.tolist() == [0, 2]
    assert packets.take(np.array([3, 1])).sequence_number.tolist() == [3, 1]
    assert packets.take(np.array([3, 1])).payload_offset.tolist() == (
        packets.payload_offset[[3, 1]].tolist()
    )


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 9), st.integers(0, 30))
def test_a_mask_an_index_and_a_slice_take_the_same_of_every_column(
    chosen: list[bool], begin: int, end: int
) -> None:
    packets = packets_of(
        [write_header(96, n, 7 * n, n % 3, n % 2 == 0) for n in range(len(chosen))]
    )
    for mask in (np.array(chosen, np.bool_), np.isin(np.arange(len(chosen)), range(begin, end))):
        taken = [packets.take(mask), packets.take(np.flatnonzero(mask))]
        for found in taken:
            assert found.buffer is packets.buffer
            for column, whole in zip(found[1:], packets[1:], strict=True):
                assert column.dtype == whole.dtype
                assert column.tolist() == [
                    v for v, m in zip(whole.tolist(), mask, strict=True) if m
                ]
    assert packets.take(slice(begin, end)).timestamp.tolist() == taken[0].timestamp.tolist()


@given(st.lists(st.sampled_from(["rtp", "rtcp", "bad"]), max_size=20))
def test_what_is_left_out_leaves_every_column_of_the_others(kinds: list[str]) -> None:
    made = {"rtp": write_header(96, 5, 6, 7, True) + b"x", "rtcp": b"\x80\xc8\0\0", "bad": b"\x80"}
    is_rtcp = np.array([kind == "rtcp" for kind in kinds], np.bool_)
    records = records_of([made[kind] for kind in kinds])._replace(is_rtcp=is_rtcp)

    packets, malformed = read_packets(records)

    assert malformed == kinds.count("bad")
    kept = [row for row, kind in enumerate(kinds) if kind == "rtp"]
    assert packets.packet_offset.tolist() == records.offset[kept].tolist()
    assert packets.arrival_us.tolist() == records.arrival_us[kept].tolist()
    assert [payload_of(packets, row) for row in range(packets.count)] == [b"x"] * len(kept)
    assert {len(column) for column in packets[1:]} == {len(kept)}
    said = (packets.sequence_number, packets.timestamp, packets.ssrc, packets.payload_type)
    assert [column.tolist() for column in said] == [[value] * len(kept) for value in (5, 6, 7, 96)]


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=20))
def test_hostile_packets_stay_within_their_records(datagrams: list[bytes]) -> None:
    hostile = [bytes([datagram[0] & 0x3F | 0x80]) + datagram[1:] for datagram in datagrams]
    records = records_of(hostile)
    packets, malformed = read_packets(records)
    assert packets.count + malformed == len(hostile)
    ends = dict(
        zip(records.offset.tolist(), (records.offset + records.length).tolist(), strict=True)
    )
    limits = [
        max(end for begin, end in ends.items() if begin <= at) for at in packets.payload_offset - 12
    ]
    assert (packets.payload_offset + packets.payload_length <= limits).all()
    assert (packets.payload_length >= 0).all()
    assert (packets.packet_offset + 12 <= packets.payload_offset).all()


@pytest.mark.parametrize(
    "path", sorted((DATA / "rtp-corpus").iterdir()), ids=lambda path: path.name
)
def test_what_fuzzers_found_is_read_or_counted(path: Path) -> None:
    datagram = np.frombuffer(path.read_bytes(), np.uint8).copy()
    one = np.zeros(1, np.int64)
    headers = read_headers(datagram, one, one + datagram.size, one != 0)
    records = Records(datagram, one, one + datagram.size, one, one != 0, headers, True)
    packets, malformed = read_packets(records)
    assert packets.count + malformed == 1
    is_version_2 = datagram[0] >> 6 == 2
    assert packets.count == int(is_version_2)
    for identifier in range(1, 256):
        offset, length = element(packets, identifier)
        assert (offset + length <= datagram.size).all()
