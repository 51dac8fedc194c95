import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.dump import read_dump
from isotrack.rtp.extensions import element
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import read_packets
from tests.packets import packets_of, write_records


def with_extension(profile: int, body: bytes) -> bytes:
    fixed = b"\x90" + write_header(96, 1, 2, 3, False)[1:]
    return fixed + struct.pack(">HH", profile, len(body) // 4) + body + b"payload"


def values(datagrams: list[bytes], identifier: int) -> list[bytes | None]:
    packets = packets_of(datagrams)
    rows = zip(*(column.tolist() for column in element(packets, identifier)), strict=True)
    return [packets.buffer[at : at + n].tobytes() if at >= 0 else None for at, n in rows]


one_byte = st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=14)
two_byte = st.dictionaries(st.integers(1, 255), st.binary(max_size=255), max_size=8)


@given(st.lists(one_byte | two_byte, max_size=8), st.integers(1, 255))
def test_elements_are_found_whatever_the_form_of_each_packet(
    extensions: list[dict[int, bytes]], identifier: int
) -> None:
    datagrams = [write_header(96, 1, 2, 3, False, each) + b"payload" for each in extensions]
    for wanted in {identifier, 1, 2, 15}:
        assert values(datagrams, wanted) == [each.get(wanted) for each in extensions]


def test_packets_of_both_forms_stand_side_by_side() -> None:
    """Edge case 30."""
    datagrams = [
        write_header(96, 1, 2, 3, False, {3: b"\x40", 9: b"0"}),
        write_header(96, 2, 2, 3, False, {9: b"x" * 17}),
        write_header(96, 3, 2, 3, False),
        write_header(96, 4, 2, 3, False, {9: b"1"}),
    ]
    assert values(datagrams, 9) == [b"0", b"x" * 17, None, b"1"]


def test_padding_between_elements_is_stepped_over() -> None:
    """Edge case 25."""
    packet = with_extension(0xBEDE, bytes.fromhex("0010aa0000210102"))
    assert values([packet], 1) == [b"\xaa"]
    assert values([packet], 2) == [b"\x01\x02"]


@pytest.mark.parametrize("stop", [0x01, 0x0F, 0xF0, 0xF3])
def test_a_reserved_id_ends_the_reading(stop: int) -> None:
    """Edge case 26 (id 0 with a length) and edge case 27 (id 15): the packet stays."""
    packet = with_extension(0xBEDE, bytes([0x10, 0xAA, stop, 0x20, 0xBB, 0, 0, 0]))
    assert values([packet], 1) == [b"\xaa"]
    assert values([packet], 2) == [None]
    assert values([packet], 15) == [None]


def test_an_element_longer_than_the_block_is_absent() -> None:
    """Edge case 28: the packet stays."""
    assert values([with_extension(0xBEDE, bytes([0x13, 1, 2, 3]))], 1) == [None]
    assert values([with_extension(0x1000, bytes([1, 3, 2, 3]))], 1) == [None]
    assert values([with_extension(0x1000, bytes([0, 0, 0, 1]))], 1) == [None]


def test_two_byte_elements_may_be_empty_and_their_application_bits_set() -> None:
    """Edge case 29."""
    packet = with_extension(0x100F, bytes([7, 0, 0, 8, 1, 0xAA, 9, 0]))
    assert values([packet], 7) == [b""]
    assert values([packet], 8) == [b"\xaa"]
    assert values([packet], 9) == [b""]


@pytest.mark.parametrize("profile", [0xAAAA, 0xBEDF, 0x1010, 0])
def test_an_unknown_profile_has_no_elements(profile: int) -> None:
    """Edge case 31: the payload stands behind it all the same."""
    packets = packets_of([with_extension(profile, bytes([0x10, 0xAA, 0, 0]))])
    assert packets.payload_length.tolist() == [len(b"payload")]
    assert values([with_extension(profile, bytes([0x10, 0xAA, 0, 0]))], 1) == [None]


def test_an_empty_block_has_no_elements() -> None:
    """Edge case 32."""
    assert values([with_extension(0xBEDE, b"")], 1) == [None]


