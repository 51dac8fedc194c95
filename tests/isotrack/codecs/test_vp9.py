import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import vp9
from isotrack.codecs.media import Layering
from isotrack.codecs.vp9_frames import is_keyframe
from isotrack.rtp.dump import read_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets, read_packets
from tests.frames import join_frames, join_packet
from tests.isotrack.codecs.vp9_encoder import encode, encoded
from tests.packets import packetized, packets_of

DATA = Path(__file__).parents[2] / "data"
HEADER = write_header(98, 1, 2, 3, False)
KEYFRAME = bytes.fromhex("824983420027f01df6")
DELTA = bytes.fromhex("8600400b00")


def of(*payloads: str | bytes) -> Packets:
    """Packets of these payloads, in hex or as they are."""
    raw = (bytes.fromhex(each) if isinstance(each, str) else each for each in payloads)
    return packets_of([HEADER + each for each in raw])


def rows(layering: Layering | None) -> list[tuple[int, int, int, int, bool]]:
    """Number, modulo, base, temporal layer and sync of each packet."""
    assert layering is not None
    return list(zip(*(column.tolist() for column in layering[:5]), strict=True))


def read_dump_of(path: Path) -> Packets:
    packets, malformed = read_packets(read_dump(bytearray(path.read_bytes())))
    assert malformed == 0
    return packets


def test_every_frame_of_a_webrtc_call_comes_out_whole() -> None:
    golden = json.loads((DATA / "rtp" / "webrtc_vp9.json").read_text())["frames"]
    packets = read_dump_of(DATA / "rtp" / "vp9.rtpdump")
    media, layers = vp9.depacketize_layers(packets)
    frames = join_frames(packets, media)
    assert [hashlib.sha1(frame).hexdigest()[:16] for frame in frames] == [f["sha1"] for f in golden]
    begins = np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0
    assert (media.head == begins).all()
    assert not media.broken.any()
    assert media.keyframe[begins].tolist() == [frame["bkey"] for frame in golden]
    assert layers is None
    assert media.layering is not None
    assert media.layering.picture[begins].tolist() == [frame["pic"] for frame in golden]
    assert set(media.layering.modulo.tolist()) == {1 << 15}


@pytest.mark.parametrize("max_payload", [100, 1200])
@pytest.mark.parametrize("references", [None, (1, 5, 127)])
def test_encoded_frames_come_out_as_they_went_in(
    max_payload: int, references: tuple[int, ...] | None
) -> None:
    frames = encode(12, {"g": "5"}, width=320, height=180)
    payloads = []
    for n, frame in enumerate(frames):
        key = is_keyframe(frame)
        place = vp9.Place(temporal=n % 2, base=n, references=references, inter_picture=not key)
        payloads.append(vp9.packetize(frame, 32_760 + n, max_payload, place))
    assert max(len(payload) for frame in payloads for payload in frame) <= max_payload
    packets = packets_of(packetized(payloads))
    media, layers = vp9.depacketize_layers(packets)
    assert layers is None
    assert join_frames(packets, media) == frames
    assert not media.broken.any()
    heads = np.flatnonzero(media.head)
    assert heads.size == 12
    assert media.keyframe[heads].tolist() == [is_keyframe(frame) for frame in frames]
    assert media.keyframe.sum() == 3
    layering = media.layering
    assert layering is not None
    assert layering.picture[heads].tolist() == [(32_760 + n) % 32_768 for n in range(12)]
    assert layering.temporal[heads].tolist() == [0, 1] * 6
    assert layering.base[heads].tolist() == ([-1] * 12 if references else list(range(12)))
    assert layering.exact.all() == (references is not None)
    if references:
        needed = [[0, 0, 0] if is_keyframe(frame) else [1, 5, 127] for frame in frames]
        assert layering.references[heads].tolist() == needed


