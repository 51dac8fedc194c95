from __future__ import annotations

import base64
import io
from functools import cache

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import h265
from isotrack.codecs.h265_parameters import (
    decoder_configuration,
    has_donl,
    parse_sps,
    pps_ids,
    slice_pps_id,
    sprop_parameter_sets,
    vps_id,
)
from isotrack.matroska.tracks import hevc
from tests.frames import encode_video
from tests.isotrack.matroska.recording import Frame, demux
from tests.nal import BitWriter, avcc, decode, mux

SPARSE = {"preset": "ultrafast", "tune": "zerolatency"}


@cache
def encoded(width: int, height: int, params: str = "") -> list[bytes]:
    """Frames of x265 as byte streams."""
    options = {**SPARSE, "x265-params": "log-level=none:repeat-headers=1:keyint=5" + params}
    return list(encode_video("libx265", 12, width=width, height=height, options=options))


def parameter_sets(frame: bytes) -> list[list[bytes]]:
    """Its VPS, SPS and PPS."""
    units = h265.split_annexb(frame)
    return [[unit for unit in units if h265.unit_type(unit) == kind] for kind in (32, 33, 34)]


def written_sps(
    *,
    sub_layers: tuple[tuple[int, int], ...] = (),
    chroma: int = 1,
    size: tuple[int, int] = (640, 368),
    crop: tuple[int, ...] = (),
    depth: tuple[int, int] = (0, 0),
    sps_id: int = 3,
) -> bytes:
    """An SPS up to its bit depths, of VPS 2."""
    writer = BitWriter()
    writer.u(16, 33 << 9 | 1)
    writer.u(4, 2)
    writer.u(3, len(sub_layers))
    writer.u(1, 1)
    writer.u(96, 0x016000000090000000000000 | 93)
    for has_profile, has_level in sub_layers:
        writer.u(1, has_profile)
        writer.u(1, has_level)
    if sub_layers:
        writer.u(16 - 2 * len(sub_layers), 0)
    for has_profile, has_level in sub_layers:
        writer.u(88 * has_profile, 0) if has_profile else None
        writer.u(8, 60) if has_level else None
    writer.ue(sps_id, chroma)
    if chroma == 3:
        writer.u(1, 0)
    writer.ue(*size)
    writer.u(1, bool(crop))
    writer.ue(*crop)
    writer.ue(*depth)
    return writer.nal()


@pytest.mark.parametrize(("width", "height"), [(640, 360), (320, 180), (1280, 720), (494, 370)])
def test_the_size_is_that_of_the_picture_in_its_conformance_window(width: int, height: int) -> None:
    """640x360, not 640x368 (edge case 123)."""
    _, (sps,), _ = parameter_sets(encoded(width, height)[0])
    parsed = parse_sps(sps)
    assert (parsed.width, parsed.height) == (width, height)
    assert (parsed.chroma_format_idc, parsed.bit_depth_luma, parsed.bit_depth_chroma) == (1, 8, 8)
    assert (parsed.temporal_layers, parsed.temporal_id_nesting) == (1, True)
    assert parsed.profile_tier_level[0] & 31 == 1  # Main


@pytest.mark.parametrize(
    ("chroma", "crop", "size"),
    [
        (1, (), (640, 368)),
        (1, (1, 2, 3, 4), (634, 354)),
        (2, (1, 2, 3, 4), (634, 361)),
        (3, (1, 2, 3, 4), (637, 361)),
        (0, (0, 0, 0, 8), (640, 360)),
    ],
)
def test_every_chroma_format_crops_in_its_own_unit(
    chroma: int, crop: tuple[int, ...], size: tuple[int, int]
) -> None:
    parsed = parse_sps(written_sps(chroma=chroma, crop=crop, depth=(2, 1)))
    assert (parsed.width, parsed.height, parsed.chroma_format_idc) == (*size, chroma)
    assert (parsed.bit_depth_luma, parsed.bit_depth_chroma) == (10, 9)
    assert (parsed.vps_id, parsed.sps_id) == (2, 3)


@pytest.mark.parametrize(
    "sub_layers", [((0, 0),), ((1, 1),), ((0, 1), (1, 0)), ((1, 1),) * 6], ids=len
)
def test_what_is_said_of_lower_temporal_layers_is_stepped_over(
    sub_layers: tuple[tuple[int, int], ...],
) -> None:
    parsed = parse_sps(written_sps(sub_layers=sub_layers))
    assert parsed.temporal_layers == 1 + len(sub_layers)
    assert (parsed.width, parsed.height) == (640, 368)
    assert parsed.profile_tier_level.hex() == "01600000009000000000005d"


