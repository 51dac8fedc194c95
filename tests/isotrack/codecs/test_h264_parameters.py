import base64
from io import BytesIO

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import h264
from isotrack.codecs.h264_parameters import (
    decoder_configuration,
    parse_sps,
    pps_ids,
    slice_pps_id,
    sprop_parameter_sets,
    sps_id,
)
from tests.frames import encode_video
from tests.nal import BitWriter

# The example of RFC 6184 section 8.2.
SPS = base64.b64decode("Z0IACpZTBYmI")
PPS = base64.b64decode("aMljiA==")


def encoded_sets(width: int, height: int, **options: str) -> tuple[bytes, bytes, bytes]:
    """SPS, PPS and first slice of x264."""
    settings = {"tune": "zerolatency", "preset": "superfast", **options}
    frame = next(encode_video("libx264", 1, width=width, height=height, options=settings))
    units = {unit[0] & 31: unit for unit in reversed(h264.split_annexb(frame))}
    return units[7], units[8], units[5]


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
@pytest.mark.parametrize(("width", "height"), [(320, 180), (16, 16), (494, 370), (1280, 720)])
def test_the_size_is_that_of_the_cropped_picture(profile: str, width: int, height: int) -> None:
    sps, _, _ = encoded_sets(width, height, profile=profile)
    parsed = parse_sps(sps)
    assert (parsed.width, parsed.height) == (width, height)
    assert (parsed.profile_idc, parsed.constraint_flags, parsed.level_idc) == tuple(sps[1:4])
    assert parsed.profile_idc == {"baseline": 66, "main": 77, "high": 100}[profile]
    assert (parsed.chroma_format_idc, parsed.bit_depth_luma, parsed.bit_depth_chroma) == (1, 8, 8)


def test_an_interlaced_picture_is_twice_as_high_as_its_map() -> None:
    sps, _, _ = encoded_sets(320, 240, profile="high", **{"x264-params": "interlaced=1"})
    parsed = parse_sps(sps)
    assert (parsed.width, parsed.height) == (320, 240)


def test_scaling_lists_are_stepped_over() -> None:
    sps, _, _ = encoded_sets(320, 180, profile="high", **{"x264-params": "cqm=jvt"})
    assert parse_sps(sps)[3:5] == (320, 180)


def written_sps(*, chroma: tuple[int, int, int] = (1, 0, 0), crop: tuple[int, ...] = ()) -> bytes:
    """An SPS of High 4:4:4 Predictive, 4x3 macroblocks, with picture order of type 1."""
    writer = BitWriter()
    for byte in (0x67, 244, 0, 30):
        writer.u(8, byte)
    writer.ue(5, chroma[0])
    if chroma[0] == 3:
        writer.u(1, 0)
    writer.ue(chroma[1], chroma[2])
    writer.u(1, 0)
    writer.u(1, 1)  # a scaling matrix of one list that ends at once
    writer.u(1, 1)
    writer.ue(16)  # delta_scale -8
    writer.u(11 if chroma[0] == 3 else 7, 0)
    writer.ue(0, 1)
    writer.u(1, 0)
    writer.ue(3, 4, 2, 1, 2)  # offsets, and two reference frames
    writer.ue(1)
    writer.u(1, 0)
    writer.ue(3, 2)
    writer.u(1, 1)
    writer.u(1, 1)
    writer.u(1, bool(crop))
    writer.ue(*crop)
    writer.u(1, 0)
    return writer.nal()


@pytest.mark.parametrize(
    ("chroma", "crop", "size"),
    [
        ((1, 0, 0), (), (64, 48)),
        ((1, 2, 2), (1, 2, 3, 4), (58, 34)),
        ((2, 0, 0), (1, 2, 3, 4), (58, 41)),
        ((3, 6, 0), (1, 2, 3, 4), (61, 41)),
        ((0, 0, 0), (1, 2, 3, 4), (61, 41)),
    ],
)
def test_every_chroma_format_crops_in_its_own_unit(
    chroma: tuple[int, int, int], crop: tuple[int, ...], size: tuple[int, int]
) -> None:
    sps = written_sps(chroma=chroma, crop=crop)
    parsed = parse_sps(sps)
    assert (parsed.width, parsed.height) == size
    assert parsed[5:] == (chroma[0], 8 + chroma[1], 8 + chroma[2])
    assert sps_id(sps) == 5


def test_emulation_prevention_is_removed_before_reading() -> None:
    writer = BitWriter()
    for byte in (0x67, 66, 0, 0):
        writer.u(8, byte)
    writer.ue(63, 0, 2, 1)  # the id's zeros follow those of the level
    writer.u(1, 0)
    writer.ue(3, 2)
    for bit in (1, 1, 0, 0):
        writer.u(1, bit)
    sps = writer.nal()
    assert sps[2:5] == b"\0\0\3"
    assert parse_sps(sps)[3:5] == (64, 48)
    assert sps_id(sps) == 63


