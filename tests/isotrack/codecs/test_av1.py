import io
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import av1
from isotrack.codecs.av1_keyframes import Av1Keyframes
from isotrack.codecs.av1_obu import leb128, split_unit
from isotrack.matroska import tracks
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets
from tests.av1 import (
    DELIMITER,
    FRAME,
    FRAME_HEADER,
    METADATA,
    PADDING,
    REDUNDANT,
    SEQUENCE,
    TILE_LIST,
    TILES,
    N,
    Y,
    Z,
    aggregate,
    depacketized,
    inter_frame,
    is_sound,
    key_frame,
    obu,
    sequence_header,
    sized,
)
from tests.frames import encode_video, join_frames
from tests.isotrack.matroska.recording import Frame, write_file
from tests.packets import packets_of
from tests.pcap import read_pcap

DATA = Path(__file__).parents[2] / "data" / "av1"
LOW_DELAY = {"preset": "11", "g": "8", "svtav1-params": "rc=2:pred-struct=1:rtc=1:lp=1"}
REORDERED = {"preset": "11", "g": "8", "svtav1-params": "lp=1"}
TEMPORAL_DELIMITER = b"\x12\x00"
SMALL, SECOND, LONG = b"\x30\x40small", b"\x30\x41 second one", b"\x30\x42" + bytes(range(250)) * 2


def test_an_obu_alone_in_its_packets_is_one_slice_per_packet() -> None:
    payloads = av1.packetize(sized(LONG), 100)
    _, media = depacketized(*payloads, frames=[payloads, [aggregate(SMALL)]])
    assert media.slice_packet.tolist() == list(range(len(payloads) + 1))


def test_every_obu_says_its_size_and_keeps_its_layer() -> None:
    """Edge case 129."""
    units = [obu(FRAME, b"x" * size, layer=(2, 1)) for size in (0, 1, 127, 128, 16_383, 16_384)]
    for counted in (True, False):
        packets, media = depacketized(*(aggregate(unit, counted=counted) for unit in units))
        assert join_frames(packets, media) == [sized(*units)]
        assert [(u.temporal, u.spatial) for u in split_unit(join_frames(packets, media)[0])] == [
            (2, 1)
        ] * 6


def test_reserved_bits_and_types_are_kept() -> None:
    units = [obu(9, b"reserved"), bytes((FRAME << 3 | 4 | 1, 0x2F)) + b"bits"]
    packets, media = depacketized(aggregate(*units))
    assert join_frames(packets, media) == [sized(*units)]


@pytest.mark.parametrize("kind", [DELIMITER, TILE_LIST, PADDING, REDUNDANT])
def test_what_matroska_does_not_want_is_left_out(kind: int) -> None:
    """Edge case 130."""
    unwanted = obu(kind, b"" if kind == DELIMITER else b"what it is")
    packets, media = depacketized(
        aggregate(SMALL, unwanted, SECOND), aggregate(unwanted), aggregate(SMALL)
    )
    assert join_frames(packets, media) == [sized(SMALL, SECOND, SMALL)]
    assert not media.broken.any()


@pytest.mark.parametrize("stated", [0, 3, 5, 9, 300])
def test_an_element_counts_for_more_than_the_size_in_it(stated: int) -> None:
    """Edge case 137."""
    unit = bytes((FRAME << 3 | 2,)) + leb128(stated) + b"right"
    packets, media = depacketized(aggregate(unit), aggregate(unit, unit))
    assert join_frames(packets, media) == [sized(obu(FRAME, b"right")) * 3]
    assert not media.broken.any()


def test_sizes_take_as_many_bytes_as_they_need() -> None:
    """Edge case 138: 128 needs two bytes."""
    unit = obu(FRAME, b"x" * 128)
    packets, media = depacketized(aggregate(unit))
    assert join_frames(packets, media) == [b"\x32\x80\x01" + b"x" * 128]
    padded = bytes((0x00, 0x80 | len(SMALL), 0x80, 0x80, 0x00)) + SMALL
    packets, media = depacketized(padded)
    assert join_frames(packets, media) == [sized(SMALL)]


@pytest.mark.parametrize("unit", [b"\x34", b"\x32", b"\x32\x80", b"\x32" + b"\x80" * 9, b"\xb0ab"])
def test_an_obu_without_a_whole_header_is_dropped(unit: bytes) -> None:
    packets, media = depacketized(aggregate(SMALL, unit), aggregate(SECOND))
    assert join_frames(packets, media) == [sized(SMALL, SECOND)]
    assert media.broken.tolist() == [True, False]


