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
    payload, expected = bytes.fromhex(vector["payload"]), vector["expect"]
    media = vp8.depacketize(packets_of([HEADER + payload]))
    assert media.broken.tolist() == [bool(payload) and expected.get("reject", False)]
    if expected.get("reject"):
        assert not media.head.any()
        assert media.slice_packet.size == 0
        return
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
    payloads = [b"\x10" + KEYFRAME, b"\x11" + KEYFRAME, b"\x00" + KEYFRAME, b"\x30" + KEYFRAME]
    media = vp8.depacketize(packets_of([HEADER + payload for payload in payloads]))
    assert media.head.tolist() == [True, False, False, True]
    assert media.keyframe.tolist() == [True, False, False, True]


@pytest.mark.parametrize("position", [0, 3, 4, 5])
def test_a_keyframe_has_the_tag_and_the_start_code(position: int) -> None:
    frame = bytearray(KEYFRAME)
    frame[position] ^= 1
    media = vp8.depacketize(packets_of([HEADER + b"\x10" + frame, HEADER + b"\x10" + KEYFRAME]))
    assert media.keyframe.tolist() == [False, True]
    assert vp8.frame_size(bytes(frame)) is None


def test_the_size_of_a_frame_leaves_the_scaling_bits_out() -> None:
    scaled = (
        KEYFRAME[:6] + (0x4000 | 494).to_bytes(2, "little") + (0xC000 | 371).to_bytes(2, "little")
    )
    assert vp8.frame_size(memoryview(scaled)) == (494, 371)
    assert vp8.frame_size(scaled[:9]) is None


def test_packets_without_media_give_no_slices_and_are_not_broken() -> None:
    payloads = [b"", b"\x10", b"\x90\x80\x11", b"\x10" + KEYFRAME]
    media = vp8.depacketize(packets_of([HEADER + payload for payload in payloads]))
    assert media.slice_packet.tolist() == [3]
    assert not media.broken.any()
    assert media.head.tolist() == [False, True, True, True]


@pytest.mark.parametrize("payload", ["90", "9080", "908080", "90c011", "90a011", "90f0911122"])
def test_a_truncated_descriptor_makes_a_packet_broken(payload: str) -> None:
    media = vp8.depacketize(
        packets_of([HEADER + bytes.fromhex(payload), HEADER + b"\x10" + KEYFRAME])
    )
    assert media.broken.tolist() == [True, False]
    assert media.head.tolist() == [False, True]
    assert media.slice_packet.tolist() == [1]


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