def test_frames_go_without_layers_into_the_shortest_descriptor() -> None:
    assert vp9.packetize(KEYFRAME, 0x8000 + 4711, 9) == [
        b"\x88\x92\x67" + KEYFRAME[:6],
        b"\x84\x92\x67" + KEYFRAME[6:],
    ]
    assert vp9.packetize(DELTA, 1, 100) == [b"\xcc\x80\x01" + DELTA]


def test_a_payload_without_room_for_media_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        vp9.packetize(KEYFRAME, 1, 3)
    with pytest.raises(ValueError, match="no room"):
        vp9.packetize(KEYFRAME, 1, 9, vp9.Place(structure=b"\x18\x01\x02\x03"))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("0c", (-1, 128, -1, -1, False)),
        ("8c11", (0x11, 128, -1, -1, False)),
        ("8c9267", (0x1267, 32768, -1, -1, False)),
        ("2c5042", (-1, 128, 0x42, 2, False)),
        ("ac113042", (0x11, 128, 0x42, 1, False)),
        ("ac92670042", (0x1267, 32768, 0x42, 0, False)),
        ("bc926740", (0x1267, 32768, -1, 2, False)),
        ("9c11", (0x11, 128, -1, -1, False)),
        ("8d11", (0x11, 128, -1, -1, False)),
        ("8e1100", (0x11, 128, -1, -1, False)),
        ("8e1107", (0x11, 128, -1, -1, False)),
        ("8e1110028001e0", (0x11, 128, -1, -1, False)),
        ("8e113000a0005a014000b4", (0x11, 128, -1, -1, False)),
        ("8e110803140138010240", (0x11, 128, -1, -1, False)),
        ("8e1118028001e00114ff", (0x11, 128, -1, -1, False)),
    ],
    ids=[
        "nothing",
        "7 bit PictureID",
        "15 bit PictureID",
        "layers without PictureID",
        "layers",
        "layers and 15 bits",
        "flexible",
        "flexible without layers",
        "reserved or Z",
        "empty structure",
        "reserved bits of the structure",
        "structure with a size",
        "structure with two sizes",
        "structure with a group",
        "structure with size and group",
    ],
)
def test_descriptors_of_all_forms_are_stepped_over(
    payload: str, expected: tuple[int, int, int, int, bool]
) -> None:
    """Edge case 91."""
    form = bytes.fromhex(payload)
    media = vp9.depacketize(of(b"\x8c\x11" + DELTA, form + KEYFRAME))
    assert join_packet(media, 1) == KEYFRAME
    assert media.keyframe.tolist() == [False, True]
    assert rows(media.layering)[1] == expected
    for length in range(1, len(form)):
        cut = vp9.depacketize(of(form[:length], b"\x8c\x11" + KEYFRAME))
        assert cut.broken.tolist() == [True, False]
        assert cut.head.tolist() == [False, True]
        assert cut.slice_packet.tolist() == [1]
        assert rows(cut.layering)[0] == (-1, 128, -1, -1, False)


def synced(pictures: Iterable[tuple[int, int, int]]) -> list[bool]:
    """Which pictures, given by number, TID and U, are said to need the base layer only."""
    payloads = [
        bytes((0xAC, 0x80 | number >> 8, number & 0xFF, temporal << 5 | up << 4, 0)) + DELTA
        for number, temporal, up in pictures
    ]
    media = vp9.depacketize(of(*(payload for each in payloads for payload in (each, each))))
    assert media.layering is not None
    assert media.layering.sync[::2].tolist() == media.layering.sync[1::2].tolist()
    return media.layering.sync[::2].tolist()


def test_the_first_pictures_behind_a_switching_up_point_need_the_base_layer_only() -> None:
    """Not those with U themselves: they may go on in their own layer, as TID 1 always may."""
    pattern = [(n, (0, 2, 1, 2)[n % 4], 1) for n in range(8)]
    assert synced(pattern) == [False, True, True, False] * 2
    assert synced([(n, t, t > 0) for n, t, _ in pattern]) == [False] * 8
    assert synced(pattern[1:]) == [False] * 4 + [True, True, False]
    wrapped = [((32_765 + n) % 32_768, temporal, up) for n, temporal, up in pattern]
    assert synced(wrapped) == synced(pattern)