def test_a_frame_begins_with_whatever_can_stand_before_its_tiles() -> None:
    frame, tiles = obu(FRAME_HEADER, b"\x40"), obu(TILES, b"tiles")
    _, media = depacketized(aggregate(frame), aggregate(tiles), aggregate(obu(METADATA), tiles))
    assert media.head.tolist() == [True, False, True]
    _, media = depacketized(aggregate(obu(REDUNDANT, b"r"), frame), aggregate(frame, tiles))
    assert media.head.tolist() == [False, True]


def test_a_keyframe_is_a_key_frame_with_a_sequence_header() -> None:
    """Edge case 139: the N bit alone is not enough."""
    sequence, key = obu(SEQUENCE, sequence_header()), obu(FRAME, key_frame())
    inter, hidden = obu(FRAME, inter_frame()), obu(FRAME, key_frame(shown=False))
    frames = [
        [aggregate(sequence, key, flags=N)],
        [aggregate(sequence, flags=N), aggregate(key), aggregate(inter)],
        [aggregate(inter, flags=N)],
        [aggregate(key)],
        [aggregate(sequence, inter)],
        [aggregate(sequence, hidden)],
        [aggregate(obu(SEQUENCE, sequence_header(reduced=True)), obu(FRAME, b"any"))],
    ]
    _, media = depacketized(frames=frames)
    assert media.keyframe.tolist() == [
        *[True, False, True, False],
        *[False, False, False, False, True],
    ]


def test_the_layers_of_a_temporal_unit_are_one_frame() -> None:
    """Edge case 140."""
    sequence = obu(SEQUENCE, sequence_header())
    base, upper = obu(FRAME, key_frame(), layer=(0, 0)), obu(FRAME, inter_frame(), layer=(0, 1))
    packets, media = depacketized(aggregate(sequence, base, flags=N), aggregate(upper))
    assert join_frames(packets, media) == [sized(sequence, base, upper)]
    assert media.head.tolist() == [True, True]
    assert media.keyframe.tolist() == [True, False]


def test_a_header_cut_in_two_is_put_together() -> None:
    unit = obu(FRAME, b"media", layer=(1, 1), sized=True)
    for cut in range(1, len(unit)):
        packets, media = depacketized(
            aggregate(SMALL, unit[:cut], flags=Y), aggregate(unit[cut:], SECOND, flags=Z)
        )
        assert join_frames(packets, media) == [
            sized(SMALL, obu(FRAME, b"media", layer=(1, 1)), SECOND)
        ]
        assert not media.broken.any()
    pieces = [bytes((each,)) for each in unit]
    flags = [Y, *[Z | Y] * (len(pieces) - 2), Z]
    packets, media = depacketized(
        *(aggregate(piece, flags=flag) for piece, flag in zip(pieces, flags, strict=True))
    )
    assert join_frames(packets, media) == [sized(obu(FRAME, b"media", layer=(1, 1)))]


def test_a_key_frame_is_found_behind_a_header_cut_in_two() -> None:
    frame = obu(FRAME, key_frame(), sized=True)
    for cut in range(1, 4):
        _, media = depacketized(
            aggregate(obu(SEQUENCE, sequence_header()), frame[:cut], flags=Y),
            aggregate(frame[cut:], flags=Z),
        )
        assert media.keyframe.tolist() == [True, False]


@pytest.mark.parametrize("options", [LOW_DELAY, REORDERED], ids=["low delay", "reordered"])
@pytest.mark.parametrize("max_payload", [23, 150, 1200])
def test_encoded_frames_come_out_as_they_went_in(options: dict[str, str], max_payload: int) -> None:
    encoded = list(encode_video("libsvtav1", 20, width=160, height=96, options=options))
    payloads = [av1.packetize(unit, max_payload) for unit in encoded]
    assert max(len(payload) for frame in payloads for payload in frame) == max_payload
    packets, media = depacketized(frames=payloads)
    expected = [unit.removeprefix(TEMPORAL_DELIMITER) for unit in encoded]
    assert join_frames(packets, media) == expected
    assert not media.broken.any()
    begins = np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0
    assert media.head[begins].all()
    keyframe = np.logical_or.reduceat(media.keyframe, np.flatnonzero(begins))
    assert keyframe.tolist() == [unit[2:3] == b"\x0a" for unit in encoded]
    assert [bool(frame[0][0] & N) for frame in payloads] == keyframe.tolist()


def test_packetizing_needs_room() -> None:
    with pytest.raises(ValueError, match="no room"):
        av1.packetize(sized(SMALL), 1)
    assert av1.packetize(TEMPORAL_DELIMITER, 100) == []
    packets, media = depacketized(*av1.packetize(sized(SMALL, SECOND), 2))
    assert join_frames(packets, media) == [sized(SMALL, SECOND)]


def chromium_packets() -> Packets:
    return packets_of([datagram for _, _, datagram in read_pcap(DATA / "chromium_av1.pcap")])


