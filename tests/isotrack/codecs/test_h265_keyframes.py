from __future__ import annotations

import pytest

from isotrack.codecs import h265
from isotrack.codecs.h265_keyframes import H265Keyframes
from isotrack.codecs.h265_parameters import decoder_configuration
from tests.frames import encode_video
from tests.nal import BitWriter, avcc, decode

PARAMS = "log-level=none:repeat-headers=1:keyint=5:min-keyint=5:scenecut=0"
OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "x265-params": PARAMS}


def encoded(width: int, height: int, count: int = 6) -> list[list[bytes]]:
    frames = encode_video("libx265", count, width=width, height=height, options=OPTIONS)
    return [h265.split_annexb(frame) for frame in frames]


@pytest.fixture(scope="module")
def units() -> list[list[bytes]]:
    """Frames of 640x360, a keyframe first and sixth."""
    return encoded(640, 360)


@pytest.fixture(scope="module")
def sets(units: list[list[bytes]]) -> dict[int, bytes]:
    """VPS, SPS, PPS and slice of a keyframe, by type."""
    return {h265.unit_type(unit): unit for unit in units[0]}


def read(reader: H265Keyframes, *units: bytes, after_loss: bool = False) -> bool:
    return reader.read(avcc(*units), 90_000, after_loss=after_loss)


def retyped(unit: bytes, kind: int) -> bytes:
    return bytes((kind << 1, unit[1])) + unit[2:]


def test_every_keyframe_of_an_encoder_is_an_entry(units: list[list[bytes]]) -> None:
    reader = H265Keyframes()
    frames = [avcc(*each) for each in units]
    keys = [reader.read(frame, n, after_loss=False) for n, frame in enumerate(frames)]
    assert [n for n, key in enumerate(keys) if key] == [0, 5]
    assert reader.sizes == [(0, 640, 360)]
    assert len(decode("hevc", frames, reader.configuration)) == 6
    assert len(decode("hevc", frames[5:], reader.configuration)) == 1


@pytest.mark.parametrize("kind", range(16, 22))
def test_an_irap_picture_is_an_entry(kind: int, sets: dict[int, bytes]) -> None:
    """BLA, IDR and CRA, types 16 to 21 (edge case 124)."""
    reader = H265Keyframes()
    assert read(reader, sets[32], sets[33], sets[34], retyped(sets[20], kind))
    assert reader.sizes == [(90_000, 640, 360)]
    assert reader.configuration == decoder_configuration([sets[32]], [sets[33]], [sets[34]])


@pytest.mark.parametrize("kind", [0, 1, 8, 9, 15, 22, 23, 31])
def test_no_other_picture_is_one(kind: int, sets: dict[int, bytes]) -> None:
    """Not even a reserved IRAP type (edge case 124)."""
    reader = H265Keyframes()
    assert not read(reader, sets[32], sets[33], sets[34], retyped(sets[20], kind))
    assert read(reader, sets[20])  # the sets are known all the same


@pytest.mark.parametrize("missing", [32, 33, 34])
def test_without_one_of_its_parameter_sets_an_irap_picture_is_no_entry(
    missing: int, sets: dict[int, bytes]
) -> None:
    """Until that one comes, with a picture or without one (edge case 124)."""
    reader = H265Keyframes()
    known = [sets[kind] for kind in (32, 33, 34) if kind != missing]
    assert not read(reader, *known, sets[20])
    assert not reader.sizes
    assert not reader.configuration
    assert not read(reader, sets[missing])
    assert read(reader, sets[20])


def test_parameter_sets_of_the_sdp_serve_where_none_come_in_band(sets: dict[int, bytes]) -> None:
    reader = H265Keyframes([sets[32], sets[33], sets[34]])
    assert read(reader, sets[20])
    assert read(reader, sets[20], after_loss=True)


def test_a_keyframe_that_may_have_lost_new_parameter_sets_is_no_entry(
    units: list[list[bytes]], sets: dict[int, bytes]
) -> None:
    reader = H265Keyframes()
    assert read(reader, *units[0])
    assert not read(reader, sets[20], after_loss=True)
    assert read(reader, sets[20])
    assert read(reader, *units[0], after_loss=True)


def test_parameter_sets_of_other_layers_are_not_taken_for_the_base_layers(
    sets: dict[int, bytes],
) -> None:
    reader = H265Keyframes()
    others = [bytes((sets[kind][0], 0x09)) + sets[kind][2:] for kind in (32, 33, 34)]
    assert not read(reader, *others, sets[20])
    assert not read(reader, *others, bytes((sets[20][0], 0x09)) + sets[20][2:])


def test_a_change_of_size_in_mid_stream_decodes_behind_the_first_configuration(
    units: list[list[bytes]],
) -> None:
    frames = [avcc(*each) for each in (*units, *encoded(360, 640))]
    reader = H265Keyframes()
    for n, frame in enumerate(frames):
        reader.read(frame, n, after_loss=False)
    assert reader.sizes == [(0, 640, 360), (6, 360, 640)]
    pictures = decode("hevc", frames, reader.configuration)
    sizes = [(picture.width, picture.height) for picture in pictures]
    assert sizes == [(640, 360)] * 6 + [(360, 640)] * 6


def test_sets_that_no_hvcc_can_hold_are_as_good_as_none(sets: dict[int, bytes]) -> None:
    writer = BitWriter()
    writer.u(16, 34 << 9 | 1)
    writer.ue(64, 0)  # out of range
    reader = H265Keyframes()
    hostile = [sets[34] + bytes(70_000), writer.nal(), b"\x44\x01", b"\x42\x01", b"\x40\x01"]
    assert read(reader, *hostile, sets[32], sets[33], sets[34], sets[20])
    assert reader.configuration == decoder_configuration([sets[32]], [sets[33]], [sets[34]])


@pytest.mark.parametrize("frame", [b"", b"\0\0\0\1\x28", b"\0\0\0\2\x28\x01", bytes(9), b"\0\0\0"])
def test_frames_without_a_readable_picture_are_no_entry(frame: bytes) -> None:
    assert not H265Keyframes().read(frame, 0, after_loss=False)
