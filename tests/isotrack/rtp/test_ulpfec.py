from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp import ulpfec
from isotrack.rtp.fec import MAX_WAITING, WINDOW_PACKETS
from isotrack.rtp.header import write_header
from tests import fec_encoder
from tests.fec_streams import MEDIA, SSRC, Receiver, media
from tests.packets import START_US, packets_of


def receiver() -> Receiver:
    return Receiver(ulpfec.read)


def protecting(packets: dict[int, bytes], **options: object) -> bytes:
    """The payload of a ULPFEC packet over these packets, given by sequence number."""
    base = min(packets)
    places = {number - base: packet for number, packet in packets.items()}
    return fec_encoder.ulpfec(places, base & 0xFFFF, **options)  # type: ignore[arg-type]


def stream(first: int, count: int) -> dict[int, bytes]:
    return {number: media(number) for number in range(first, first + count)}


def rfc_packets() -> dict[int, bytes]:
    """Packets A, B, C, D of RFC 5109 section 10, with the payload types it gives them."""
    rows = [(11, True, 8, 3, 200), (18, False, 9, 5, 140), (11, True, 10, 7, 100)]
    rows.append((18, False, 11, 9, 340))
    return {
        number: write_header(payload_type, number, timestamp, 2, marker)
        + np.random.default_rng(number).integers(1, 256, size, np.uint8).tobytes()
        for payload_type, marker, number, timestamp, size in rows
    }


def test_the_example_of_the_rfc_has_the_bytes_the_rfc_gives_it() -> None:
    """RFC 5109 section 10.1: four packets, one level."""
    payload = protecting(rfc_packets())

    assert payload[:14].hex() == "00000008" + "00000008" + "0174" + "0154f000"


def test_the_header_of_the_example_is_read_as_the_rfc_explains_it() -> None:
    """RFC 5109 section 10.1."""
    packets = packets_of([write_header(120, 1, 9, 2, False) + protecting(rfc_packets())])

    fec, malformed, unsupported = ulpfec.read(packets, np.array([0]))

    assert (malformed, unsupported) == (0, 0)
    assert fec.sequence_base.tolist() == [8]
    assert np.flatnonzero(fec.mask[0]).tolist() == [0, 1, 2, 3]
    assert fec.recovery.tobytes() == struct.pack(">BBIH", 0, 0, 8, 372)
    assert fec.parity_length.tolist() == [340]
    assert fec.ssrc.tolist() == [2]


@pytest.mark.parametrize("lost", range(65_534, 65_539))
def test_any_packet_lost_of_a_group_is_recovered_over_the_wrap(lost: int) -> None:
    """Edge cases 171 and 177."""
    sent = stream(65_534, 5)
    side = receiver()
    came = [packet for number, packet in sent.items() if number != lost]

    side.push([*came, side.fec(protecting(sent))])

    assert side.packets == [sent[lost]]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_mask_of_48_bits_recovers_over_any_chunks(size: int) -> None:
    """Edge case 171."""
    sent = stream(100, 48)
    side = receiver()
    fec = side.fec(protecting({n: sent[n] for n in (100, 103, 120, 147)}, long_mask=True))

    side.push_in(size, [*(p for n, p in sent.items() if n != 147), fec])

    assert side.packets == [sent[147]]


def test_csrcs_header_extensions_and_padding_are_recovered_with_the_packet() -> None:
    """Edge case 171: parity is over the packet as it was sent."""
    plain, other = media(1), media(3)
    header = write_header(MEDIA, 2, 3000, SSRC, True, {3: b"\x01", 9: b"zero"})
    rich = bytes([header[0] | 0x22]) + header[1:12] + b"csrcCSRC" + header[12:] + b"pay\0\0\0\4"
    for lost in (plain, rich, other):
        side = receiver()
        fec = side.fec(protecting({1: plain, 2: rich, 3: other}))

        side.push([*(each for each in (plain, rich, other) if each != lost), fec])

        assert side.packets == [lost]


