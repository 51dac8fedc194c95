import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.av1_keyframes import Av1Keyframes
from tests.av1 import (
    FRAME,
    FRAME_HEADER,
    METADATA,
    SEQUENCE,
    TILES,
    inter_frame,
    key_frame,
    obu,
    sequence_header,
)
from tests.frames import encode_video
from tests.isotrack.matroska.recording import Frame, demux, mux_with_pyav

SEQUENCE_HEADER = obu(SEQUENCE, sequence_header(640, 360), sized=True)


def frame(payload: bytes, spatial: int = 0) -> bytes:
    return obu(FRAME, payload, layer=(0, spatial), sized=True)


@pytest.mark.parametrize("size", [(320, 180), (494, 372), (130, 98)])
def test_configuration_is_what_ffmpeg_makes_of_the_same_stream(size: tuple[int, int]) -> None:
    """Edge cases 139 and 216: av1C from the first sequence header."""
    width, height = size
    options = {"preset": "11", "g": "5", "svtav1-params": "rc=2:pred-struct=1:rtc=1:lp=1"}
    encoded = list(encode_video("libsvtav1", 11, width=width, height=height, options=options))
    units = [unit.removeprefix(b"\x12\x00") for unit in encoded]
    keyframes = Av1Keyframes()
    entries = [keyframes.read(unit, n, after_loss=n > 5) for n, unit in enumerate(units)]
    assert entries == [n % 5 == 0 for n in range(11)]
    frames = [Frame(1, 40 * n, entries[n], unit) for n, unit in enumerate(encoded)]
    file = mux_with_pyav("libsvtav1", frames, rate=25, width=width, height=height)
    with av.open(io.BytesIO(file)) as container:
        codec = container.streams.video[0].codec_context
        assert codec.extradata == keyframes.configuration
    assert [each.data for each in demux(file)] == units
    assert keyframes.sizes == [(0, width, height)]


def test_a_keyframe_is_a_key_frame_behind_a_sequence_header() -> None:
    """Edge case 139."""
    key, inter = frame(key_frame()), frame(inter_frame())
    keyframes = Av1Keyframes()
    for unusable in (
        b"",
        key,
        inter,
        SEQUENCE_HEADER,
        SEQUENCE_HEADER + inter,
        SEQUENCE_HEADER + inter + key,
        SEQUENCE_HEADER + obu(FRAME_HEADER, b"\x80", sized=True),
        SEQUENCE_HEADER + frame(key_frame(shown=False)),
        SEQUENCE_HEADER + frame(b""),
        SEQUENCE_HEADER[:6] + key,
        obu(SEQUENCE, b"\xff" * 12, sized=True) + key,
    ):
        assert not keyframes.read(unusable, 0, after_loss=False)
    assert keyframes.configuration == b""
    assert keyframes.sizes == []
    metadata = obu(METADATA, b"of no use here", sized=True)
    parted = obu(FRAME_HEADER, key_frame(), sized=True) + obu(TILES, b"tiles", sized=True)
    assert keyframes.read(SEQUENCE_HEADER + metadata + parted, 5, after_loss=True)
    assert keyframes.sizes == [(5, 640, 360)]
    assert keyframes.configuration[4:] == SEQUENCE_HEADER


def test_sizes_are_noted_where_they_change() -> None:
    keyframes = Av1Keyframes()
    small = obu(SEQUENCE, sequence_header(494, 371), sized=True)
    for timestamp, header in enumerate([SEQUENCE_HEADER, SEQUENCE_HEADER, small]):
        assert keyframes.read(header + frame(key_frame()), timestamp, after_loss=False)
    assert keyframes.read(SEQUENCE_HEADER + frame(key_frame((100, 50))), 3, after_loss=False)
    assert keyframes.sizes == [(0, 640, 360), (2, 494, 371), (3, 100, 50)]
    assert keyframes.configuration[4:] == SEQUENCE_HEADER


@pytest.mark.parametrize(
    ("upper", "size"),
    [
        ([], (160, 90)),
        ([inter_frame((320, 180))], (320, 180)),
        ([inter_frame((320, 180)), inter_frame()], (640, 360)),
        ([inter_frame((320, 180)), inter_frame(found_reference=0)], (320, 180)),
        ([inter_frame(found_reference=3)], (160, 90)),
    ],
)
def test_the_picture_is_as_large_as_the_largest_layer(
    upper: list[bytes], size: tuple[int, int]
) -> None:
    """Edge case 140: several layers are one picture, and upper ones may be missing."""
    layers = [frame(payload, n) for n, payload in enumerate([key_frame((160, 90)), *upper])]
    keyframes = Av1Keyframes()
    assert keyframes.read(SEQUENCE_HEADER + b"".join(layers), 0, after_loss=False)
    assert keyframes.sizes == [(0, *size)]


@given(st.lists(st.binary(max_size=20), max_size=4), st.binary(max_size=24))
def test_hostile_temporal_units_are_read_or_not_used(frames: list[bytes], header: bytes) -> None:
    for first in (SEQUENCE_HEADER, obu(SEQUENCE, header, sized=True)):
        keyframes = Av1Keyframes()
        unit = first + b"".join(map(frame, frames))
        assert keyframes.read(unit, 0, after_loss=False) == bool(keyframes.configuration)