def test_behind_a_missing_picture_none_is_said_to_need_the_base_layer_only() -> None:
    pattern = [(n, (0, 1)[n % 2], 1) for n in range(8)]
    assert synced(pattern) == [False, True] * 4
    assert synced([pattern[0], *pattern[3:]]) == [False, False, False, True, False, True]


def test_nothing_is_said_of_layers_where_no_packet_has_a_picture_id() -> None:
    assert vp9.depacketize(of(b"\x0c" + KEYFRAME, b"\x2c\x50\x42" + DELTA)).layering is None
    assert vp9.depacketize(of()).layering is None


def test_references_are_differences_to_the_number_of_the_picture() -> None:
    payloads = ["dc11" + "06", "dc11" + "0704", "dc9267" + "0705fe", "9c11", "fc114006", "8c11"]
    media = vp9.depacketize(of(*(each + DELTA.hex() for each in payloads)))
    layering = media.layering
    assert layering is not None
    assert layering.references.tolist() == [
        [3, 0, 0],
        [3, 2, 0],
        [3, 2, 127],
        [0, 0, 0],
        [3, 0, 0],
        [0, 0, 0],
    ]
    assert layering.exact.tolist() == [True] * 5 + [False]
    assert [join_packet(media, n) for n in range(6)] == [DELTA] * 6
    assert vp9.depacketize(of(b"\x8c\x11" + DELTA)).layering.references.shape == (1, 0)


@pytest.mark.parametrize("payload", ["dc11070503ff", "5c06", "1c"])
def test_descriptors_that_the_rfc_rules_out_are_broken(payload: str) -> None:
    """A fourth reference is announced; flexible mode without a PictureID."""
    media = vp9.depacketize(of(payload + KEYFRAME.hex(), "8c11" + KEYFRAME.hex()))
    assert media.broken.tolist() == [True, False]
    assert media.keyframe.tolist() == [False, True]
    assert media.slice_packet.tolist() == [1]
    assert rows(media.layering)[0][0] == -1


def test_packets_without_media_give_no_slices_and_are_not_broken() -> None:
    media = vp9.depacketize(of("", "8c11", "0c", b"\x8c\x11" + KEYFRAME))
    assert media.slice_packet.tolist() == [3]
    assert not media.broken.any()
    assert media.head.tolist() == [False, True, True, True]


def test_a_frame_begins_with_its_first_packet_in_the_lowest_layer_there_is() -> None:
    """Edge case 93: SID 0 with D=1 is the lowest all the same."""
    first, lowest = "ac110042", "ac110142"
    second, alone = "ac110342", "ec110242"
    later = "84110042"
    media, layers = vp9.depacketize_layers(
        of(*(each + KEYFRAME.hex() for each in (first, lowest, second, alone, later)))
    )
    assert media.head.tolist() == [True, True, False, True, False]
    assert layers is not None
    assert layers.layer.tolist()[:4] == [0, 0, 1, 1]
    assert layers.inter_layer.tolist()[:4] == [False, True, True, False]
    assert layers.inter_picture.tolist()[:4] == [False, False, False, True]
    assert layers.begins.tolist()[:4] == layers.ends.tolist()[:4] == [True] * 4


def test_packets_of_the_lowest_layer_only_have_layers_when_asked_for() -> None:
    packets = of("ac110042" + KEYFRAME.hex(), "", "00" + DELTA.hex())
    assert vp9.depacketize_layers(packets)[1] is None
    layers = vp9.depacketize_layers(packets, always=True)[1]
    assert layers is not None
    assert layers.layer.tolist() == [0, 0, 0]
    assert layers.begins.tolist() == [True, False, False]


@pytest.mark.parametrize("descriptor", ["8c11", "ac110142", "cc11", "ec110142"])
def test_the_bitstream_says_what_a_keyframe_is_and_not_the_descriptor(descriptor: str) -> None:
    """Edge case 86, edge case 94, edge case 95: P=0 makes none, P=1 may be one."""
    media = vp9.depacketize(of(descriptor + DELTA.hex(), descriptor + KEYFRAME.hex()))
    assert media.keyframe.tolist() == [False, True]


