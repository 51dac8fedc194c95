import hashlib
import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import h264
from isotrack.codecs.media import Media
from isotrack.rtp.dump import read_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.sequence import Unwrapper
from tests.frames import encode_video, join_frames, join_packet
from tests.nal import avcc
from tests.packets import packetized, packets_of
from tests.pcap import read_pcap

DATA = Path(__file__).parents[2] / "data" / "codecs"
SPS, PPS, SEI, AUD = b"\x67sps", b"\x68pp", b"\x06sei", b"\x09\x10"
IDR, IDR_2 = b"\x65\x88idr", b"\x65\x48second"
SLICE, SLICE_2 = b"\x41\x9aslice", b"\x41\x4asecond"


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def fragments(unit: bytes, room: int = 2) -> list[bytes]:
    return h264.packetize([unit], room + 2)


def depacketized(payloads: list[bytes], lost: set[int] | None = None) -> tuple[Packets, Media]:
    """The media of these payloads, sent as one frame, without the lost ones."""
    datagrams = packetized([payloads])
    kept = [datagram for n, datagram in enumerate(datagrams) if n not in (lost or set())]
    packets = packets_of(kept)
    return packets, h264.depacketize(packets)


def in_order(packets: Packets) -> Packets:
    return packets.take(np.argsort(Unwrapper(16)(packets.sequence_number), kind="stable"))


def test_a_single_nal_unit_gets_its_length() -> None:
    """Single NAL units (edge case 101), delimiter and SEI among them (edge case 112)."""
    packets, media = depacketized([SPS, PPS, SEI, AUD, IDR, SLICE_2])
    assert join_frames(packets, media) == [avcc(SPS, PPS, SEI, AUD, IDR, SLICE_2)]
    assert media.head.tolist() == [True, True, True, True, True, False]
    assert media.keyframe.tolist() == [False, False, False, False, True, False]
    assert not media.broken.any()


def test_the_nal_units_of_a_stap_a_come_out_in_order() -> None:
    """STAP-A (edge case 101)."""
    packets, media = depacketized([stap(SPS, PPS, IDR), stap(IDR_2, SEI), IDR_2])
    assert join_frames(packets, media) == [avcc(SPS, PPS, IDR, IDR_2, SEI, IDR_2)]
    assert media.head.tolist() == [True, False, False]
    assert media.keyframe.tolist() == [True, True, True]
    assert not media.broken.any()


def test_six_slices_in_one_stap_a_are_all_kept() -> None:
    """In order (edge case 117)."""
    slices = [bytes((0x41, 0x9A + n)) * (n + 1) for n in range(6)]
    packets, media = depacketized([stap(*slices)])
    assert join_frames(packets, media) == [avcc(*slices)]


def test_the_fragments_of_a_nal_unit_become_one_again() -> None:
    """FU-A (edge case 101)."""
    unit = b"\x65\x88" + bytes(range(50))
    packets, media = depacketized([SPS, *fragments(unit), SLICE_2])
    assert join_frames(packets, media) == [avcc(SPS, unit, SLICE_2)]
    assert not media.broken.any()
    assert media.head.tolist() == [True, True] + [False] * (packets.count - 2)
    assert media.keyframe.tolist() == [False] + [True] * (packets.count - 2) + [False]


def test_a_slice_that_does_not_begin_its_picture_is_no_head() -> None:
    """An IDR without its first slice is a keyframe without a head (edge case 116)."""
    _, media = depacketized([*fragments(IDR_2), stap(SLICE_2, SLICE)])
    assert not media.head.any()
    assert media.keyframe[0]


def test_a_lost_fragment_breaks_the_nal_unit_and_no_other() -> None:
    """Start or end (edge case 103), or one in the middle (edge case 104)."""
    before, unit, after = b"\x61\x9abefore", b"\x61\x4aunit", b"\x61\x4aafter"
    cut = [fragments(each) for each in (before, unit, after)]
    payloads = [payload for each in cut for payload in each]
    first = len(cut[0])
    for lost in range(first, first + len(cut[1])):
        packets, media = depacketized(payloads, {lost})
        assert join_frames(packets, media) == [avcc(before, after)]
        assert media.broken.sum() == len(cut[1]) - 1


def test_an_open_nal_unit_is_broken_when_another_begins() -> None:
    """A new start without an end (edge case 103)."""
    first, second = fragments(b"\x61\x9afirst"), fragments(b"\x61\x4asecond")
    for between in ([], [SEI]):
        packets, media = depacketized([*first[:-1], *between, *second])
        assert join_frames(packets, media) == [avcc(*between, b"\x61\x4asecond")]
        assert media.broken.tolist() == [True] * (len(first) - 1) + [False] * (
            len(between) + len(second)
        )


