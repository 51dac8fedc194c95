from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import h265
from isotrack.codecs.media import Media
from isotrack.rtp.packet import Packets
from tests.frames import encode_video, join_frames, join_packet
from tests.nal import avcc
from tests.packets import packetized, packets_of


def unit(kind: int, body: bytes, *, layer: int = 0, tid: int = 1) -> bytes:
    """A NAL unit: its header, then its body."""
    return (kind << 9 | layer << 3 | tid).to_bytes(2, "big") + body


VPS, SPS, PPS = unit(32, b"\x0cvps"), unit(33, b"\x01sps"), unit(34, b"\xc1pp")
SEI, AUD, SUFFIX_SEI = unit(39, b"\x01sei"), unit(35, b"\x50"), unit(40, b"\x84hash")
IDR, IDR_2 = unit(20, b"\xafidr"), unit(20, b"\x2fsecond")
SLICE, SLICE_2 = unit(1, b"\xd0slice"), unit(1, b"\x50second")


def aggregate(*units: bytes) -> bytes:
    return b"\x60\x01" + b"".join(len(each).to_bytes(2, "big") + each for each in units)


def fragments(whole: bytes, room: int = 2) -> list[bytes]:
    return h265.packetize([whole], room + 3)


def depacketized(
    payloads: list[bytes], lost: set[int] | None = None, *, with_donl: bool = False
) -> tuple[Packets, Media]:
    """The media of these payloads, sent as one frame, without the lost ones."""
    datagrams = packetized([payloads])
    kept = [datagram for n, datagram in enumerate(datagrams) if n not in (lost or set())]
    packets = packets_of(kept)
    return packets, h265.depacketize(packets, with_donl=with_donl)


def test_a_single_nal_unit_gets_its_length() -> None:
    """Parameter sets, delimiter, SEI and slices, each in a packet (edge case 121)."""
    packets, media = depacketized([AUD, VPS, SPS, PPS, SEI, IDR, IDR_2, SUFFIX_SEI])
    assert join_frames(packets, media) == [avcc(AUD, VPS, SPS, PPS, SEI, IDR, IDR_2, SUFFIX_SEI)]
    assert media.head.tolist() == [True] * 6 + [False] * 2
    assert media.keyframe.tolist() == [False] * 5 + [True, True, False]
    assert not media.broken.any()


def test_the_nal_units_of_an_aggregate_come_out_in_order() -> None:
    """AP (edge case 121), with a prefix SEI before the parameter sets (edge case 123)."""
    packets, media = depacketized([aggregate(SEI, VPS, SPS, PPS), aggregate(IDR, IDR_2), IDR_2])
    assert join_frames(packets, media) == [avcc(SEI, VPS, SPS, PPS, IDR, IDR_2, IDR_2)]
    assert media.head.tolist() == [True, True, False]
    assert media.keyframe.tolist() == [False, True, True]
    assert not media.broken.any()


def test_the_fragments_of_a_nal_unit_become_one_again() -> None:
    """FU (edge case 121)."""
    whole = unit(19, b"\x88" + bytes(range(50)))
    packets, media = depacketized([PPS, *fragments(whole), SLICE_2])
    assert join_frames(packets, media) == [avcc(PPS, whole, SLICE_2)]
    assert not media.broken.any()
    assert media.head.tolist() == [True, True] + [False] * (packets.count - 2)
    assert media.keyframe.tolist() == [False] + [True] * (packets.count - 2) + [False]


@pytest.mark.parametrize("kind", [0, 1, 9, 19, 21, 31, 33])
@pytest.mark.parametrize(("layer", "tid"), [(0, 1), (0, 7), (1, 2), (32, 3), (63, 7)])
def test_a_fragments_header_is_put_together_from_both_of_its_headers(
    kind: int, layer: int, tid: int
) -> None:
    """The type of the FU header, the rest of the payload header (edge case 122)."""
    for forbidden in (0, 0x80):
        whole = bytearray(unit(kind, b"\x80 of some length", layer=layer, tid=tid))
        whole[0] |= forbidden
        cut = fragments(bytes(whole))
        assert {payload[0] >> 1 & 63 for payload in cut} == {49}
        packets, media = depacketized(cut)
        assert join_frames(packets, media) == [avcc(bytes(whole))]


def test_paci_packets_are_broken() -> None:
    """Not looked into, they count as missing (edge case 121)."""
    packets, media = depacketized([unit(50, b"\x00\x00paci"), SLICE])
    assert media.broken.tolist() == [True, False]
    assert join_frames(packets, media) == [avcc(SLICE)]


