from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import reduce

import numpy as np
import pytest

from isotrack.media.carrying import join
from isotrack.media.observations import ClockObservations
from isotrack.media.ordering import OrderingBuffer
from isotrack.media.repair import MAX_DECODERS, FecFormat, RepairCounts, Repairer, RepairFormat
from isotrack.media.streams import StreamSplitter
from isotrack.rtp.dump import read_dump
from isotrack.rtp.fec import MAX_BLOCK
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.rtx_pairing import RtxFormat
from tests import fec_encoder
from tests.packets import START_US, packets_of, write_records

VP8, RTX, RED, RED_RTX, FEC = 96, 97, 98, 99, 120
SSRC, RTX_SSRC, FEC_SSRC = 0x1111, 0x2222, 0x3333
WITH_RTX = RepairFormat((VP8,), (SSRC,), rtx=(RtxFormat(VP8 + 1, VP8, RTX_SSRC, SSRC),))
IN_RED = RepairFormat((VP8,), (SSRC,), red_payload_type=RED, fec=FecFormat("ulpfec", FEC))
FLEX = RepairFormat((VP8,), (), fec=FecFormat("flexfec-03", FEC, FEC_SSRC))


def media(number: int, *, ssrc: int = SSRC, payload_type: int = VP8, lead: bytes = b"") -> bytes:
    """A packet of a frame of three; the frame's first has a header extension."""
    names = {} if number % 3 else {3: b"\x01"}
    header = write_header(
        payload_type, number & 0xFFFF, 3000 * (number // 3), ssrc, number % 3 == 2, names
    )
    return header + lead + b"%d/%d " % (number, ssrc) * (3 + number % 5)


def in_red(number: int) -> bytes:
    """The same packet in RED, which is no part of what is protected."""
    return media(number, payload_type=RED, lead=bytes([VP8]))


def again(original: int, number: int = 1, *, red: bool = False) -> bytes:
    plain = in_red(original) if red else media(original)
    size = 12 if original % 3 else 20
    header = write_header(RED_RTX if red else RTX, number, 3000 * (original // 3), RTX_SSRC, False)
    return header + struct.pack(">H", original & 0xFFFF) + plain[size:]


def parity_in_red(number: int, protected: Sequence[int], *, red: bool = True) -> bytes:
    """ULPFEC that takes a number of the media's."""
    places = {each - protected[0]: media(each) for each in protected}
    timestamp = 3000 * (protected[-1] // 3)
    header = write_header(RED if red else FEC, number, timestamp, SSRC, False)
    return header + bytes([FEC] * red) + fec_encoder.ulpfec(places, protected[0])


def flexfec(protected: Sequence[int], *, ssrc: int = SSRC, number: int = 1) -> bytes:
    places = {each - protected[0]: media(each, ssrc=ssrc) for each in protected}
    header = write_header(FEC, number, 9, FEC_SSRC, False)
    return header + fec_encoder.flexfec(places, protected[0], ssrc)


def payload(number: int, ssrc: int = SSRC) -> bytes:
    return b"%d/%d " % (number, ssrc) * (3 + number % 5)


def contents(packets: Packets) -> list[bytes]:
    spans = zip(packets.payload_offset.tolist(), packets.payload_length.tolist(), strict=True)
    return [packets.buffer[at : at + size].tobytes() for at, size in spans]


class Track:
    """A repairer between the packets of a track and their order, as a reader has it."""

    def __init__(self, form: RepairFormat) -> None:
        self.repairer = Repairer(form)
        self.splitter = StreamSplitter(form.media_payload_types, 90_000, form.media_ssrcs)
        self.ordering: list[OrderingBuffer] = []
        self.clock = ClockObservations(90_000)
        self.payloads: list[bytes] = []

    def push(self, datagrams: Sequence[bytes], *, at_us: int = START_US) -> Track:
        arrival_us = [at_us + 1000 * i for i in range(len(datagrams))]
        packets, _ = read_packets(read_dump(write_records(datagrams, arrival_us=arrival_us)))
        for arrived in self.splitter.split(self.repairer.push(packets)):
            if arrived.stream == len(self.ordering):
                self.ordering.append(OrderingBuffer())
            self.clock.add_packets(arrived)
            ordered = self.ordering[arrived.stream].push(arrived)
            self.payloads += contents(ordered.packets)
        return self

    def push_in(self, size: int, datagrams: Sequence[bytes]) -> Track:
        for at in range(0, len(datagrams), size):
            self.push(datagrams[at : at + size], at_us=START_US + 1000 * at)
        return self

    def finish(self) -> list[bytes]:
        for ordering in self.ordering:
            ordered = ordering.finish()
            self.payloads += contents(ordered.packets) if ordered is not None else []
        return self.payloads


def test_where_nothing_was_announced_the_packets_are_the_same_object() -> None:
    packets = packets_of([media(1), again(2)])
    repairer = Repairer(RepairFormat((VP8,), (SSRC,)))

    assert repairer.push(packets) is packets
    assert repairer.counts() == RepairCounts(0, 0, 0, 0, 0, 0, 0)


class TestRetransmissions:
    @pytest.mark.parametrize("size", [1, 4, 100])
    def test_a_frame_is_repaired_in_its_middle(self, size: int) -> None:
        """Edge case 170."""
        sent = [media(number) for number in range(9)]

        track = Track(WITH_RTX).push_in(size, [*sent[:4], *sent[5:], again(4)])

        assert track.finish() == [payload(number) for number in range(9)]
        assert track.ordering[0].lost == 0
        assert track.ordering[0].restored == 1

    def test_what_came_is_not_doubled_by_what_is_sent_again_to_probe(self) -> None:
        """Edge case 166."""
        sent = [media(number) for number in range(6)]
        probes = [again(2, number) for number in range(3)]

        track = Track(WITH_RTX).push([*sent[:3], probes[0], *sent[3:], *probes[1:]])

        assert track.finish() == [payload(number) for number in range(6)]
        assert track.ordering[0].duplicates == 3
        assert track.ordering[0].restored == 0
        assert track.repairer.counts().rtx_received == 3

    def test_a_retransmission_too_late_for_a_call_is_in_time_for_its_recording(self) -> None:
        """Edge case 167."""
        sent = [media(number) for number in range(9)]
        track = Track(WITH_RTX).push([*sent[:4], *sent[5:]])

        track.push([again(4)], at_us=START_US + 1_500_000)

        assert track.finish() == [payload(number) for number in range(9)]

    def test_clocks_take_no_notice_of_what_was_restored(self) -> None:
        """Edge cases 165 and 179: not of its arrival, nor of the timestamp of a probe."""
        sent = [media(number) for number in range(9)]
        probe = b"\xa0" + write_header(RTX, 5, 0x7F000000, RTX_SSRC, False)[1:] + b"\0\0\3"
        came = Track(WITH_RTX).push([*sent[:2], media(0), *sent[3:8], media(0), sent[7]])

        track = Track(WITH_RTX).push([*sent[:2], probe, *sent[3:8], again(8), sent[7]])

        for mine, wanted in zip(track.clock.delays(), came.clock.delays(), strict=True):
            assert mine.tolist() == wanted.tolist()
        assert [each[:2] == b"8/" for each in track.finish()].count(True) == 1

    def test_what_is_tied_to_no_media_is_counted_and_is_no_stream(self) -> None:
        """Edge cases 164, 165 and 169."""
        strange = again(4)[:8] + b"else" + again(4)[12:]
        short = write_header(RTX, 5, 1, RTX_SSRC, False) + b"\0"
        form = WITH_RTX._replace(rtx=(WITH_RTX.rtx[0], RtxFormat(RTX, VP8, 7, 0x7777)))

        track = Track(form).push([media(0), media(0, ssrc=0x7777), strange, short])

        assert len(track.ordering) == 1
        assert track.repairer.counts()._asdict() | {"fec_received": 0} == {
            "rtx_received": 2,
            "rtx_unpaired": 1,
            "fec_received": 0,
            "fec_recovered": 0,
            "fec_unsupported": 0,
            "fec_discarded": 0,
            "malformed": 1,
        }


class TestParityInTheStreamOfTheMedia:
    @pytest.mark.parametrize("size", [1, 4, 100])
    @pytest.mark.parametrize("lost", range(65_534, 65_539))
    def test_red_is_no_part_of_what_is_protected(self, lost: int, size: int) -> None:
        """Edge cases 171 and 177: RFC 5109 section 14.1 asks for it, and libwebrtc does it."""
        numbers = range(65_533, 65_539)
        came = [in_red(number) for number in numbers if number != lost]
        came += [parity_in_red(3, numbers), in_red(65_540)]

        track = Track(IN_RED).push_in(size, came)

        assert track.finish() == [payload(number) for number in (*numbers, 65_540)]
        assert track.ordering[0].lost == 0
        assert track.repairer.counts().fec_received == 1
        assert track.repairer.counts().fec_recovered == 1

    def test_parity_is_received_with_nothing_to_play(self) -> None:
        """Edge case 176: its number is no loss of the media."""
        chunk = [in_red(9), in_red(10), parity_in_red(11, [9, 10]), in_red(12)]

        found = Repairer(IN_RED).push(packets_of(chunk))

        assert found.sequence_number.tolist() == [9, 10, 11, 12]
        assert found.payload_type.tolist() == [VP8, VP8, FEC, VP8]
        assert found.payload_length.tolist()[2] == 0
        assert not found.restored.any()

    def test_parity_announced_with_the_ssrc_of_the_media_keeps_its_number(self) -> None:
        form = RepairFormat((VP8,), (), fec=FecFormat("ulpfec", FEC, SSRC))

        track = Track(form).push([media(9), media(11), parity_in_red(12, [9, 10, 11], red=False)])

        assert track.finish() == [payload(number) for number in (9, 10, 11)]
        assert track.ordering[0].received == 4

    def test_parity_without_red_recovers_too(self) -> None:
        """Edge case 171."""
        form = IN_RED._replace(red_payload_type=None)

        track = Track(form).push([media(9), media(11), parity_in_red(12, [9, 10, 11], red=False)])

        assert track.finish() == [payload(number) for number in (9, 10, 11)]

    def test_parity_in_an_ssrc_of_its_own_recovers_too(self) -> None:
        form = IN_RED._replace(red_payload_type=None, fec=FecFormat("ulpfec", FEC, FEC_SSRC))
        parity = parity_in_red(1, [9, 10, 11], red=False)
        elsewhere = parity[:8] + struct.pack(">I", FEC_SSRC) + parity[12:]

        track = Track(form).push([media(9), media(11), elsewhere])

        assert track.finish() == [payload(number) for number in (9, 10, 11)]
        assert track.ordering[0].received == 3

    def test_red_that_was_sent_again_is_media(self) -> None:
        rtx = (RtxFormat(RED_RTX, RED, RTX_SSRC, SSRC),)

        track = Track(IN_RED._replace(rtx=rtx)).push([in_red(9), in_red(11), again(10, red=True)])

        assert track.finish() == [payload(number) for number in (9, 10, 11)]

    def test_a_copy_of_parity_does_not_take_the_number_of_a_packet(self) -> None:
        parity = parity_in_red(1, [8, 9], red=False)[12:]
        words = struct.pack(">I", 1 << 31 | FEC << 24 | 90 << 10 | len(parity))
        header = write_header(RED, 10, 9000, SSRC, False)

        found = Repairer(IN_RED).push(
            packets_of([header + words + bytes([VP8]) + parity + payload(10)])
        )

        assert found.sequence_number.tolist() == [10]
        assert contents(found) == [payload(10)]

    def test_garbage_is_counted(self) -> None:
        """Edge case 173."""
        torn = write_header(RED, 11, 9, SSRC, False) + bytes([FEC]) + b"\0" * 9

        track = Track(IN_RED).push([in_red(9), torn])

        assert track.finish() == [payload(9)]
        assert track.repairer.counts().malformed == 1
        assert track.repairer.counts().fec_received == 1


class TestParityInAStreamOfItsOwn:
    def test_losses_are_recovered_and_parity_is_no_track(self) -> None:
        """Edge case 178."""
        empty = write_header(FEC, 7, 9, FEC_SSRC, False)
        padding = bytes([empty[0] | 0x20]) + empty[1:] + b"\0\2"
        sent = [media(number) for number in range(6)]

        track = Track(FLEX).push([*sent[:4], padding, empty, sent[5], flexfec(range(6))])

        assert track.finish() == [payload(number) for number in range(6)]
        assert len(track.ordering) == 1
        assert track.splitter.foreign == 0
        assert track.repairer.counts() == RepairCounts(0, 0, 1, 1, 0, 0, 0)

    def test_each_layer_is_recovered_from_its_own_parity(self) -> None:
        chunk = [media(n, ssrc=ssrc) for n in (0, 1, 2) for ssrc in (SSRC, 0x9999)]
        chunk.remove(media(1, ssrc=SSRC))
        chunk.remove(media(2, ssrc=0x9999))
        parity = [flexfec((0, 1, 2)), flexfec((0, 1, 2), ssrc=0x9999, number=2)]

        found = Repairer(FLEX).push(packets_of([*chunk, *parity]))

        for ssrc in (SSRC, 0x9999):
            mine = found.take(found.ssrc == ssrc)
            assert sorted(contents(mine)) == [payload(n, ssrc) for n in range(3)]

    def test_a_packet_recovered_stands_behind_the_one_that_completed_it(self) -> None:
        """Edge case 179."""
        sent = [media(number) for number in range(6)]
        chunk = [sent[0], flexfec((0, 1, 2)), sent[2], sent[3], flexfec((3, 4), number=2), sent[5]]

        found = Repairer(FLEX).push(packets_of(chunk))

        assert found.sequence_number.tolist() == [0, 2, 1, 3, 4, 5]
        assert found.restored.tolist() == [False, False, True, False, True, False]
        offsets_us = (found.arrival_us - START_US).tolist()
        assert offsets_us == [0, 2000, 2000, 3000, 4000, 5000]

    def test_what_was_restored_by_rtx_is_not_recovered_once_more(self) -> None:
        """Edge case 176."""
        form = FLEX._replace(rtx=(RtxFormat(RTX, VP8, RTX_SSRC, SSRC),))
        chunk = [media(0), again(1), media(2), flexfec((0, 1, 2))]

        repairer = Repairer(form)
        found = repairer.push(packets_of(chunk))

        assert found.sequence_number.tolist() == [0, 1, 2]
        assert repairer.counts().fec_recovered == 0

    def test_other_kinds_of_parity_are_counted(self) -> None:
        packet = bytearray(flexfec((0, 1, 2)))
        packet[12] |= 0x40

        track = Track(FLEX).push([media(0), media(1), bytes(packet)])

        assert track.repairer.counts().fec_unsupported == 1

    def test_more_packets_than_sequence_numbers_are_no_hindrance(self) -> None:
        """Edge case 177, in a capture that was not cut into chunks."""
        count = 65_600
        assert count > 8 * MAX_BLOCK
        chunk = [write_header(VP8, n & 0xFFFF, 9, SSRC, False) + b"x" for n in range(count)]
        lost = {5: media(5), 65_541: media(65_541)}
        for number, packet in lost.items():
            chunk[number] = packet
        parity = {
            n: write_header(FEC, 1, 9, FEC_SSRC, False)
            + fec_encoder.flexfec({0: packet, 1: chunk[n + 1]}, n & 0xFFFF, SSRC)
            for n, packet in lost.items()
        }
        came = [parity.get(n, packet) for n, packet in enumerate(chunk)]

        pieces = [packets_of(came[at : at + 8000]) for at in range(0, count, 8000)]
        found = Repairer(FLEX).push(reduce(join, pieces))

        restored = found.take(found.restored)
        assert restored.sequence_number.tolist() == [5, 5]
        assert contents(restored) == [payload(5), payload(65_541)]

    def test_a_flood_of_ssrcs_is_not_remembered(self) -> None:
        repairer = Repairer(FLEX)
        for first in range(0, 60, 6):
            repairer.push(packets_of([media(1, ssrc=first + i) for i in range(6)]))

        assert len(repairer._decoders) == MAX_DECODERS

    def test_an_empty_chunk_changes_nothing(self) -> None:
        packets = packets_of([media(1)]).take(np.zeros(1, np.bool_))

        assert Repairer(FLEX).push(packets).count == 0
        assert Repairer(IN_RED).push(packets).count == 0
        assert Repairer(WITH_RTX).push(packets).count == 0