def test_the_first_of_two_elements_of_one_id_counts() -> None:
    assert values([with_extension(0xBEDE, bytes([0x10, 0xAA, 0x10, 0xBB]))], 1) == [b"\xaa"]


@given(st.sampled_from([0xBEDE, 0x1000, 0x1007]), st.binary(max_size=60))
def test_hostile_blocks_give_elements_within_them(profile: int, body: bytes) -> None:
    packets = packets_of([with_extension(profile, body + bytes(-len(body) % 4))])
    for identifier in {*body, 1, 14, 15}:
        offset, length = element(packets, identifier)
        assert ((offset == -1) | (offset > packets.packet_offset + 16)).all()
        assert (offset + length <= packets.payload_offset).all()


@pytest.mark.parametrize("payload_offset", [1, 12, 15, 16, 18, 24])
@pytest.mark.parametrize("words", [0, 1, 0xFFFF])
def test_elements_lie_before_the_payload_even_if_a_trailer_lies(
    payload_offset: int, words: int
) -> None:
    """A chunk's trailer is believed: nothing it says leads out of the buffer."""
    block = struct.pack(">HH", 0xBEDE, words) + b"\x1f" + bytes(20)
    datagram = b"\x90" + write_header(96, 1, 2, 3, False)[1:] + block
    records = read_dump(write_records([datagram]))
    lie = records.headers._replace(payload_offset=np.full(1, payload_offset, np.uint16))
    packets, _ = read_packets(records._replace(headers=lie))
    for identifier in range(1, 16):
        offset, length = element(packets, identifier)
        assert ((offset == -1) | (offset + length <= packets.payload_offset)).all()


def told(packet: bytes, identifier: int) -> bytes | None:
    """What RFC 8285 says of an element of a packet with an extension, byte by byte."""
    kind, words = struct.unpack_from(">HH", packet, 12)
    block = packet[16 : 16 + 4 * words]
    two_byte = kind & 0xFFF0 == 0x1000
    if not two_byte and kind != 0xBEDE:
        return None
    while len(block) > two_byte:
        if not block[0]:
            block = block[1:]
            continue
        found, size = (block[0], block[1]) if two_byte else (block[0] >> 4, (block[0] & 15) + 1)
        value, block = block[1 + two_byte :][:size], block[1 + two_byte + size :]
        if len(value) < size or (not two_byte and found in (0, 15)):
            return None
        if found == identifier:
            return value
    return None


blocks = st.lists(
    st.tuples(
        st.sampled_from([0xBEDE, 0xBEDE, 0x1000, 0x100F, 0x2000]),
        st.lists(
            st.sampled_from([b"\x10a", b"\x32abc", b"\x50b", b"\x05\x01c", b"\x01\0", b"\0"])
            | st.binary(min_size=1, max_size=20),
            max_size=4,
        ).map(b"".join),
    ),
    min_size=1,
    max_size=5,
)


@given(blocks, st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), st.integers(0, 255))))
def test_packets_laid_out_alike_are_read_as_each_one_alone(
    kinds: list[tuple[int, bytes]], sent: list[tuple[int, int, int]]
) -> None:
    """Some bytes of some packets are others than those of packets like them."""
    datagrams = []
    for which, at, byte in sent:
        profile, elements = kinds[which % len(kinds)]
        body = bytearray(elements + bytes(-len(elements) % 4))
        if at < len(body):
            body[at] = byte
        datagrams.append(with_extension(profile, bytes(body)))
    for identifier in (1, 3, 5):
        assert values(datagrams, identifier) == [told(each, identifier) for each in datagrams]


def test_of_packets_laid_out_alike_each_ends_where_its_own_payload_begins() -> None:
    packets = packets_of([with_extension(0xBEDE, b"\x10a\x50b")] * 3)
    behind = packets.payload_offset - np.array([0, 2, 20])

    offset, length = element(packets._replace(payload_offset=behind), 5)

    assert (offset >= 0).tolist() == [True, False, False]
    assert length.tolist() == [1, 0, 0]