@pytest.mark.parametrize("whole", [IDR_2, SLICE_2])
def test_a_slice_that_is_not_the_first_of_its_picture_is_no_head(whole: bytes) -> None:
    """first_slice_segment_in_pic_flag is 0: the picture's head is lost (edge case 125)."""
    _, media = depacketized([whole, *fragments(whole), aggregate(whole, SLICE), SUFFIX_SEI])
    assert not media.head.any()
    assert not media.broken.any()


def test_a_lost_fragment_breaks_the_nal_unit_and_no_other() -> None:
    before, whole, after = (unit(1, b"\xd0" + word) for word in (b"before", b"whole", b"after"))
    cut = [fragments(each) for each in (before, whole, after)]
    payloads = [payload for each in cut for payload in each]
    first = len(cut[0])
    for lost in range(first, first + len(cut[1])):
        packets, media = depacketized(payloads, {lost})
        assert join_frames(packets, media) == [avcc(before, after)]
        assert media.broken.sum() == len(cut[1]) - 1


def test_fragments_of_two_timestamps_are_never_joined() -> None:
    cut = fragments(SLICE)
    media = h265.depacketize(packets_of(packetized([cut[:1], cut[1:]])))
    assert media.broken.all()
    assert media.slice_packet.size == 0


@pytest.mark.parametrize("tail", [b"\0\0", b"\0", b"\0\1\x02", b"\0\x09\x02\x01", b"\0\4\x60\1ab"])
def test_nal_units_before_a_damaged_one_of_an_aggregate_are_kept(tail: bytes) -> None:
    """Length 0, torn, shorter than a header, past the end, an AP again (edge case 126)."""
    packets, media = depacketized([aggregate(VPS, SPS) + tail, IDR])
    assert join_frames(packets, media) == [avcc(VPS, SPS, IDR)]
    assert media.broken.tolist() == [True, False]
    assert media.head.tolist() == [True, True]


@pytest.mark.parametrize(
    "payload",
    [b"\x62\x01", b"\x62", b"\x60\x01", b"\x60", b"\x26", b"\x26\x01", b"\x40", aggregate(b"\2\1")],
)
def test_a_packet_cut_short_is_broken(payload: bytes) -> None:
    """A FU under three bytes, aggregates and slices of headers alone (edge case 126)."""
    packets, media = depacketized([payload, SLICE])
    assert media.broken.tolist() == [True, False]
    assert not media.head[0]
    assert join_frames(packets, media)[0].endswith(avcc(SLICE))


@pytest.mark.parametrize("whole", [unit(36, b""), unit(37, b""), unit(38, b"\xff\xff\x80")])
def test_ends_of_sequence_and_filler_pass(whole: bytes) -> None:
    packets, media = depacketized([IDR, whole, aggregate(IDR_2, whole)])
    assert join_frames(packets, media) == [avcc(IDR, whole, IDR_2, whole)]
    assert not media.broken.any()


@pytest.mark.parametrize("kind", [51, 55, 63])
def test_types_that_h265_leaves_unspecified_are_left_out(kind: int) -> None:
    packets, media = depacketized([unit(kind, b"x"), aggregate(unit(kind, b"x"), SLICE)])
    assert join_frames(packets, media) == [avcc(SLICE)]
    assert not media.broken.any()
    assert media.head.tolist() == [False, True]


def with_donl(payloads: list[bytes]) -> list[bytes]:
    """The same payloads with decoding order numbers (RFC 7798 section 4.4)."""
    found = []
    for payload in payloads:
        kind = payload[0] >> 1 & 63
        if kind == 49:
            order = b"\xab\xcd" if payload[2] & 0x80 else b""
            found.append(payload[:3] + order + payload[3:])
            continue
        order = payload[:2] + b"\xab\xcd"
        if kind != 48:
            found.append(order + payload[2:])
            continue
        units, at = [], 2
        while at < len(payload):
            end = at + 2 + int.from_bytes(payload[at : at + 2])
            units.append(payload[at:end])
            at = end
        found.append(order + b"\x01".join(units))
    return found


