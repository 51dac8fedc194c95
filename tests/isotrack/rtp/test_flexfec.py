from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp import flexfec
from isotrack.rtp.header import write_header
from tests import fec_encoder
from tests.fec_streams import FEC, FEC_SSRC, MEDIA, SSRC, Receiver, media
from tests.packets import packets_of
from tests.pcap import read_pcap

CHROME = "tests/data/repair/chrome_single_flexfec03_packet.pcap"


def receiver() -> Receiver:
    return Receiver(flexfec.read, fec_ssrc=FEC_SSRC)


def protecting(packets: dict[int, bytes], *, ssrc: int = SSRC, **options: int) -> bytes:
    """The payload of a FlexFEC packet over these packets, given by sequence number."""
    base = min(packets)
    places = {number - base: packet for number, packet in packets.items()}
    return fec_encoder.flexfec(places, base & 0xFFFF, ssrc, **options)


def stream(first: int, count: int) -> dict[int, bytes]:
    return {number: media(number) for number in range(first, first + count)}


def test_a_packet_of_chrome_is_read() -> None:
    """Its fields, read by hand from the bytes of the capture."""
    ((_, _, packet),) = read_pcap(CHROME)
    packets = packets_of([packet])
    assert packets.payload_type.tolist() == [107]

    fec, malformed, unsupported = flexfec.read(packets, np.array([0]))

    assert (malformed, unsupported) == (0, 0)
    assert fec.ssrc.tolist() == [0xC38FC709]
    assert fec.sequence_base.tolist() == [0x81FF]
    # 48c9 04c42642 a000000000000000, the first bit of each part being its k bit.
    first, second, third = [0, 3, 7, 8, 11, 14], [19, 22, 23, 27, 32, 35, 36, 39, 44], [47]
    assert np.flatnonzero(fec.mask[0]).tolist() == [*first, *second, *third]
    assert fec.recovery[0].tobytes().hex() == "0080" + "00003d38" + "0012"
    assert fec.parity_length.tolist() == [packets.payload_length[0] - 32]


def test_a_packet_of_chrome_protects_no_media_that_is_not_there() -> None:
    """Edge case 178."""
    ((_, _, packet),) = read_pcap(CHROME)
    side = receiver()

    side.push([media(1), packet[:1] + bytes([FEC]) + packet[2:], media(2)])

    assert (side.packets, side.malformed, side.unsupported) == ([], 0, 0)


@pytest.mark.parametrize(
    ("places", "header"),
    [([0, 14], 20), ([0, 15], 24), ([0, 45], 24), ([0, 46], 32), ([0, 14, 15, 45, 46, 108], 32)],
)
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_masks_of_all_three_sizes_recover(places: list[int], header: int, size: int) -> None:
    first = 65_500
    sent = stream(first, 120)
    chosen = {first + place: sent[first + place] for place in places}
    payload = protecting(chosen)
    assert len(payload) == header + max(len(packet) for packet in chosen.values()) - 12

    for lost in chosen:
        side = receiver()
        came = [packet for number, packet in sent.items() if number != lost]
        side.push_in(size, [*came, side.fec(payload)])
        assert side.packets == [sent[lost]]


def test_packets_of_several_mask_sizes_are_read_together() -> None:
    sent = stream(0, 60)
    groups = [(0, 14, 3), (1, 16, 20), (2, 50), (30, 44)]
    side = receiver()
    parity = [side.fec(protecting({number: sent[number] for number in group})) for group in groups]
    lost = {14, 20, 50, 30}

    side.push([*(packet for number, packet in sent.items() if number not in lost), *parity])

    assert sorted(side.packets) == sorted(sent[number] for number in lost)


def test_rows_and_columns_recover_what_neither_does_alone() -> None:
    """Edge case 172."""
    sent = stream(0, 9)
    side = receiver()
    groups = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8)]
    parity = [side.fec(protecting({number: sent[number] for number in group})) for group in groups]
    lost = {0, 1, 4, 5, 8}

    side.push([*(packet for number, packet in sent.items() if number not in lost), *parity])

    assert sorted(side.packets) == sorted(sent[number] for number in lost)