def test_all_frames_of_a_chromium_publisher_decode() -> None:
    packets = chromium_packets()
    media = av1.depacketize(packets)
    frames = join_frames(packets, media)
    begins = np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0
    assert not media.broken.any()
    assert media.head[begins].all()
    assert np.cumsum(begins)[media.keyframe].tolist() == [1, 254]
    keyframes = Av1Keyframes()
    entries = [keyframes.read(frame, n, after_loss=False) for n, frame in enumerate(frames)]
    assert np.flatnonzero(entries).tolist() == [0, 253]
    track = tracks.av1(1, 1, 640, 360, keyframes.configuration)
    file = write_file(
        [track],
        [Frame(1, 33 * n, bool(entries[n]), frame) for n, frame in enumerate(frames)],
        duration_ms=33 * len(frames),
    )
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.extradata == keyframes.configuration
        decoder = av.CodecContext.create("libdav1d", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        pictures = []
        for packet in container.demux(stream):
            pictures += decoder.decode(packet if packet.size else None)
    assert len(pictures) == len(frames)
    assert {(picture.width, picture.height) for picture in pictures} == {(640, 360)}
    assert not any(picture.is_corrupt for picture in pictures)


def test_every_lost_packet_of_a_publisher_is_noticed() -> None:
    packets = chromium_packets()
    frames = packets.take(np.arange(60))
    whole = av1.depacketize(frames._replace(buffer=packets.buffer.copy()))
    fragment = packets.buffer[packets.payload_offset] & (Z | Y) > 0
    for lost in np.flatnonzero(fragment[:60]).tolist():
        rest = frames.take(np.delete(np.arange(60), lost))
        rest = rest._replace(buffer=packets.buffer.copy())
        media = av1.depacketize(rest)
        same = rest.timestamp == frames.timestamp[lost]
        assert media.broken[same].all()
        assert not media.broken[~same].any()
        assert not whole.broken.any()


CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SEQUENCE, FRAME, TILES, METADATA, DELIMITER, PADDING]),
            st.binary(max_size=200),
            st.none() | st.just((1, 2)),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    ),
    CUTS,
    st.lists(st.tuples(st.booleans(), st.integers(1, 3)), min_size=1),
)
def test_however_obus_are_cut_they_come_out_whole(
    units: list[tuple[int, bytes, tuple[int, int] | None, bool]],
    cuts: list[int],
    forms: list[tuple[bool, int]],
) -> None:
    pieces: list[tuple[bytes, bool]] = []
    for number, (kind, payload, layer, has_size) in enumerate(units):
        rest = obu(kind, payload, layer=layer, sized=has_size)
        while rest:
            room = cuts[(number + len(pieces)) % len(cuts)]
            pieces.append((rest[:room], bool(rest[room:])))
            rest = rest[room:]
    payloads = []
    opened = False
    while pieces:
        counted, most = forms[len(payloads) % len(forms)]
        taken = [pieces.pop(0)]
        while pieces and len(taken) < most and not taken[-1][1]:
            taken.append(pieces.pop(0))
        flags = (Z if opened else 0) | (Y if taken[-1][1] else 0)
        payloads.append(aggregate(*(piece for piece, _ in taken), flags=flags, counted=counted))
        opened = taken[-1][1]
    packets, media = depacketized(*payloads)
    kept = [unit for unit in units if unit[0] not in (DELIMITER, PADDING)]
    expected = [obu(kind, payload, layer=layer) for kind, payload, layer, _ in kept]
    assert join_frames(packets, media) == [sized(*expected)]
    assert not media.broken.any()


@given(st.lists(st.binary(max_size=40), max_size=24), st.sets(st.integers(0, 23)))
def test_hostile_payloads_give_sound_obus(payloads: list[bytes], lost: set[int]) -> None:
    packets, media = depacketized(*payloads, lost=sorted(lost))
    assert is_sound(packets, media)
    assert media.broken.shape == media.head.shape == media.keyframe.shape == (packets.count,)


def test_a_fuzzed_payload_is_read_or_broken() -> None:
    payload = (DATA / "assemble-frame-corpus" / "av1-assemble-frame-0").read_bytes()
    packets, media = depacketized(payload)
    assert media.broken.all()
    assert is_sound(packets, media)


def test_no_more_than_twelve_bytes_before_each_payload_are_written_to() -> None:
    payloads = [aggregate(SMALL, LONG), *av1.packetize(sized(LONG, SECOND), 90)]
    datagrams = [write_header(96, n, 5, 6, False) + each for n, each in enumerate(payloads)]
    packets = packets_of(datagrams)
    before = packets.buffer.copy()
    av1.depacketize(packets)
    changed = np.flatnonzero(before != packets.buffer)
    begin = packets.payload_offset - 12
    end = packets.payload_offset + packets.payload_length
    assert all(((begin <= at) & (at < end)).any() for at in changed)