def test_header_extensions_that_the_pacer_fills_in_are_taken_as_zeros() -> None:
    """libwebrtc computes parity before its pacer writes them, and packets differ in theirs."""

    def packet(number: int, transport: bytes, timing: bytes) -> bytes:
        names = {3: b"\x01"} if number % 2 else {}
        elements = {**names, 5: transport, 6: timing}
        return write_header(MEDIA, number, 7, SSRC, False, elements) + media(number)[12:]

    blank = {n: packet(n, b"\0\0", b"delaysf" + bytes(6)) for n in range(1, 5)}
    sent = {n: packet(n, struct.pack(">H", 777 + n), b"delaysf" + b"pacers") for n in range(1, 5)}
    side = receiver()

    side.push([sent[1], sent[2], sent[4], side.fec(protecting(blank))])

    assert side.packets == [blank[3]]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_packet_recovered_lets_the_next_one_be_recovered(size: int) -> None:
    """Edge case 172: rows first, then columns, then rows again."""
    sent = stream(10, 9)
    lost = {10, 11, 13, 14, 18}
    side = receiver()
    groups = [(10, 13, 16), (10, 11, 12), (11, 14, 17), (16, 17, 18), (13, 14, 15)]
    parity = [side.fec(protecting({n: sent[n] for n in group})) for group in reversed(groups)]

    side.push_in(size, [*(p for n, p in sent.items() if n not in lost), *parity[:-2]])
    assert side.packets == [sent[18]]

    side.push_in(size, parity[-2:])

    assert side.packets == [sent[18]]

    side.push([sent[13]], at_us=START_US + 50_000)

    assert sorted(side.packets) == sorted(sent[number] for number in lost - {13})
    assert side.arrival_us[1:] == [START_US + 50_000] * 3


def test_a_fec_packet_that_overtook_its_media_works_when_they_come() -> None:
    sent = stream(10, 4)
    side = receiver()
    side.push([side.fec(protecting(sent))])

    side.push([sent[10], sent[11]])
    assert side.packets == []

    side.push([sent[13]], at_us=START_US + 70_000)

    assert side.packets == [sent[12]]
    assert side.arrival_us == [START_US + 70_000]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_nothing_lost_gives_nothing(size: int) -> None:
    """Edge case 176, with the parity behind what it protects."""
    sent = stream(0, 30)
    side = receiver()
    parity = [side.fec(protecting({n: sent[n] for n in range(i, i + 5)})) for i in range(0, 30, 5)]

    side.push_in(size, [*sent.values(), *parity])

    assert side.packets == []


def test_what_was_sent_again_is_not_lost_and_not_what_was_protected() -> None:
    """Edge case 176: a retransmission has a header of its own, so it must not enter the parity."""
    sent = stream(10, 4)
    other = write_header(MEDIA, 11, 9000, SSRC, False, {4: b"other"}) + sent[11][12:]
    side = receiver()

    side.push([sent[10], other, sent[12], sent[13], side.fec(protecting(sent))], again=[1])

    assert side.packets == []
    assert side.decoder.discarded == 0


def test_what_was_sent_again_still_helps_as_soon_as_parity_gives_its_header() -> None:
    """Edge case 172."""
    sent = stream(10, 5)
    other = write_header(MEDIA, 11, 9000, SSRC, False, {4: b"other"}) + sent[11][12:]
    side = receiver()
    parity = [
        side.fec(protecting({n: sent[n] for n in (11, 14)})),
        side.fec(protecting({n: sent[n] for n in (10, 11, 12)})),
    ]

    side.push([sent[10], other, sent[14], *parity], again=[1])

    assert side.packets == [sent[12]]


def test_media_of_an_older_wrap_is_not_taken_for_what_was_lost() -> None:
    """Edge case 177: number 0 came 65,536 packets ago and is lost now."""
    side = receiver()
    old = [write_header(MEDIA, number, 9, SSRC, False) + b"old" for number in range(65_536)]
    for at in range(0, 65_536, 8192):
        side.push(old[at : at + 8192])
    new = {number: media(number) for number in range(65_536, 65_540)}

    side.push([new[65_537], new[65_538], new[65_539], side.fec(protecting(new))])

    assert side.packets == [new[65_536]]


def test_a_sender_that_counts_from_anew_is_not_confused_with_its_past() -> None:
    """Edge case 177, with both within one chunk."""
    side = receiver()
    past = [
        write_header(MEDIA, n, 9, SSRC, False) + b"old" for n in (*range(10), *range(700, 1000))
    ]
    sent = stream(0, 5)

    side.push([*past, *(p for n, p in sent.items() if n != 2), side.fec(protecting(sent))])

    assert side.packets == [sent[2]]


