from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.extensions import element
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtx import restore
from isotrack.rtp.rtx_pairing import (
    MAX_SOURCES,
    MID,
    REPAIRED_RID,
    RID,
    RtxFormat,
    RtxPairing,
)
from tests.packets import packets_of

MEDIA, RTX = 96, 97
VIDEO, AGAIN = 0x1111, 0x2222
PAIRS: Mapping[tuple[int, int | None], tuple[int, int]] = {(RTX, AGAIN): (MEDIA, VIDEO)}
EXTENSIONS = {MID: 9, RID: 10, REPAIRED_RID: 11}


def media(number: int, payload: bytes = b"media", *, ssrc: int = VIDEO, **names: bytes) -> bytes:
    header = write_header(MEDIA, number, 100 * number, ssrc, True, identified(**names))
    return header + payload


def again(
    original: int,
    payload: bytes = b"media",
    *,
    number: int = 7,
    ssrc: int = AGAIN,
    padding: bytes = b"",
    **names: bytes,
) -> bytes:
    header = bytearray(write_header(RTX, number, 100 * original, ssrc, True, identified(**names)))
    header[0] |= 0x20 if padding else 0
    return bytes(header) + struct.pack(">H", original) + payload + padding


def identified(mid: bytes = b"", rid: bytes = b"", rrid: bytes = b"") -> dict[int, bytes]:
    return {key: value for key, value in ((9, mid), (10, rid), (11, rrid)) if value}


def payloads(packets: Packets) -> list[bytes]:
    spans = zip(packets.payload_offset.tolist(), packets.payload_length.tolist(), strict=True)
    return [packets.buffer[at : at + size].tobytes() for at, size in spans]


def pairing(*formats: RtxFormat) -> RtxPairing:
    return RtxPairing(formats, EXTENSIONS)


def ssrcs(datagrams: Sequence[bytes], *formats: RtxFormat) -> list[int]:
    """SSRCs of what is restored, all of it in one chunk."""
    packets = pairing(*formats).restore(packets_of(datagrams))
    return packets.ssrc[packets.restored].tolist()


def test_a_retransmission_becomes_the_packet_that_was_lost() -> None:
    """Edge case 163."""
    packets = packets_of([media(1), again(2, b"lost"), media(3)])

    found = restore(packets, PAIRS)

    assert found.sequence_number.tolist() == [1, 2, 3]
    assert found.timestamp.tolist() == [100, 200, 300]
    assert found.payload_type.tolist() == [MEDIA] * 3
    assert found.ssrc.tolist() == [VIDEO] * 3
    assert found.marker.tolist() == [True] * 3
    assert payloads(found) == [b"media", b"lost", b"media"]
    assert found.restored.tolist() == [False, True, False]
    assert [column.dtype for column in found] == [column.dtype for column in packets]


def test_the_packets_given_are_left_as_they_are() -> None:
    packets = packets_of([media(1), again(2)])

    restore(packets, PAIRS)

    assert packets.sequence_number.tolist() == [1, 7]
    assert packets.payload_type.tolist() == [MEDIA, RTX]


@pytest.mark.parametrize("payload", [b"", b"\x00"])
def test_a_retransmission_without_a_whole_number_is_left_out(payload: bytes) -> None:
    """Edge case 164."""
    short = write_header(RTX, 7, 200, AGAIN, False) + payload

    assert restore(packets_of([media(1), short]), PAIRS).sequence_number.tolist() == [1]


def test_an_original_without_payload_is_restored_for_its_number() -> None:
    found = restore(packets_of([again(5, b"")]), PAIRS)

    assert found.sequence_number.tolist() == [5]
    assert found.payload_length.tolist() == [0]


def test_padding_alone_is_left_out_whatever_its_timestamp_says() -> None:
    """Edge case 165."""
    probe = b"\xa0" + write_header(RTX, 7, 0xF0000000, AGAIN, False)[1:] + bytes(199) + b"\xc8"

    found = restore(packets_of([media(1), probe]), PAIRS)

    assert found.timestamp.tolist() == [100]


def test_a_packet_sent_again_three_times_is_the_same_packet_each_time() -> None:
    """Edge case 166: copies have one sequence number, and ordering keeps what came itself."""
    found = restore(packets_of([media(1), *(again(1, number=n) for n in (7, 8, 9))]), PAIRS)

    assert found.sequence_number.tolist() == [1, 1, 1, 1]
    assert found.restored.tolist() == [False, True, True, True]
    assert len(set(payloads(found))) == 1


def test_padding_is_cut_before_the_number_is() -> None:
    """Edge case 168."""
    found = restore(packets_of([again(2, b"lost", padding=b"\0\0\3")]), PAIRS)

    assert payloads(found) == [b"lost"]


