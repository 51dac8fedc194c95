import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import vp8
from isotrack.rtp.header import write_header
from isotrack.rtp.sequence import Unwrapper
from tests.frames import encode_video, join_frames, join_packet
from tests.packets import packetized, packets_of
from tests.pcap import read_pcap

DATA = Path(__file__).parents[2] / "data" / "codecs"
VECTORS = json.loads((DATA / "vp8.json").read_text())["vectors"]
KEYFRAME = bytes.fromhex("f007009d012ab000900006470885858899848821")
HEADER = write_header(96, 1, 2, 3, False)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_descriptors_are_read_as_other_implementations_read_them(vector: dict[str, Any]) -> None:
    """Edge case 80, edge case 81, edge case 82, edge case 85: vectors of four projects."""
    payload, expected = bytes.fromhex(vector["payload"]), vector["expect"]
    media = vp8.depacketize(packets_of([HEADER + payload]))
    assert media.broken.tolist() == [bool(payload) and expected.get("reject", False)]
    if expected.get("reject"):
        assert not media.head.any()
        assert media.slice_packet.size == 0
        return
    if media.layering is None:
        assert "picture_id" not in expected
    else:
        said = [int(column[0]) for column in media.layering[:5]]
        assert said[0] == expected.get("picture_id", said[0])
        if "descriptor_len" in expected and expected["descriptor_len"] == 6:
            assert said[2:] == [expected["tl0picidx"], expected["tid"], expected["Y"]]
    if "descriptor_len" in expected:
        assert join_packet(media, 0) == payload[expected["descriptor_len"] :]
    if "media_len" in expected:
        assert media.slice_length.sum() == expected["media_len"]
    if "S" in expected:
        assert media.head.tolist() == [expected["S"] == 1 and expected["PID"] == 0]
    if "keyframe" in expected:
        assert media.keyframe.tolist() == [expected["keyframe"]]
        size = vp8.frame_size(payload[expected["descriptor_len"] :])
        assert size == (expected["width"], expected["height"])


def test_every_frame_of_a_chrome_publisher_comes_out_whole() -> None:
    """Edge case 86, edge case 87: three keyframes among the first six frames."""
    golden = json.loads((DATA / "str0m_vp8.json").read_text())["frames"]
    packets = packets_of([datagram for _, _, datagram in read_pcap(DATA / "str0m_vp8.pcap")])
    packets = packets.take(np.argsort(Unwrapper(16)(packets.sequence_number), kind="stable"))
    media = vp8.depacketize(packets)
    frames = join_frames(packets, media)
    assert [hashlib.sha1(frame).hexdigest()[:16] for frame in frames] == [f["sha1"] for f in golden]
    begins = np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0
    assert media.keyframe[begins].tolist() == [frame["key"] for frame in golden]
    assert (media.head == begins).all()
    assert not media.broken.any()
    assert media.layering is not None
    assert media.layering.picture[begins].tolist() == [frame["pic"] for frame in golden]
    assert media.layering.base[begins].tolist() == [frame["tl0"] for frame in golden]
    assert media.layering.temporal[begins].tolist() == [frame["tid"] for frame in golden]
    assert vp8.frame_size(frames[0]) == (240, 180)
    assert vp8.frame_size(frames[1]) is None


@pytest.mark.parametrize("max_payload", [100, 1200])
def test_encoded_frames_come_out_as_they_went_in(max_payload: int) -> None:
    options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "10"}
    frames = list(encode_video("libvpx", 25, options=options))
    payloads = [vp8.packetize(frame, 32_760 + n, max_payload) for n, frame in enumerate(frames)]
    assert max(len(payload) for frame in payloads for payload in frame) <= max_payload
    packets = packets_of(packetized(payloads))
    media = vp8.depacketize(packets)
    assert join_frames(packets, media) == frames
    assert not media.broken.any()
    assert media.head.sum() == len(frames)
    keys = np.flatnonzero(media.keyframe)
    assert [vp8.frame_size(join_frames(packets, media)[0])] == [(320, 180)]
    assert len(keys) == sum(vp8.frame_size(frame) is not None for frame in frames) >= 2


def test_the_picture_id_has_fifteen_bits() -> None:
    payloads = vp8.packetize(b"frame", 0x8000 + 4711, 7)
    assert payloads == [b"\x90\x80\x92\x67fra", b"\x80\x80\x92\x67me"]


def test_a_payload_without_room_for_media_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        vp8.packetize(b"frame", 1, 4)