class TestLevels:
    """RFC 5109 section 10.2: A and B in one packet, C and D in the other with all four behind."""

    def recovered(self, lost: int, also: int | None = None) -> list[bytes]:
        sent = {n: media(n, size) for n, size in zip(range(8, 12), (90, 70, 100, 160), strict=True)}
        side = receiver()
        first = protecting({8: sent[8], 9: sent[9]}, levels=[((0, 1), 70)])
        second = fec_encoder.ulpfec(
            {number - 8: packet for number, packet in sent.items()},
            8,
            levels=[((2, 3), 70), ((0, 1, 2, 3), 90)],
        )
        came = [packet for number, packet in sent.items() if number not in (lost, also)]
        side.push([*came, side.fec(first), side.fec(second)])
        assert set(side.packets) <= set(sent.values())
        return [number for number, packet in sent.items() if packet in side.packets]  # type: ignore[misc]

    @pytest.mark.parametrize("lost", [9, 10, 11])
    def test_a_packet_protected_to_its_end_is_recovered(self, lost: int) -> None:
        assert self.recovered(lost) == [lost]

    def test_a_packet_longer_than_its_protection_is_not_media(self) -> None:
        assert self.recovered(8) == []

    def test_a_level_that_lacks_another_packet_waits_for_it(self) -> None:
        assert self.recovered(10, also=9) == [9, 10]

    def test_a_level_that_lacks_a_packet_for_good_recovers_nothing(self) -> None:
        assert self.recovered(10, also=8) == []

    def test_a_short_packet_needs_no_further_level(self) -> None:
        sent = {8: media(8, 200), 10: media(10, 30), 11: media(11, 200)}
        side = receiver()
        places = {number - 8: packet for number, packet in sent.items()}
        payload = fec_encoder.ulpfec(places, 8, levels=[((2, 3), 70), ((0, 2, 3), 130)])

        side.push([sent[11], side.fec(payload)])

        assert side.packets == [sent[10]]

    def test_more_levels_than_anyone_makes_are_malformed(self) -> None:
        sent = stream(8, 2)
        side = receiver()

        side.push([sent[8], side.fec(protecting(sent) + b"\0\0\xff\xff" * 9)])

        assert (side.packets, side.malformed) == ([], 1)