def test_decoding_order_numbers_are_stepped_over_where_the_session_has_them() -> None:
    """And only there (edge case 127)."""
    units = [SEI, VPS, SPS, PPS, unit(20, b"\xaf" + bytes(range(40))), IDR_2, unit(36, b"")]
    payloads = [*h265.packetize(units, 20), IDR_2]
    assert {payload[0] >> 1 & 63 for payload in payloads} == {48, 49, 20}
    wanted = avcc(*units, IDR_2)
    for sent, expected in ((payloads, False), (with_donl(payloads), True)):
        packets, media = depacketized(sent, with_donl=expected)
        assert join_frames(packets, media) == [wanted]
        assert media.head.tolist()[:2] == [True, True]
        assert not media.broken.any()
        rows = zip(packets.payload_offset, packets.payload_length, strict=True)
        assert [media.buffer[at : at + n].tobytes() for at, n in rows] == sent


@pytest.mark.parametrize("payload", [b"\x62\x01\x81\xab", b"\x60\x01\xab\xcd", b"\x02\x01\xab"])
def test_packets_cut_short_in_their_decoding_order_number_are_broken(payload: bytes) -> None:
    """However they are cut (edge case 126)."""
    packets, media = depacketized([payload, *with_donl([SLICE])], with_donl=True)
    assert media.broken.tolist() == [True, False]
    assert join_frames(packets, media) == [avcc(SLICE)]


@pytest.mark.parametrize("max_payload", [60, 300, 1200, 60_000])
@pytest.mark.parametrize("slices", ["1", "3"])
def test_encoded_frames_come_out_as_they_went_in(max_payload: int, slices: str) -> None:
    """Of x265, in single NAL units, AP and FU (edge case 121)."""
    params = f"log-level=none:slices={slices}:aud=1:keyint=10:repeat-headers=1:scenecut=0"
    options = {"preset": "ultrafast", "tune": "zerolatency", "x265-params": params}
    encoded = list(encode_video("libx265", 12, options=options))
    units = [h265.split_annexb(frame) for frame in encoded]
    payloads = [h265.packetize(each, max_payload) for each in units]
    assert max(len(payload) for frame in payloads for payload in frame) <= max_payload
    packets = packets_of(packetized(payloads))
    media = h265.depacketize(packets)
    assert join_frames(packets, media) == [avcc(*each) for each in units]
    assert not media.broken.any()
    begins = np.flatnonzero(np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0)
    assert media.head[begins].all()
    keys = np.logical_or.reduceat(media.keyframe, begins)
    assert np.flatnonzero(keys).tolist() == [0, 10]


def test_neighbors_that_fit_are_sent_together_and_long_units_cut() -> None:
    long = unit(20, b"\x88" + b"x" * 30, tid=2)
    low, high = unit(34, b"pps", layer=3, tid=2), unit(33, b"sps", layer=5, tid=1)
    assert h265.packetize([low, high, long, SLICE], 20) == [
        b"\x60\x19\0\5" + low + b"\0\5" + high,
        b"\x62\x02\x94\x88" + b"x" * 16,
        b"\x62\x02\x54" + b"x" * 14,
        SLICE,
    ]
    with pytest.raises(ValueError, match=r"H\.265 payloads of 3 bytes have no room"):
        h265.packetize([IDR], 3)


def test_the_type_is_that_of_the_base_layer_only() -> None:
    assert [h265.unit_type(each) for each in (VPS, IDR, SUFFIX_SEI)] == [32, 20, 40]
    others = (unit(33, b"x", layer=1), unit(33, b"x", layer=32), b"\x40", b"")
    assert [h265.unit_type(each) for each in others] == [-1] * 4


rtp_payload = st.binary(max_size=24) | st.tuples(
    st.sampled_from([b"\x60\x01", b"\x62\x01", b"\x64\x01", b"\x26\x01"]), st.binary(max_size=24)
).map(b"".join)


@given(st.lists(rtp_payload, max_size=24), st.sets(st.integers(0, 23)), st.booleans())
def test_hostile_payloads_give_sound_nal_units(
    payloads: list[bytes], lost: set[int], donl: bool
) -> None:
    packets, media = depacketized(payloads, lost, with_donl=donl)
    kept = [payload for index, payload in enumerate(payloads) if index not in lost]
    rows = zip(packets.payload_offset, packets.payload_length, strict=True)
    assert [media.buffer[at : at + n].tobytes() for at, n in rows] == kept
    assert all(a <= b for a, b in pairwise(media.slice_packet.tolist()))
    assert (media.slice_length > 0).all()
    frame = b"".join(join_packet(media, packet) for packet in range(packets.count))
    units = list(h265.nal_units(frame))
    assert sum(4 + len(each) for each in units) == len(frame)
    assert all(len(each) >= 2 for each in units)