def test_a_sender_that_never_sets_p_has_no_more_keyframes() -> None:
    """Edge case 95."""
    packets = read_dump_of(DATA / "rtp" / "vp9.rtpdump")
    packets.buffer[packets.payload_offset] &= 0xBF
    media = vp9.depacketize(packets)
    assert media.keyframe.nonzero()[0].tolist() == [0]


@pytest.mark.parametrize("profile", range(4))
def test_keyframes_are_found_in_every_profile(profile: int) -> None:
    payloads = (vp9.packetize(frame, 1, 60_000)[0] for frame in encoded(profile))
    media = vp9.depacketize(of(*payloads))
    assert media.keyframe.tolist() == [True, False, False] * 2


@pytest.mark.parametrize("bit", [0, 1, 4, 5, 8, 17, 31])
def test_a_keyframe_has_the_marker_the_type_and_the_sync_code(bit: int) -> None:
    frame = bytearray(KEYFRAME)
    frame[bit >> 3] ^= 0x80 >> (bit & 7)
    media = vp9.depacketize(of(b"\x8c\x11" + frame, b"\x8c\x11" + KEYFRAME))
    assert media.keyframe.tolist() == [False, True]
    assert not is_keyframe(bytes(frame))


def test_a_frame_that_only_shows_another_is_kept_and_is_no_keyframe() -> None:
    """Edge case 100: show_existing_frame, a frame of one byte."""
    media = vp9.depacketize(of("8c1188", "8c1289"))
    assert [join_packet(media, n) for n in range(2)] == [b"\x88", b"\x89"]
    assert not media.keyframe.any()
    assert not media.broken.any()
    assert media.head.all()


def steps(picture_ids: Iterable[tuple[int, int]]) -> list[int]:
    """By how much PictureIDs of so many bits grow from one packet to the next."""
    payloads = [
        b"\x8c" + (number.to_bytes(1) if bits == 7 else (0x8000 | number).to_bytes(2)) + DELTA
        for number, bits in picture_ids
    ]
    layering = vp9.depacketize(of(*payloads)).layering
    assert layering is not None
    modulo = np.minimum(layering.modulo[:-1], layering.modulo[1:])
    return (np.diff(layering.picture) % modulo).tolist()


@pytest.mark.parametrize(
    ("before", "after"),
    [((5, 7), (6, 7)), ((127, 7), (0, 7)), ((32767, 15), (0, 15)), ((127, 7), (128, 15))],
)
def test_no_picture_is_missing_where_the_picture_id_has_no_gap(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    """Edge case 58: what is lost between these was no video, whatever the sequence numbers say."""
    assert steps([before, before, after]) == [0, 1]


def test_a_picture_is_missing_where_the_picture_id_has_a_gap() -> None:
    """Edge case 59."""
    assert steps([(126, 7), (0, 7)]) == [2]
    assert steps([(32767, 15), (2, 15)]) == [3]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_hostile_payloads_give_slices_within_them(payloads: list[bytes]) -> None:
    media, _ = vp9.depacketize_layers(of(*payloads), always=True)
    for packet, payload in enumerate(payloads):
        assert payload.endswith(join_packet(media, packet))
    assert (media.slice_length > 0).all()
    assert not media.broken[media.slice_packet].any()
    if media.layering is not None:
        assert (media.layering.picture < media.layering.modulo).all()
        assert media.layering.references.max(initial=0) < 128


@given(st.lists(st.binary(max_size=300).map(lambda rest: b"\xaa" + rest), max_size=8))
def test_hostile_structures_are_stepped_over_or_broken(payloads: list[bytes]) -> None:
    media = vp9.depacketize(of(*payloads))
    for packet, payload in enumerate(payloads):
        assert payload.endswith(join_packet(media, packet))
        assert not (media.broken[packet] and media.head[packet])