class TestGarbage:
    def test_a_fec_packet_cut_anywhere_or_too_long_is_ignored(self) -> None:
        """Edge case 173."""
        sent = stream(8, 4)
        whole = protecting(sent)
        for payload in [*(whole[:end] for end in range(len(whole))), whole + b"\0"]:
            side = receiver()
            side.push([sent[8], sent[9], sent[11], side.fec(payload)])
            assert (side.packets, side.malformed) == ([], 1)

    def test_an_extended_header_is_ignored(self) -> None:
        """Edge case 173: the E bit."""
        sent = stream(8, 4)
        whole = protecting(sent)
        side = receiver()

        side.push([sent[8], sent[9], sent[11], side.fec(bytes([whole[0] | 0x80]) + whole[1:])])

        assert (side.packets, side.malformed) == ([], 1)

    def test_an_empty_mask_is_malformed(self) -> None:
        side = receiver()

        side.push([media(1), side.fec(bytes(10) + b"\0\4\0\0" + b"four")])

        assert (side.packets, side.malformed) == ([], 1)

    @pytest.mark.parametrize("change", [1, 0x0100, 0x8000, 0xFFFF])
    def test_a_wrong_length_recovery_gives_no_packet(self, change: int) -> None:
        """Edge case 173."""
        sent = stream(8, 4)
        whole = bytearray(protecting(sent))
        whole[8:10] = (int.from_bytes(whole[8:10], "big") ^ change).to_bytes(2, "big")
        lost = min(sent, key=lambda number: len(sent[number]))
        side = receiver()

        side.push([*(p for n, p in sent.items() if n != lost), side.fec(bytes(whole))])

        assert all(len(packet) > len(sent[lost]) for packet in side.packets)
        assert side.decoder.discarded + len(side.packets) == 1
        assert side.decoder.discarded or change == 1

    def test_a_result_longer_than_it_says_is_discarded(self) -> None:
        """Edge cases 173 and 174: what is behind the end of a packet would be zeros."""
        sent = stream(8, 4)
        whole = bytearray(protecting(sent))
        length = len(sent[10]) - 12
        whole[9] ^= length ^ (length - 5)
        side = receiver()

        side.push([sent[8], sent[9], sent[11], side.fec(bytes(whole))])

        assert (side.packets, side.decoder.discarded) == ([], 1)

    def test_a_wrong_protection_length_is_malformed(self) -> None:
        """Edge case 173."""
        sent = stream(8, 4)
        whole = bytearray(protecting(sent))
        whole[10:12] = b"\xff\xff"
        side = receiver()

        side.push([sent[8], sent[9], sent[11], side.fec(bytes(whole))])

        assert (side.packets, side.malformed) == ([], 1)

    @pytest.mark.parametrize("flags", [0x10, 0x20, 0x0F])
    def test_a_result_that_is_no_rtp_packet_is_discarded_and_not_built_upon(
        self, flags: int
    ) -> None:
        """Edge case 174: an extension, padding and CSRCs that do not fit."""
        sent = {n: media(n, 30, first=bytes(20)) for n in range(8, 12)}
        whole = bytearray(protecting(sent))
        whole[0] ^= flags
        whole[14 + 2 : 14 + 4] = b"\x7f\xff"
        whole[-1] ^= sent[8][-1] ^ sent[9][-1] ^ sent[11][-1]  # no padding at all
        side = receiver()

        side.push([sent[8], sent[9], sent[11], side.fec(bytes(whole))])
        side.push([side.fec(protecting({10: sent[10], 12: media(12)}))])

        assert side.packets == []
        assert side.decoder.discarded == 1

    def test_a_result_of_another_payload_type_is_discarded(self) -> None:
        """Edge case 175."""
        sent = stream(8, 3)
        sent[9] = bytes([sent[9][0], 97]) + sent[9][2:]
        side = receiver()

        side.push([sent[8], sent[10], side.fec(protecting(sent))])

        assert (side.packets, side.decoder.discarded) == ([], 1)

    def test_a_result_is_discarded_once_however_long_its_parity_is_kept(self) -> None:
        sent = stream(8, 3)
        sent[9] = bytes([sent[9][0], 97]) + sent[9][2:]
        side = receiver()

        side.push([sent[8], sent[10], side.fec(protecting(sent))])
        side.push([media(11)]).push([media(12)])

        assert side.decoder.discarded == 1

    def test_media_of_another_ssrc_or_payload_type_is_no_part_of_it(self) -> None:
        sent = stream(8, 3)
        foreign = sent[9][:8] + b"elseELSE" + sent[9][12:]
        side = receiver()

        side.push([sent[8], foreign, sent[10], side.fec(protecting(sent))])

        assert side.packets == [sent[9]]

    @given(st.lists(st.binary(max_size=60), max_size=12), st.integers(0, 2**16 - 1))
    def test_any_bytes_are_read_without_an_error(self, payloads: list[bytes], first: int) -> None:
        """Edge case 173."""
        side = receiver()
        numbers = [first + i for i in range(6)]

        side.push([*(media(n) for n in numbers), *(side.fec(each) for each in payloads)])

        assert all(packet[1] & 0x7F == MEDIA for packet in side.packets)

    @given(
        st.lists(st.tuples(st.integers(0, 15), st.integers(1, 2**16 - 1)), max_size=20),
        st.sets(st.integers(0, 30)),
        st.integers(1, 50),
    )
    def test_sound_parity_gives_nothing_but_what_was_sent(
        self, masks: list[tuple[int, int]], lost: set[int], size: int
    ) -> None:
        """Edge case 172, in all ways that packets may be lost and protected."""
        sent = stream(65_520, 31)
        side = receiver()
        parity = []
        for base, mask in masks:
            chosen = [65_520 + base + i for i in range(16) if mask >> i & 1]
            parity.append(side.fec(protecting({number: sent[number] for number in chosen})))
        gone = [sent[65_520 + place] for place in lost]

        side.push_in(size, [*(p for p in sent.values() if p not in gone), *parity])

        assert set(side.packets) <= set(gone)
        assert len(side.packets) == len(set(side.packets))


def test_memory_stays_that_of_the_last_packets() -> None:
    side = receiver()
    for start in range(0, 4000, 40):
        lacking = [
            side.fec(
                protecting({start + i: media(start + i), start + 20 + i: media(start + 20 + i)})
            )
            for i in range(10)
        ]
        came = [media(start + i) for i in (*range(10, 20), *range(30, 40))]
        side.push([*came, *lacking], at_us=START_US + start * 1000)

    assert len(side.decoder._window) <= WINDOW_PACKETS + 1
    assert len(side.decoder._waiting) <= MAX_WAITING


def test_a_fec_packet_does_not_wait_for_ever() -> None:
    sent = stream(8, 4)
    side = receiver()
    side.push([sent[8], side.fec(protecting(sent))])

    side.push([sent[9]], at_us=START_US + 3_000_000)
    side.push([sent[11]], at_us=START_US + 3_001_000)

    assert side.packets == []