def test_fragments_of_two_timestamps_are_never_joined() -> None:
    """Two timestamps in one NAL unit (edge case 103)."""
    cut = fragments(b"\x61\x9aunit")
    packets = packets_of(packetized([cut[:1], cut[1:]]))
    media = h264.depacketize(packets)
    assert media.broken.all()
    assert media.slice_packet.size == 0


def test_fragments_of_two_types_are_never_joined() -> None:
    start, end = b"\x7c\x85\x88a", b"\x7c\x41bc"
    _, media = depacketized([start, end])
    assert media.broken.all()


def test_a_fragment_behind_the_end_of_its_nal_unit_is_broken_alone() -> None:
    """An end without a start (edge case 103)."""
    packets, media = depacketized([*fragments(SLICE), b"\x5c\x01stray", *fragments(SLICE_2)])
    stray = len(fragments(SLICE))
    assert join_frames(packets, media) == [avcc(SLICE, SLICE_2)]
    assert np.flatnonzero(media.broken).tolist() == [stray]


def test_another_nal_unit_between_fragments_breaks_them() -> None:
    start, end = fragments(SLICE, room=4)
    packets, media = depacketized([start, SEI, end])
    assert join_frames(packets, media) == [avcc(SEI)]
    assert media.broken.tolist() == [True, False, True]


def test_packets_without_payload_do_not_part_fragments() -> None:
    unit = b"\x61\x9aunit of some length"
    cut = fragments(unit, room=7)
    packets, media = depacketized([cut[0], b"", *cut[1:], b""])
    assert join_frames(packets, media) == [avcc(unit)]
    assert not media.broken.any()


def test_a_fragment_that_is_start_and_end_is_a_whole_nal_unit() -> None:
    """S and E both set: read, though RFC 6184 forbids to send it (edge case 103)."""
    packets, media = depacketized([b"\x7c\xc5\x88whole"])
    assert join_frames(packets, media) == [avcc(b"\x65\x88whole")]
    assert media.head.tolist() == [True]


def test_fragments_may_be_empty() -> None:
    packets, media = depacketized([b"\x7c\x85", b"\x7c\x05\x88idr", b"\x7c\x45"])
    assert join_frames(packets, media) == [avcc(IDR)]
    assert not media.broken.any()
    assert (media.slice_length > 0).all()


@pytest.mark.parametrize("kind", [0, 14, 15, 20, 30, 31])
def test_nal_units_players_do_not_want_are_left_out(kind: int) -> None:
    """Of SVC, MVC, PACSI (edge case 113), and unspecified (edge case 115)."""
    unit = bytes((0x60 | kind,)) + b"unit"
    cut = fragments(unit)
    packets, media = depacketized([unit, stap(unit, SLICE), *cut])
    assert join_frames(packets, media) == [avcc(SLICE)]
    assert not media.broken.any()
    assert media.head[1]


def test_a_prefix_nal_unit_begins_a_frame_where_its_slice_does() -> None:
    """Type 14 is left out, its packet a head all the same (edge case 113)."""
    _, media = depacketized([b"\x6eprefix", SLICE, b"\x6eprefix", SLICE_2])
    assert media.head.tolist() == [True, True, False, False]


@pytest.mark.parametrize("kind", [25, 26, 27, 29])
def test_packets_of_the_interleaved_mode_are_broken(kind: int) -> None:
    """They count as missing (edge case 114)."""
    packets, media = depacketized([bytes((0x60 | kind,)) + b"unit", SLICE])
    assert media.broken.tolist() == [True, False]
    assert join_frames(packets, media) == [avcc(SLICE)]


@pytest.mark.parametrize("tail", [b"\0\0", b"\0", b"\0\x09short", b"\0\x05\x78\0\x02ab"])
def test_nal_units_before_a_damaged_one_of_a_stap_a_are_kept(tail: bytes) -> None:
    """And the packet counts as damaged, its frame as incomplete (edge case 102)."""
    packets, media = depacketized([stap(SPS, PPS) + tail, IDR])
    assert join_frames(packets, media) == [avcc(SPS, PPS, IDR)]
    assert media.broken.tolist() == [True, False]
    assert media.head.tolist() == [True, True]