@pytest.mark.parametrize("options", [{"flags": 0x80}, {"flags": 0x40}, {"count": 2}, {"count": 0}])
def test_kinds_that_no_browser_sends_are_counted_as_unsupported(options: dict[str, int]) -> None:
    """R: a retransmission, F: rows and columns of fixed length, and several SSRCs in one packet."""
    sent = stream(8, 3)
    side = receiver()

    side.push([sent[8], sent[9], side.fec(protecting(sent, **options))])

    assert (side.packets, side.malformed, side.unsupported) == ([], 0, 1)


def test_padding_alone_is_passed_over() -> None:
    """Edge case 178: Chrome probes for bandwidth with it."""
    side = receiver()
    probe = side.fec(bytes(3) + b"\4")

    side.push([media(1), b"\xa0" + probe[1:]])

    assert (side.packets, side.malformed, side.unsupported) == ([], 0, 0)


def test_a_packet_cut_in_its_header_is_malformed() -> None:
    """Edge case 173."""
    for place, header in ((1, 20), (20, 24), (80, 32)):
        sent = {8: media(8), 8 + place: media(8 + place)}
        whole = protecting(sent)
        for end in range(1, header):
            side = receiver()
            side.push([sent[8], side.fec(whole[:end])])
            assert (side.packets, side.malformed) == ([], 1)


def test_a_mask_without_an_end_is_malformed() -> None:
    """Edge case 173: no k bit is set."""
    sent = {8: media(8), 88: media(88)}
    whole = bytearray(protecting(sent))
    whole[24] &= 0x7F
    side = receiver()

    side.push([sent[8], side.fec(bytes(whole))])

    assert (side.packets, side.malformed) == ([], 1)


def test_parity_cut_short_gives_no_packet() -> None:
    """Edge case 173."""
    sent = {n: media(n, 60) for n in range(8, 11)}
    whole = protecting(sent)
    for end in range(20, len(whole)):
        side = receiver()
        side.push([sent[8], sent[10], side.fec(whole[:end])])
        assert (side.packets, side.decoder.discarded) == ([], 1)


def test_parity_of_another_ssrc_is_not_used() -> None:
    sent = stream(8, 3)
    side = receiver()

    side.push([sent[8], sent[10], side.fec(protecting(sent, ssrc=0x7777))])

    assert side.packets == []


def test_nothing_lost_gives_nothing() -> None:
    """Edge case 176."""
    sent = stream(0, 5)
    side = receiver()

    side.push([*sent.values(), side.fec(protecting(sent))])

    assert side.packets == []


def test_a_result_of_another_payload_type_is_discarded() -> None:
    """Edge case 175."""
    sent = stream(8, 3)
    sent[9] = bytes([sent[9][0], 97]) + sent[9][2:]
    side = receiver()

    side.push([sent[8], sent[10], side.fec(protecting(sent))])

    assert (side.packets, side.decoder.discarded) == ([], 1)


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_any_bytes_are_read_without_an_error(payloads: list[bytes]) -> None:
    """Edge case 173."""
    side = receiver()

    side.push([*(media(n) for n in range(6)), *(side.fec(each) for each in payloads)])

    assert all(packet[1] & 0x7F == MEDIA for packet in side.packets)


@given(st.lists(st.sets(st.integers(0, 108), min_size=1), max_size=8), st.sets(st.integers(0, 120)))
def test_sound_parity_gives_nothing_but_what_was_sent(
    groups: list[set[int]], lost: set[int]
) -> None:
    """Edge case 172, in all ways that packets may be lost and protected."""
    sent = stream(65_500, 121)
    side = receiver()
    parity = [
        side.fec(protecting({65_500 + place: sent[65_500 + place] for place in group}))
        for group in groups
    ]
    gone = [sent[65_500 + place] for place in lost]

    side.push([*(packet for packet in sent.values() if packet not in gone), *parity])

    assert set(side.packets) <= set(gone)
    assert len(side.packets) == len(set(side.packets))
    for group in groups:
        if len(group & lost) == 1:
            assert sent[65_500 + min(group & lost)] in side.packets


def test_the_header_of_parity_is_that_of_its_own_stream() -> None:
    packets = packets_of([write_header(FEC, 1, 2, FEC_SSRC, False) + protecting(stream(8, 2))])

    assert flexfec.read(packets, np.array([0])).fec.ssrc.tolist() == [SSRC]