def test_a_later_partition_is_no_head_of_a_frame() -> None:
    """Edge case 83."""
    payloads = [b"\x10" + KEYFRAME, b"\x11" + KEYFRAME, b"\x00" + KEYFRAME, b"\x30" + KEYFRAME]
    media = vp8.depacketize(packets_of([HEADER + payload for payload in payloads]))
    assert media.head.tolist() == [True, False, False, True]
    assert media.keyframe.tolist() == [True, False, False, True]


@pytest.mark.parametrize("position", [0, 3, 4, 5])
def test_a_keyframe_has_the_tag_and_the_start_code(position: int) -> None:
    """Edge case 85."""
    frame = bytearray(KEYFRAME)
    frame[position] ^= 1
    media = vp8.depacketize(packets_of([HEADER + b"\x10" + frame, HEADER + b"\x10" + KEYFRAME]))
    assert media.keyframe.tolist() == [False, True]
    assert vp8.frame_size(bytes(frame)) is None


def test_the_size_of_a_frame_leaves_the_scaling_bits_out() -> None:
    """Edge case 85."""
    scaled = (
        KEYFRAME[:6] + (0x4000 | 494).to_bytes(2, "little") + (0xC000 | 371).to_bytes(2, "little")
    )
    assert vp8.frame_size(memoryview(scaled)) == (494, 371)
    assert vp8.frame_size(scaled[:9]) is None


def test_packets_without_media_give_no_slices_and_are_not_broken() -> None:
    """Edge case 82."""
    payloads = [b"", b"\x10", b"\x90\x80\x11", b"\x10" + KEYFRAME]
    media = vp8.depacketize(packets_of([HEADER + payload for payload in payloads]))
    assert media.slice_packet.tolist() == [3]
    assert not media.broken.any()
    assert media.head.tolist() == [False, True, True, True]


@pytest.mark.parametrize("payload", ["90", "9080", "908080", "90c011", "90a011", "90f0911122"])
def test_a_truncated_descriptor_makes_a_packet_broken(payload: str) -> None:
    """Edge case 81."""
    media = vp8.depacketize(
        packets_of([HEADER + bytes.fromhex(payload), HEADER + b"\x10" + KEYFRAME])
    )
    assert media.broken.tolist() == [True, False]
    assert media.head.tolist() == [False, True]
    assert media.slice_packet.tolist() == [1]


@pytest.mark.parametrize("bits", [0, 7, 15])
@pytest.mark.parametrize("with_base", [False, True])
@pytest.mark.parametrize("with_layer", [False, True])
@pytest.mark.parametrize("with_key", [False, True])
def test_every_combination_of_fields_is_read(
    bits: int, with_base: bool, with_layer: bool, with_key: bool
) -> None:
    """Edge case 80."""
    fields = 0x80 * (bits > 0) | 0x40 * with_base | 0x20 * with_layer | 0x10 * with_key
    number = {0: b"", 7: b"\x55", 15: b"\xd5\x01"}[bits]
    form = bytes((0x90, fields)) + number + b"\xc8" * with_base
    form += b"\xbf" * (with_layer or with_key)
    other = b"\x90\x80\x05" + KEYFRAME  # so that there is a layering to look at
    media = vp8.depacketize(packets_of([HEADER + form + KEYFRAME, HEADER + other]))
    assert join_packet(media, 0) == KEYFRAME
    assert media.keyframe.all()
    layering = media.layering
    assert layering is not None
    assert layering.picture.tolist() == [{0: -1, 7: 0x55, 15: 0x5501}[bits], 5]
    assert layering.modulo.tolist() == [1 << 15 if bits == 15 else 1 << 7, 1 << 7]
    assert layering.base.tolist() == [0xC8 if with_base else -1, -1]
    assert layering.temporal.tolist() == [2 if with_layer else -1, -1]
    assert layering.sync.tolist() == [with_layer, False]
    assert not layering.exact.any()
    assert layering.references.shape == (2, 0)


def test_no_layering_is_made_where_no_packet_has_a_picture_id() -> None:
    payloads = [b"\x10", b"\x90\x60\x01\x20", b""]
    assert vp8.depacketize(packets_of([HEADER + p + KEYFRAME for p in payloads])).layering is None


def test_packets_that_are_empty_or_broken_say_nothing_of_layers() -> None:
    payloads = [b"", b"\x90\xe0\x01\x02", b"\x90\xe0\x01\x02\x60" + KEYFRAME]
    layering = vp8.depacketize(packets_of([HEADER + payload for payload in payloads])).layering
    assert layering is not None
    assert [column.tolist() for column in layering[:5]] == [
        [-1, -1, 1],
        [128] * 3,
        [-1, -1, 2],
        [-1, -1, 1],
        [False, False, True],
    ]


