"""Access units of H.264: what belongs to a picture, and where decoding can begin."""

from __future__ import annotations

import base64

import pytest

from isotrack.codecs import h264
from isotrack.codecs import h264_parameters as parameters
from tests.nal import avcc
from tests.sessions import H264, START_US, Sender, read_track

# Parameter sets as WebRTC's encoders write them: 640x360, and 1280x720.
SPS = bytes.fromhex("6742c01fd900a02ff958")
BIG_SPS = bytes.fromhex("6742c01fd9005005bb011000000300100000030320f1832480")
PPS = bytes.fromhex("68cb83cb20")
IDR = b"\x65\x88\x80" + bytes(30)
IDR_SECOND_SLICE = b"\x65\x42\x20" + bytes(30)  # first_mb 1, slice type 7, PPS 0
AUD = b"\x09\x30"


def delta(number: int) -> bytes:
    return b"\x41\x9a" + number.to_bytes(2, "big") + bytes(30)


def h264_sender(*units: tuple[bytes, ...], max_payload: int = 1200) -> Sender:
    """Access units 33 ms apart."""
    sender = Sender()
    for i, unit in enumerate(units):
        sender.send(
            9000 + 3000 * i,
            *h264.packetize(unit, max_payload),
            arrival_us=START_US + 33_333 * i,
        )
    return sender


def deltas(first: int, count: int) -> list[tuple[bytes, ...]]:
    return [(delta(first + i),) for i in range(count)]


@pytest.mark.parametrize("size", [1, 2, 7, 500])
def test_parameter_sets_in_an_access_unit_of_their_own_go_with_the_picture_that_follows(
    size: int,
) -> None:
    """Edge case 106."""
    sender = h264_sender((SPS, PPS), (IDR,), *deltas(2, 3), (SPS,), (PPS,), (IDR,), *deltas(8, 90))

    reading = read_track(H264, sender.sent, size=size)

    assert [frame.data for frame in reading.frames[:4]] == [
        avcc(SPS, PPS, IDR),
        *(avcc(delta(2 + i)) for i in range(3)),
    ]
    assert reading.frames[4].data == avcc(SPS, PPS, IDR)
    assert reading.frames[0].timestamp == 2**32 + 9000 + 3000
    assert len(reading.frames) == 95
    assert reading.reader.counts().frames_left_out == 0


def test_markers_in_the_middle_of_an_access_unit_do_not_end_it() -> None:
    """Edge case 62 and edge case 105."""
    sender = Sender()
    for payload in (SPS, PPS, IDR):
        sender.send(9000, payload)

    frames = read_track(H264, sender.sent).frames

    assert [frame.data for frame in frames] == [avcc(SPS, PPS, IDR)]


@pytest.mark.parametrize("position", [0, 1, -1], ids=["head", "middle", "tail"])
def test_an_h264_frame_with_a_fragment_lost_freezes_the_picture(position: int) -> None:
    """Edge case 65 and edge case 104."""
    big = delta(5) + bytes(4000)
    sender = h264_sender((SPS, PPS, IDR), (big,), *deltas(2, 3), (SPS, PPS, IDR), (delta(6),))
    fragments = [i for i, each in enumerate(sender.sent) if each.data[12] & 31 == 28]
    gone = fragments[position]

    reading = read_track(H264, [*sender.sent[:gone], *sender.sent[gone + 1 :]])

    assert [frame.keyframe for frame in reading.frames] == [True, True, False]
    assert reading.frames[1].after_loss


def test_a_frame_whose_first_slice_is_lost_is_not_whole() -> None:
    """Edge case 65."""
    sender = Sender()
    sender.send(0, SPS, PPS, IDR)
    sender.send(3000, delta(1), b"\x41\x03" + bytes(20), b"\x41\x03" + bytes(20))
    sender.send(6000, delta(2))

    reading = read_track(H264, [*sender.sent[:3], *sender.sent[4:]])

    assert [frame.data for frame in reading.frames] == [avcc(SPS, PPS, IDR)]
    assert reading.reader.counts().frames_left_out == 2


def test_an_idr_whose_first_slice_is_lost_is_no_entry() -> None:
    """Edge case 116."""
    sender = Sender()
    sender.send(0, SPS, PPS, IDR)
    sender.send(3000, IDR, IDR_SECOND_SLICE)
    sender.send(6000, delta(2))

    reading = read_track(H264, [*sender.sent[:3], *sender.sent[4:]])

    assert len(reading.frames) == 1


def sprop(*sets: bytes) -> dict[str, str]:
    return {"sprop-parameter-sets": ",".join(base64.b64encode(each).decode() for each in sets)}


def test_the_end_of_an_idr_is_no_entry_though_all_its_parameter_sets_are_known() -> None:
    sender = Sender()
    sender.send(3000, IDR, IDR_SECOND_SLICE)
    sender.send(6000, delta(2))

    assert read_track(H264._replace(fmtp=sprop(SPS, PPS)), sender.sent[1:]).frames == []
    assert len(read_track(H264._replace(fmtp=sprop(SPS, PPS)), sender.sent).frames) == 2