def test_padding_that_leaves_one_byte_leaves_no_number() -> None:
    """Edge cases 164 and 168."""
    packet = b"\xa0" + write_header(RTX, 7, 200, AGAIN, False)[1:] + b"\0\0\0\3"

    assert restore(packets_of([packet]), PAIRS).count == 0


def test_header_extensions_belong_to_the_restored_packet() -> None:
    """Edge case 36."""
    rotated = write_header(RTX, 7, 200, AGAIN, True, {3: b"\x01"}) + b"\0\2lost"

    found = restore(packets_of([rotated]), PAIRS)

    offset, length = element(found, 3)
    assert found.buffer[offset[0] : offset[0] + length[0]].tobytes() == b"\x01"
    assert payloads(found) == [b"lost"]


def test_what_is_tied_to_no_media_is_left_out() -> None:
    """Edge case 169."""
    found = restore(packets_of([again(1, ssrc=0x9999), media(2)]), PAIRS)

    assert found.ssrc.tolist() == [VIDEO]


def test_a_pair_without_an_ssrc_takes_what_no_other_pair_names() -> None:
    pairs = {(RTX, None): (MEDIA, VIDEO), (RTX, AGAIN): (MEDIA, 0x3333)}

    found = restore(packets_of([again(1), again(2, ssrc=0x4444)]), pairs)

    assert found.ssrc.tolist() == [0x3333, VIDEO]


def test_without_retransmissions_the_packets_are_the_same_object() -> None:
    packets = packets_of([media(1)])

    assert restore(packets, PAIRS) is packets
    assert restore(packets, {}) is packets


def test_a_jumbo_retransmission_is_restored_whole() -> None:
    """Edge case 22."""
    found = restore(packets_of([again(2, b"j" * 60_000)]), PAIRS)

    assert payloads(found) == [b"j" * 60_000]


@given(st.lists(st.tuples(st.sampled_from([MEDIA, RTX, 98]), st.binary(max_size=4)), max_size=20))
def test_all_but_retransmissions_pass_whatever_they_hold(rows: list[tuple[int, bytes]]) -> None:
    datagrams = [write_header(pt, i, i, AGAIN, False) + data for i, (pt, data) in enumerate(rows)]

    found = restore(packets_of(datagrams), PAIRS)

    wanted = [data if pt != RTX else data[2:] for pt, data in rows if pt != RTX or len(data) > 1]
    assert payloads(found) == wanted
    assert found.ssrc[~found.restored].tolist() == [AGAIN] * sum(pt != RTX for pt, _ in rows)