def test_an_sps_torn_anywhere_before_its_size_is_refused() -> None:
    sps, _, _ = encoded_sets(320, 180, profile="baseline")
    with pytest.raises(ValueError, match="SPS is truncated"):
        parse_sps(sps[:6])
    with pytest.raises(ValueError, match="SPS is truncated"):
        parse_sps(b"")


@pytest.mark.parametrize(
    ("sps", "message"),
    [
        (PPS, "not an SPS"),
        (written_sps(chroma=(4, 0, 0)), "chroma format 4"),
        (written_sps(chroma=(1, 7, 0)), "impossible depth"),
        (written_sps(crop=(32, 0, 0, 0)), "impossible picture of 0x48"),
        (b"\x67\x42\0\x1e" + bytes(5) + b"\x80" * 8, "over 32 bits"),
    ],
)
def test_an_sps_that_states_what_cannot_be_is_refused(sps: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_sps(sps)


@given(st.binary(max_size=80))
def test_hostile_parameter_sets_raise_value_errors_only(nal: bytes) -> None:
    refusals = []
    for read in (parse_sps, sps_id, pps_ids, slice_pps_id):
        try:
            read(nal)
        except ValueError as error:
            refusals.append(str(error))
    assert all(refusal.startswith("H.264") for refusal in refusals)


def test_ids_tell_which_sets_belong_together() -> None:
    sps, pps, idr = encoded_sets(320, 180, **{"x264-params": "sps-id=3"})
    assert sps_id(sps) == 3
    assert pps_ids(pps) == (3, 3)
    assert slice_pps_id(idr) == 3
    with pytest.raises(ValueError, match="PPS is truncated"):
        pps_ids(b"\x68")
    with pytest.raises(ValueError, match="slice header is truncated"):
        slice_pps_id(b"\x65\x88")


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_the_decoder_configuration_is_the_one_ffmpeg_writes(profile: str) -> None:
    options = {"tune": "zerolatency", "preset": "superfast", "profile": profile}
    frame = next(encode_video("libx264", 1, options=options))
    units = h264.split_annexb(frame)
    ours = decoder_configuration(
        [unit for unit in units if unit[0] & 31 == 7], [unit for unit in units if unit[0] & 31 == 8]
    )
    assert ours == muxed_extradata(frame)
    assert ours[1] == {"baseline": 66, "main": 77, "high": 100}[profile]


def muxed_extradata(frame: bytes) -> bytes:
    """The avcC that FFmpeg's Matroska muxer makes of a frame in Annex B."""
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_mux_stream("h264", 30, width=320, height=180)
        packet = av.Packet(frame)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.is_keyframe = True
        container.mux(packet)
    file.seek(0)
    with av.open(file) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def test_a_decoder_opens_with_the_configuration_alone() -> None:
    options = {"tune": "zerolatency", "preset": "ultrafast"}
    units = h264.split_annexb(next(encode_video("libx264", 1, options=options)))
    sets = [[unit for unit in units if unit[0] & 31 == kind] for kind in (7, 8)]
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = decoder_configuration(*sets)
    picture = b"".join(len(u).to_bytes(4, "big") + u for u in units if u[0] & 31 == 5)
    frames = [*decoder.decode(av.Packet(picture)), *decoder.decode(None)]
    assert [(frame.width, frame.height) for frame in frames] == [(320, 180)]
    assert np.ptp(frames[0].to_ndarray()) > 100


def test_a_decoder_configuration_without_parameter_sets_is_refused() -> None:
    for sps, pps in ([], [PPS]), ([SPS], []), ([SPS] * 32, [PPS]), ([SPS], [PPS] * 256):
        with pytest.raises(ValueError, match="avcC cannot hold"):
            decoder_configuration(sps, pps)
    with pytest.raises(ValueError, match="parameter set of 0 bytes"):
        decoder_configuration([SPS], [b""])
    with pytest.raises(ValueError, match="not an SPS"):
        decoder_configuration([PPS], [PPS])


def test_parameter_sets_of_an_sdp_are_decoded() -> None:
    sps, pps = sprop_parameter_sets("Z0IACpZTBYmI,aMljiA==")
    assert (sps, pps) == (SPS, PPS)
    assert (parse_sps(sps).profile_idc, parse_sps(sps).level_idc) == (66, 10)


@pytest.mark.parametrize("value", ["", "Z0IACpZTBYmI,", "Z0IA!!", "aMljiA=", "é"])
def test_parameter_sets_that_are_not_base64_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="sprop-parameter-sets"):
        sprop_parameter_sets(value)