def test_an_idr_that_may_have_lost_its_parameter_sets_is_no_entry() -> None:
    """Edge case 109."""
    sender = Sender()
    sender.send(0, SPS, PPS, IDR)
    sender.send(3000, SPS, PPS, IDR)  # the sets are lost: they may have been new ones
    sender.send(6000, delta(2))

    reading = read_track(H264, [*sender.sent[:3], *sender.sent[5:]])

    assert len(reading.frames) == 1


def test_an_idr_without_sets_after_a_loss_is_an_entry_where_sets_never_come_with_it() -> None:
    """Edge case 107 and edge case 216: the avcC is made of what signaling said."""
    sender = Sender()
    for i in range(4):
        sender.send(3000 * i, IDR if i in (0, 3) else delta(i))

    reading = read_track(H264._replace(fmtp=sprop(SPS, PPS)), [*sender.sent[:1], *sender.sent[2:]])

    assert [frame.timestamp - 2**32 for frame in reading.frames] == [0, 9000]
    assert reading.reader.streams[0].assembler.configuration == parameters.decoder_configuration(
        [SPS], [PPS]
    )


def test_an_idr_with_an_unknown_parameter_set_ends_what_can_be_decoded() -> None:
    """Edge case 108."""
    unknown = b"\x65\x88\x08" + bytes(30)  # first_mb 0, slice type 7, PPS 7
    assert parameters.slice_pps_id(unknown) not in (0, parameters.pps_ids(PPS)[0])
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (unknown,), (delta(2),), (SPS, PPS, IDR))

    reading = read_track(H264, sender.sent)

    assert [frame.data for frame in reading.frames] == [
        avcc(SPS, PPS, IDR),
        avcc(delta(1)),
        avcc(SPS, PPS, IDR),
    ]


def test_loss_between_parameter_sets_and_their_picture_leaves_the_keyframe_usable() -> None:
    sender = h264_sender((SPS, PPS, IDR), (SPS, PPS), (delta(1),), (IDR,), (delta(2),))

    reading = read_track(H264, [*sender.sent[:2], *sender.sent[3:]])

    assert [frame.data for frame in reading.frames] == [
        avcc(SPS, PPS, IDR),
        avcc(SPS, PPS, IDR),
        avcc(delta(2)),
    ]
    assert reading.frames[1].after_loss


def test_parameter_sets_at_the_very_end_are_no_frame() -> None:
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (AUD, SPS, PPS))

    assert len(read_track(H264, sender.sent).frames) == 2


def test_parameter_sets_with_numbers_out_of_range_are_not_kept() -> None:
    far = parameters  # an id of 255 as Exp-Golomb: 0000 0000 1 0000 0000
    wild = bytes((0x67, 0x42, 0xC0, 0x1F, 0x00, 0x80, 0x00)) + SPS[4:]
    assert far.sps_id(wild) > 31
    sender = h264_sender((wild, SPS, PPS, IDR))

    reading = read_track(H264, sender.sent)

    assert reading.reader.streams[0].assembler.configuration == parameters.decoder_configuration(
        [SPS], [PPS]
    )


def test_a_change_of_parameter_sets_changes_the_size() -> None:
    """Edge case 77, edge case 110 and edge case 216: the avcC is that of the first."""
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (BIG_SPS, PPS, IDR))

    assembler = read_track(H264, sender.sent).reader.streams[0].assembler

    assert [(size.width, size.height) for size in assembler.sizes] == [(640, 360), (1280, 720)]
    assert assembler.configuration == parameters.decoder_configuration([SPS], [PPS])


def test_a_fragment_that_is_open_at_the_end_of_the_file_is_no_frame() -> None:
    """Edge case 63: the format says that there was more, whatever the marker says."""
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (delta(2) + bytes(4000),))
    last = sender.sent[-1]

    reading = read_track(H264, sender.sent[:-1])

    assert last.data[13] & 0x40  # the end of the fragmented NAL unit
    assert [frame.data for frame in reading.frames] == [avcc(SPS, PPS, IDR), avcc(delta(1))]
    assert reading.reader.counts().frames_left_out == 1


def test_a_last_frame_without_a_marker_is_kept() -> None:
    """Edge case 63: nothing says that it is not whole."""
    sender = h264_sender((SPS, PPS, IDR), (delta(1),), (delta(2),))
    last = sender.sent[-1]
    unmarked = last._replace(data=last.data[:1] + bytes([last.data[1] & 0x7F]) + last.data[2:])

    assert len(read_track(H264, [*sender.sent[:-1], unmarked]).frames) == 3


def test_a_delta_frame_behind_a_gap_is_not_glued_to_what_was_before() -> None:
    """Edge case 66: `lw-pb-11` of assembly.json, which is of H.264."""
    sender = Sender(sequence=0)
    sender.send(0, SPS, PPS, IDR)
    sender.sequence += 1  # one is missing
    sender.send(2, delta(2)[:20], b"\x41\x42" + delta(2)[20:])

    reading = read_track(H264, sender.sent)

    assert [frame.data for frame in reading.frames] == [avcc(SPS, PPS, IDR)]
    assert reading.reader.counts().lost == 1
    assert reading.reader.counts().frames_left_out == 1