class TestPairing:
    def test_announced_pairs_need_nothing_else(self) -> None:
        form = RtxFormat(RTX, MEDIA, AGAIN, VIDEO)

        assert ssrcs([again(1)], form) == [VIDEO]

    def test_the_only_media_there_is_gets_what_is_sent_again(self) -> None:
        assert ssrcs([media(1), again(2), media(3)], RtxFormat(RTX, MEDIA)) == [VIDEO]

    def test_an_ssrc_that_was_not_announced_is_tied_like_one_that_could_not_be(self) -> None:
        form = RtxFormat(RTX, MEDIA, AGAIN, VIDEO)

        assert ssrcs([media(1), again(2, ssrc=0x7777)], form) == [VIDEO]

    def test_what_could_be_of_two_is_of_none(self) -> None:
        """Edge case 169."""
        chunk = [media(1), media(1, ssrc=0x5555), again(2)]

        assert ssrcs(chunk, RtxFormat(RTX, MEDIA)) == []

    def test_the_repaired_rid_names_the_layer(self) -> None:
        """Edge cases 37 and 213: the layer's own SSRC was never announced."""
        chunk = [
            media(1, ssrc=0xA, mid=b"1", rid=b"l"),
            media(1, ssrc=0xB, mid=b"1", rid=b"h"),
            again(2, ssrc=0xC, mid=b"1", rrid=b"h"),
            again(3, ssrc=0xD, mid=b"1", rrid=b"l"),
            again(4, ssrc=0xC),
        ]

        assert ssrcs(chunk, RtxFormat(RTX, MEDIA)) == [0xB, 0xA, 0xB]

    def test_a_pair_once_known_is_remembered_in_the_chunks_that_follow(self) -> None:
        """Edge case 213: names stand in the first packets only."""
        pair = pairing(RtxFormat(RTX, MEDIA))
        first = [media(1, ssrc=0xA, rid=b"l"), media(1, ssrc=0xB, rid=b"h")]
        pair.restore(packets_of(first))
        pair.restore(packets_of([media(2, ssrc=0xA), media(2, ssrc=0xB)]))
        pair.restore(packets_of([again(1, ssrc=0xC, rrid=b"h")]))

        found = pair.restore(packets_of([again(2, ssrc=0xC), media(3, ssrc=0xA)]))

        assert found.ssrc.tolist() == [0xB, 0xA]

    def test_a_rid_that_was_announced_needs_no_header_extension_of_the_media(self) -> None:
        forms = [RtxFormat(RTX, MEDIA, None, 0xA, "l"), RtxFormat(RTX, MEDIA, None, 0xB, "h")]
        chunk = [media(1, ssrc=0xA), media(1, ssrc=0xB), again(2, rrid=b"h")]

        assert ssrcs(chunk, *forms) == [0xB]

    def test_an_announced_ssrc_finds_the_media_of_its_layer(self) -> None:
        forms = [RtxFormat(RTX, MEDIA, 0xC, None, "l"), RtxFormat(RTX, MEDIA, 0xD, None, "h")]
        chunk = [
            media(1, ssrc=0xA, rid=b"l"),
            media(1, ssrc=0xB, rid=b"h"),
            again(2, ssrc=0xD),
            again(3, ssrc=0xC),
        ]

        assert ssrcs(chunk, *forms) == [0xB, 0xA]

    def test_a_layer_that_never_named_itself_is_found_by_elimination(self) -> None:
        chunk = [media(1, ssrc=0xA, rid=b"l"), media(1, ssrc=0xB), again(2, rrid=b"h")]

        assert ssrcs(chunk, RtxFormat(RTX, MEDIA)) == [0xB]

    def test_the_mid_tells_two_sections_apart(self) -> None:
        """Edge case 37."""
        chunk = [media(1, ssrc=0xA, mid=b"0"), media(1, ssrc=0xB, mid=b"1"), again(2, mid=b"1")]

        assert ssrcs(chunk, RtxFormat(RTX, MEDIA)) == [0xB]

    def test_media_of_another_section_is_not_taken_for_want_of_better(self) -> None:
        """Edge case 37."""
        assert ssrcs([media(1, mid=b"0"), again(2, mid=b"1")], RtxFormat(RTX, MEDIA)) == []

    def test_a_publisher_that_came_back_with_new_ssrcs_is_not_mixed_with_its_past(self) -> None:
        pair = pairing(RtxFormat(RTX, MEDIA))
        pair.restore(packets_of([media(1, ssrc=0xA)]))
        later = packets_of([media(1, ssrc=0xB), again(2, ssrc=0xD)])

        found = pair.restore(later._replace(arrival_us=later.arrival_us + 10_000_000))

        assert found.ssrc.tolist() == [0xB, 0xB]

    def test_a_probe_of_ssrc_0_ties_nothing(self) -> None:
        """Edge case 17."""
        pair = pairing(RtxFormat(RTX, MEDIA))
        probe = b"\xa0" + write_header(RTX, 1, 5, 0, False)[1:] + bytes(254) + b"\xff"
        assert pair.restore(packets_of([probe])).count == 0

        found = pair.restore(packets_of([again(9, ssrc=0), media(1), again(2)]))

        assert found.sequence_number.tolist() == [1, 2]
        assert (pair.received, pair.unpaired, pair.malformed) == (2, 1, 0)

    def test_what_is_left_out_is_counted_and_is_no_track_of_its_own(self) -> None:
        """Edge cases 164, 165 and 169."""
        pair = pairing(RtxFormat(RTX, MEDIA))
        short = write_header(RTX, 7, 200, AGAIN, False) + b"\0"
        probe = b"\xa0" + write_header(RTX, 7, 200, AGAIN, False)[1:] + b"\0\2"

        found = pair.restore(packets_of([short, probe, again(1), again(2)]))

        assert found.count == 0
        assert (pair.received, pair.unpaired, pair.malformed) == (3, 2, 1)

    def test_retransmissions_of_red_become_red(self) -> None:
        forms = [RtxFormat(RTX, MEDIA, AGAIN, VIDEO), RtxFormat(99, 98, AGAIN, VIDEO)]
        red = write_header(99, 7, 200, AGAIN, False) + b"\0\2\x60lost"

        found = pairing(*forms).restore(packets_of([red, again(3)]))

        assert found.payload_type.tolist() == [98, MEDIA]

    def test_a_flood_of_ssrcs_is_not_remembered(self) -> None:
        pair = pairing(RtxFormat(RTX, MEDIA))
        for start in range(1, 4001, 20):
            chunk = [media(1, ssrc=n, rid=b"%d" % n) for n in range(start, start + 20)]
            chunk += [again(1, ssrc=n << 16, rrid=b"%d" % n) for n in range(start, start + 20)]
            pair.restore(packets_of(chunk))

        assert len(pair._sources) == MAX_SOURCES
        assert len(pair._pairs) == MAX_SOURCES

    def test_without_retransmissions_the_packets_are_the_same_object(self) -> None:
        packets = packets_of([media(1)])

        assert pairing(RtxFormat(RTX, MEDIA)).restore(packets) is packets
        assert isinstance(packets.ssrc[0], np.uint32)