def test_an_aggregate_of_more_nal_units_than_a_network_carries_is_damaged() -> None:
    """Those that fit are kept; looking at 20,000 of them would take seconds."""
    packets, media = depacketized([stap(*[SLICE] * 512), stap(*[SLICE] * 513), SLICE])
    assert media.broken.tolist() == [False, True, False]
    assert join_frames(packets, media) == [avcc(*[SLICE] * 1025)]


@pytest.mark.parametrize("payload", [b"\x78", b"\x7c", b"\x65", b"\x41", stap(b"\x65")])
def test_a_packet_cut_short_is_broken(payload: bytes) -> None:
    _, media = depacketized([payload, SLICE])
    assert media.broken.tolist() == [True, False]
    assert not media.head[0]


@pytest.mark.parametrize("unit", [b"\x0a", b"\x0b", b"\x0c\xff\xff\x80"])
def test_ends_of_sequence_and_filler_pass(unit: bytes) -> None:
    """Neither a keyframe nor an error (edge case 112)."""
    packets, media = depacketized([IDR, unit])
    assert join_frames(packets, media) == [avcc(IDR, unit)]
    assert not media.broken.any()


def test_a_slice_that_is_nothing_but_its_header_is_broken_in_fragments_too() -> None:
    packets, media = depacketized([b"\x7c\x85", b"\x7c\x45", SLICE_2])
    assert join_frames(packets, media) == [avcc(SLICE_2)]
    assert media.broken.tolist() == [True, True, False]


def test_start_codes_inside_a_nal_unit_are_left_alone() -> None:
    """Never split again (edge case 120)."""
    unit = b"\x61\x9a\0\0\1\x65\0\0\0\1rest"
    packets, media = depacketized([unit, *fragments(unit)])
    assert join_frames(packets, media) == [avcc(unit, unit)]


def test_no_byte_of_any_payload_is_changed() -> None:
    payloads = [stap(SPS, PPS), *fragments(IDR), SLICE, stap(SLICE), b"\x7c\x05broken", b"\x78"]
    packets, media = depacketized(payloads)
    rows = zip(packets.payload_offset, packets.payload_length, strict=True)
    assert [media.buffer[at : at + n].tobytes() for at, n in rows] == payloads
    again = h264.depacketize(packets)
    assert join_frames(packets, again) == join_frames(packets, media)


def test_no_packets_give_no_media() -> None:
    media = h264.depacketize(packets_of([]))
    assert media.head.size == media.slice_packet.size == 0


@pytest.mark.parametrize("name", ["talk_video.rtpdump", "membrane_demo_h264.pcap"])
def test_every_frame_of_a_real_sender_comes_out_whole(name: str) -> None:
    """Single NAL units with two slices a frame; FU-A with delimiters and B-frames."""
    path = DATA / name
    golden = json.loads(path.with_suffix(".json").read_text())["frames"]
    if path.suffix == ".pcap":
        packets = packets_of([datagram for _, _, datagram in read_pcap(path)])
        packets = packets.take(packets.payload_type == 96)
    else:
        packets, _ = read_packets(read_dump(path.read_bytes()))
    packets = in_order(packets)
    media = h264.depacketize(packets)
    if path.suffix == ".pcap":  # a part of the capture, the last frame of which is cut
        golden = [frame for frame in golden if frame["seq"][1] <= packets.sequence_number[-1]]
    frames = join_frames(packets, media)[: len(golden)]
    assert len(golden) > 20
    assert [hashlib.sha1(frame).hexdigest()[:16] for frame in frames] == [f["sha1"] for f in golden]
    kinds = [[unit[0] & 31 for unit in h264.nal_units(frame)] for frame in frames]
    assert kinds == [frame["nal"] for frame in golden]
    unit = np.cumsum(np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0) - 1
    for index, frame in enumerate(golden):
        assert media.keyframe[unit == index].any() == frame["key"]
        assert media.head[unit == index][0]


def test_what_chromium_sends_through_mediasoup_decodes() -> None:
    """STAP-A of parameter sets, FU-A and single NAL units, with header extensions."""
    packets = in_order(packets_of([d for _, _, d in read_pcap(DATA / "chromium_h264.pcap")]))
    kinds = packets.buffer[packets.payload_offset] & 31
    assert set(kinds.tolist()) == {1, 24, 28}
    media = h264.depacketize(packets)
    frames = join_frames(packets, media)
    assert not media.broken.any()
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    pictures = []
    for frame in frames:
        annexb = b"".join(b"\0\0\0\1" + bytes(unit) for unit in h264.nal_units(frame))
        pictures += decoder.decode(av.Packet(annexb))
    pictures += decoder.decode(None)
    assert len(pictures) == len(frames) > 80
    assert not any(picture.is_corrupt for picture in pictures)