@pytest.mark.parametrize(
    ("sps", "message"),
    [
        (b"", "not an SPS"),
        (b"\x40\x01\x0c", "not an SPS"),
        (b"\x42\x09" + bytes(40), "not an SPS"),  # of another layer
        (written_sps()[:18], "SPS is truncated"),
        (written_sps(chroma=4), "chroma format 4"),
        (written_sps(depth=(8, 0)), "impossible depth"),
        (written_sps(crop=(320, 0, 0, 0)), "impossible picture of 0x368"),
        (written_sps(size=(70_000, 16)), "impossible picture of 70000x16"),
    ],
)
def test_an_sps_that_states_what_cannot_be_is_refused(sps: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_sps(sps)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x42\x01"]))
def test_hostile_parameter_sets_raise_value_errors_only(nal: bytes, start: bytes) -> None:
    refusals = []
    for read in (parse_sps, vps_id, pps_ids, slice_pps_id):
        try:
            read(start + nal)
        except ValueError as error:
            refusals.append(str(error))
    assert all(refusal.startswith("H.265") for refusal in refusals)


def test_ids_tell_which_sets_belong_together() -> None:
    writer = BitWriter()
    writer.u(16, 34 << 9 | 1)
    writer.ue(5, 3)
    assert pps_ids(writer.nal()) == (5, 3)
    assert vps_id(b"\x40\x01\x2c") == 2
    for kind, bits in ((1, 0), (19, 1)):  # an IRAP slice has one bit more before the id
        writer = BitWriter()
        writer.u(16, kind << 9 | 1)
        writer.u(1 + bits, 1 << bits)
        writer.ue(5)
        assert slice_pps_id(writer.nal()) == 5
    with pytest.raises(ValueError, match="slice header is truncated"):
        slice_pps_id(b"\x26\x01")


@pytest.mark.parametrize("params", ["", ":temporal-layers=2", ":no-wpp=1", ":level-idc=4"])
def test_the_decoder_configuration_is_the_one_ffmpeg_writes(params: str) -> None:
    """Of parameter sets in band, prefix SEI among them (edge case 123)."""
    frame = encoded(640, 360, params)[0]
    assert decoder_configuration(*parameter_sets(frame)) == muxed_extradata(frame)


def muxed_extradata(frame: bytes) -> bytes:
    """The hvcC that FFmpeg's Matroska muxer makes of a frame in Annex B."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_mux_stream("hevc", 30, width=640, height=360)
        packet = av.Packet(frame)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.is_keyframe = True
        container.mux(packet)
    file.seek(0)
    with av.open(file) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640)])
def test_every_frame_decodes_after_muxing_at_its_cropped_size(width: int, height: int) -> None:
    """640x360, not 640x368 (edge case 123)."""
    units = [h265.split_annexb(frame) for frame in encoded(width, height)]
    configuration = decoder_configuration(*parameter_sets(encoded(width, height)[0]))
    track = hevc(1, 11, width, height, configuration)
    frames = [Frame(1, 33 * n, n % 5 == 0, avcc(*each)) for n, each in enumerate(units)]
    file = mux(track, frames)
    assert demux(file) == frames
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("hevc", width, height)
        pictures = list(container.decode(stream))
    assert [picture.pts for picture in pictures] == [frame.time_ms for frame in frames]
    assert {(picture.width, picture.height) for picture in pictures} == {(width, height)}


def test_a_decoder_opens_with_the_configuration_alone() -> None:
    frame = encoded(320, 180)[0]
    slices = [unit for unit in h265.split_annexb(frame) if h265.unit_type(unit) < 32]
    (picture,) = decode("hevc", [avcc(*slices)], decoder_configuration(*parameter_sets(frame)))
    assert (picture.width, picture.height) == (320, 180)
    assert picture.to_ndarray().std() > 10


def test_a_decoder_configuration_without_parameter_sets_is_refused() -> None:
    vps, sps, pps = parameter_sets(encoded(320, 180)[0])
    for sets in ([], sps, pps), (vps, [], pps), (vps, sps, []), (vps, sps, pps * 0x10000):
        with pytest.raises(ValueError, match="hvcC cannot hold"):
            decoder_configuration(*sets)
    with pytest.raises(ValueError, match="parameter set of 0 bytes"):
        decoder_configuration(vps, sps, [b""])
    with pytest.raises(ValueError, match="not an SPS"):
        decoder_configuration(vps, pps, sps)


def test_parameter_sets_of_an_sdp_are_decoded() -> None:
    sets = parameter_sets(encoded(320, 180)[0])
    names = ("sprop-vps", "sprop-sps", "sprop-pps")
    values = [",".join(base64.b64encode(unit).decode() for unit in units) for units in sets]
    fmtp = dict(zip(names, values, strict=True))
    assert sprop_parameter_sets(fmtp) == [unit for units in sets for unit in units]
    assert sprop_parameter_sets({"sprop-sps": f"{values[1]},{values[1]}"}) == sets[1] * 2
    assert sprop_parameter_sets({"profile-id": "1"}) == []


@pytest.mark.parametrize("value", ["", "QAE,", "QA!!", "é"])
def test_parameter_sets_that_are_not_base64_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="sprop-pps"):
        sprop_parameter_sets({"sprop-pps": value})


@pytest.mark.parametrize(
    ("fmtp", "expected"),
    [
        ({}, False),
        ({"sprop-max-don-diff": "0"}, False),
        ({"sprop-max-don-diff": "00"}, False),
        ({"sprop-max-don-diff": "-1"}, False),
        ({"sprop-max-don-diff": "many"}, False),
        ({"sprop-max-don-diff": "²"}, False),
        ({"sprop-max-don-diff": "1"}, True),
        ({"sprop-max-don-diff": " 32767"}, True),
    ],
)
def test_decoding_order_numbers_are_there_only_when_announced(
    fmtp: dict[str, str], expected: bool
) -> None:
    """WebRTC never does (edge case 127)."""
    assert has_donl(fmtp) is expected
