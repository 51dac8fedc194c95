from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import pytest

from isotrack.adapters.blackening import black_pictures
from isotrack.adapters.ffmpeg_pictures import SPARE_PARAMETER_SETS, FfmpegBlackPictures
from isotrack.codecs import h264_parameters, h265_parameters
from isotrack.codecs.av1_obu import SEQUENCE_HEADER, TEMPORAL_DELIMITER, split_unit
from isotrack.codecs.h265 import unit_type
from isotrack.codecs.h265_renumber import SPARE_ID, renumbered
from isotrack.codecs.nal import nal_units, split_annexb
from isotrack.pipeline.ports import NoPicture

DECODERS = {"vp8": "vp8", "vp9": "vp9", "h264": "h264", "h265": "hevc", "av1": "libdav1d"}
every_codec = pytest.mark.parametrize("codec", DECODERS)


def annexb(frame: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + bytes(unit) for unit in nal_units(frame))


def sized(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def decode(codec: str, frames: Sequence[bytes]) -> list[np.ndarray]:
    """The luma of each picture, by a decoder that gives up at the first error."""
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = {"err_detect": "explode"}
    shown = []
    for frame in [*frames, None]:
        data = None if frame is None else annexb(frame) if codec[0] == "h" else frame
        for picture in decoder.decode(None if data is None else av.Packet(data)):
            shown.append(picture.to_ndarray(format="gray"))
    return shown


@every_codec
@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (64, 64)])
def test_a_picture_is_black_and_of_its_size(codec: str, size: tuple[int, int]) -> None:
    (picture,) = decode(codec, [FfmpegBlackPictures().frame(codec, *size)])

    assert picture.shape == (size[1], size[0])
    assert picture.max() <= 1  # 16 of video range is 0 of full range


@every_codec
def test_a_picture_is_encoded_once_and_always_the_same(codec: str) -> None:
    pictures = FfmpegBlackPictures()

    assert pictures.frame(codec, 320, 180) is pictures.frame(codec, 320, 180)
    assert pictures.frame(codec, 320, 180) == FfmpegBlackPictures().frame(codec, 320, 180)


def test_what_cannot_be_encoded_is_said() -> None:
    pictures = black_pictures()
    assert pictures is not None
    with pytest.raises(NoPicture, match="theora"):
        pictures.frame("theora", 320, 180)
    with pytest.raises(NoPicture, match="319x179 in h264"):
        pictures.frame("h264", 319, 179)


def test_parameter_sets_of_h264_do_not_take_the_place_of_a_publishers() -> None:
    units = [bytes(unit) for unit in nal_units(FfmpegBlackPictures().frame("h264", 320, 180))]

    assert [unit[0] & 31 for unit in units] == [7, 8, 5]
    assert h264_parameters.sps_id(units[0]) == SPARE_PARAMETER_SETS
    assert h264_parameters.pps_ids(units[1]) == (SPARE_PARAMETER_SETS, SPARE_PARAMETER_SETS)
    assert h264_parameters.slice_pps_id(units[2]) == SPARE_PARAMETER_SETS


def test_parameter_sets_of_h265_do_not_take_the_place_of_a_publishers() -> None:
    units = [bytes(unit) for unit in nal_units(FfmpegBlackPictures().frame("h265", 320, 180))]

    assert [unit_type(unit) for unit in units[:3]] == [32, 33, 34]
    assert h265_parameters.vps_id(units[0]) == SPARE_ID
    sps = h265_parameters.parse_sps(units[1])
    assert (sps.vps_id, sps.sps_id, sps.width, sps.height) == (SPARE_ID, SPARE_ID, 320, 180)
    assert h265_parameters.pps_ids(units[2]) == (SPARE_ID, SPARE_ID)
    assert h265_parameters.slice_pps_id(units[3]) == SPARE_ID


def test_what_is_numbered_already_is_not_renumbered() -> None:
    units = [bytes(unit) for unit in nal_units(FfmpegBlackPictures().frame("h265", 320, 180))]

    for unit in units:
        with pytest.raises(ValueError, match="in the bits at"):
            renumbered(unit)
    with pytest.raises(ValueError, match="of type 39"):
        renumbered(b"\x4e\x01\x05")


def test_av1_has_a_sequence_header_and_no_temporal_delimiter() -> None:
    kinds = [obu.kind for obu in split_unit(FfmpegBlackPictures().frame("av1", 320, 180))]

    assert SEQUENCE_HEADER in kinds
    assert TEMPORAL_DELIMITER not in kinds


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_a_keyframe_behind_black_needs_no_parameter_sets_of_its_own(encoder: str) -> None:
    """The publisher's were sent once, before; black is not to have replaced them."""
    codec = encoder.replace("libx", "h")
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 180, "yuv420p"
    context.time_base = Fraction(1, 30)
    params = f"{encoder[3:]}-params"
    context.options = {
        "tune": "zerolatency",
        "preset": "ultrafast",
        "forced-idr": "1",
        params: "repeat-headers=1:annexb=1:keyint=1:log-level=none",
    }
    frames = []
    for level in (60, 200):
        gray = np.full((270, 320), level, np.uint8)
        picture = av.VideoFrame.from_ndarray(gray, format="yuv420p")
        picture.pts = len(frames)
        frames += map(bytes, context.encode(picture))
    frames += map(bytes, context.encode(None))
    first = sized(split_annexb(frames[0]))
    bare = sized([unit for unit in split_annexb(frames[1]) if _is_slice(codec, unit)])

    black = FfmpegBlackPictures().frame(codec, 320, 180)
    shown = decode(codec, [first, black, bare])

    means = [int(picture.mean()) for picture in shown]
    assert len(means) == 3
    assert means[0] > 40
    assert means[1] <= 1
    assert means[2] > 180


def _is_slice(codec: str, unit: bytes) -> bool:
    return unit[0] & 31 == 5 if codec == "h264" else unit_type(unit) in (19, 20)