@pytest.mark.parametrize("max_payload", [60, 300, 1200, 100_000])
@pytest.mark.parametrize("slices", ["1", "4"])
def test_encoded_frames_come_out_as_they_went_in(max_payload: int, slices: str) -> None:
    options = {"tune": "zerolatency", "preset": "ultrafast", "g": "10", "slices": slices}
    encoded = list(encode_video("libx264", 25, options=options))
    units = [h264.split_annexb(frame) for frame in encoded]
    payloads = [h264.packetize(each, min(max_payload, 60_000)) for each in units]
    assert max(len(payload) for frame in payloads for payload in frame) <= max_payload
    packets = packets_of(packetized(payloads))
    media = h264.depacketize(packets)
    assert join_frames(packets, media) == [avcc(*each) for each in units]
    assert not media.broken.any()
    begins = np.flatnonzero(np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0)
    assert media.head[begins].all()
    keys = np.logical_or.reduceat(media.keyframe, begins)
    assert keys.tolist() == [any(unit[0] & 31 == 5 for unit in each) for each in units]
    assert keys.sum() >= 3


def test_neighbors_that_fit_are_sent_together_and_long_units_cut() -> None:
    long = b"\x65\x88" + b"x" * 30
    assert h264.packetize([SPS, PPS, long, SLICE], 20) == [
        b"\x78\0\4" + SPS + b"\0\3" + PPS,
        b"\x7c\x85\x88" + b"x" * 17,
        b"\x7c\x45" + b"x" * 13,
        SLICE,
    ]


def test_a_payload_without_room_for_a_fragment_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        h264.packetize([IDR], 2)


rtp_payload = st.binary(max_size=24) | st.tuples(
    st.sampled_from([0x18, 0x1C, 0x78, 0x7C]), st.binary(max_size=24)
).map(lambda pair: bytes((pair[0],)) + pair[1])


@given(st.lists(rtp_payload, max_size=24), st.sets(st.integers(0, 23)))
def test_hostile_payloads_give_sound_nal_units(payloads: list[bytes], lost: set[int]) -> None:
    packets, media = depacketized(payloads, lost)
    kept = [payload for index, payload in enumerate(payloads) if index not in lost]
    rows = zip(packets.payload_offset, packets.payload_length, strict=True)
    assert [media.buffer[at : at + n].tobytes() for at, n in rows] == kept
    assert all(a <= b for a, b in pairwise(media.slice_packet.tolist()))
    frame = b"".join(join_packet(media, packet) for packet in range(packets.count))
    units = list(h264.nal_units(frame))
    assert sum(4 + len(unit) for unit in units) == len(frame)


@pytest.mark.parametrize(
    "path",
    sorted((DATA / "aiortc").iterdir()) + sorted((DATA / "h264-corpus").iterdir()),
    ids=lambda path: path.name,
)
def test_payloads_of_other_stacks_are_read_or_broken(path: Path) -> None:
    payload = path.read_bytes()
    packets, media = depacketized([payload])
    expected = {
        "h264_0000.bin": avcc(payload[3:17], payload[19:23]),
        "h264_0003.bin": avcc(payload),
    }
    assert join_frames(packets, media) == [expected.get(path.name, b"")]
    is_fragment = path.name in ("h264_0001.bin", "h264_0002.bin")
    assert media.broken.tolist() == [is_fragment]


def test_fragments_of_another_stack_become_one() -> None:
    start, end = ((DATA / "aiortc" / f"h264_000{n}.bin").read_bytes() for n in (1, 2))
    packets, media = depacketized([start, end])
    assert join_frames(packets, media) == [avcc(b"\x65" + start[2:] + end[2:])]
    assert media.head.tolist() == [True, False]


def test_headers_in_front_of_payloads_are_all_that_is_written_to() -> None:
    datagrams = [write_header(96, n, 5, 6, False) + unit for n, unit in enumerate([SPS, IDR])]
    packets = packets_of(datagrams)
    before = packets.buffer.copy()
    h264.depacketize(packets)
    changed = np.flatnonzero(before != packets.buffer)
    assert all(
        ((packets.payload_offset - 5 <= at) & (at < packets.payload_offset)).any() for at in changed
    )