def test_several_heads_of_one_frame_are_one_frame() -> None:
    """Edge case 84: the sender does not count partitions."""
    packets = packets_of(packetized([[b"\x10" + KEYFRAME, b"\x10part", b"\x10s"], [b"\x10\x01"]]))
    media = vp8.depacketize(packets)
    assert join_frames(packets, media) == [KEYFRAME + b"parts", b"\x01"]
    assert media.keyframe.tolist() == [True, False, False, False]


def test_frames_are_those_that_the_sender_packetized() -> None:
    """Edge case 88: SHA-1 of the frames of the IVF file that a GStreamer sender read."""
    data = DATA.parent / "media"
    golden = json.loads((data / "membrane_vp8.json").read_text())["frames"]
    packets = packets_of([datagram for _, _, datagram in read_pcap(data / "membrane_vp8.pcap")])
    media = vp8.depacketize(packets)
    frames = join_frames(packets, media)[:-1]  # the capture ends in the last one
    assert len(frames) > 80
    for frame, expected in zip(frames, golden, strict=False):
        assert hashlib.sha1(frame).hexdigest()[:16] == expected["sha1"]
    heads = np.flatnonzero(media.head)[: len(frames)]
    assert media.layering is not None
    assert media.layering.picture[heads].tolist() == list(range(len(frames)))
    assert (media.layering.base == -1).all()
    assert (media.layering.temporal == -1).all()


def steps(picture_ids: list[tuple[int, int]]) -> list[int]:
    """By how much PictureIDs of so many bits grow from one packet to the next."""
    numbers = (n.to_bytes(1) if bits == 7 else (0x8000 | n).to_bytes(2) for n, bits in picture_ids)
    datagrams = [HEADER + b"\x90\x80" + number + b"\x01" for number in numbers]
    layering = vp8.depacketize(packets_of(datagrams)).layering
    assert layering is not None
    modulo = np.minimum(layering.modulo[:-1], layering.modulo[1:])
    return (np.diff(layering.picture) % modulo).tolist()


@pytest.mark.parametrize(
    ("before", "after"),
    [((127, 7), (0, 7)), ((32767, 15), (0, 15)), ((127, 7), (128, 15)), ((17, 7), (18, 15))],
)
def test_no_picture_is_missing_where_the_picture_id_has_no_gap(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    """Edge case 58, edge case 90: what is lost is no video; 7 bits may become 15."""
    assert steps([before, before, after]) == [0, 1]


def test_pictures_are_missing_where_the_picture_id_has_a_gap() -> None:
    """Edge case 59."""
    assert steps([(5, 7), (8, 7)]) == [3]
    assert steps([(32766, 15), (1, 15)]) == [3]


def test_pictures_taken_out_by_an_sfu_show_what_they_were() -> None:
    """Edge case 89: without TID 2, numbers jump; what is left hangs on base layers that are there.

    The sequence numbers have no gap, so nothing is lost.
    """
    kept = [(n, n // 4, (0, 2, 1, 2)[n % 4]) for n in range(12) if n % 2 == 0]
    payloads = [
        bytes((0x90, 0xE0, 0x80, number, base, temporal << 6 | 0x20 * (temporal == 1))) + b"\x01"
        for number, base, temporal in kept
    ]
    media = vp8.depacketize(packets_of(packetized([[payload] for payload in payloads])))
    assert media.layering is not None
    assert media.layering.picture.tolist() == [0, 2, 4, 6, 8, 10]
    assert media.layering.base.tolist() == [0, 0, 1, 1, 2, 2]
    assert media.layering.temporal.tolist() == [0, 1] * 3
    assert media.layering.sync.tolist() == [False, True] * 3
    assert media.head.all()


def test_no_packets_give_no_media() -> None:
    media = vp8.depacketize(packets_of([]))
    assert media.head.size == media.slice_packet.size == 0


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_hostile_payloads_give_slices_within_them(payloads: list[bytes]) -> None:
    packets = packets_of([HEADER + payload for payload in payloads])
    media = vp8.depacketize(packets)
    for packet, payload in enumerate(payloads):
        assert payload.endswith(join_packet(media, packet))
        vp8.frame_size(payload)
    assert (media.slice_length > 0).all()
    assert not media.broken[media.slice_packet].any()
