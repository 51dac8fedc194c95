import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.demultiplex import NEITHER, RTCP, RTP, kinds, looks_like_rtcp, looks_like_rtp
from isotrack.rtp.header import write_header
from isotrack.rtp.rtcp import bye


@pytest.mark.parametrize("payload_type", [0, 8, 63, 96, 111, 127])
@pytest.mark.parametrize("marker", [False, True])
def test_media_is_rtp(payload_type: int, marker: bool) -> None:
    datagram = write_header(payload_type, 1, 2, 3, marker)
    assert looks_like_rtp(datagram)
    assert not looks_like_rtcp(datagram)


@pytest.mark.parametrize("packet_type", [192, 200, 203, 206, 207, 223])
def test_packet_types_of_rtcp_are_never_rtp(packet_type: int) -> None:
    datagram = bytes((0x80, packet_type)) + bytes(30)
    assert looks_like_rtcp(datagram)
    assert not looks_like_rtp(datagram)


@pytest.mark.parametrize("first", [0, 3, 20, 63, 64, 79, 127, 192, 255])
def test_stun_dtls_and_turn_are_neither(first: int) -> None:
    datagram = bytes((first, 96)) + bytes(30)
    assert not looks_like_rtp(datagram)
    assert not looks_like_rtcp(datagram)


def test_what_is_too_short_is_neither() -> None:
    assert not looks_like_rtp(write_header(96, 1, 2, 3, False)[:11])
    assert not looks_like_rtcp(bye([])[:3])
    assert not looks_like_rtp(b"")


@given(st.lists(st.binary(max_size=16), max_size=30))
def test_many_at_once_are_told_apart_as_one_by_one(datagrams: list[bytes]) -> None:
    length = np.array([len(datagram) for datagram in datagrams], np.int64)
    buffer = np.frombuffer(b"".join(datagrams) + b"\x80\xc8", np.uint8)
    found = kinds(buffer, np.cumsum(length) - length, length)
    expected = [
        RTP if looks_like_rtp(each) else RTCP if looks_like_rtcp(each) else NEITHER
        for each in datagrams
    ]
    assert found.tolist() == expected
