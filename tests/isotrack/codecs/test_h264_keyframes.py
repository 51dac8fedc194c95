from __future__ import annotations

import pytest

from isotrack.codecs import h264_parameters as parameters
from isotrack.codecs.h264 import depacketize, packetize, split_annexb
from isotrack.codecs.h264_keyframes import H264Keyframes
from tests.frames import encode_video, join_frames
from tests.nal import BitWriter, avcc, decode
from tests.packets import packetized, packets_of

# Parameter sets as WebRTC's encoders write them, and the slices of pictures coded with them.
SPS = bytes.fromhex("6742c01fd900a02ff958")  # 640x360
BIG_SPS = bytes.fromhex("6742c01fd9005005bb011000000300100000030320f1832480")  # 1280x720
PPS = bytes.fromhex("68cb83cb20")
IDR = b"\x65\x88\x80" + bytes(30)
I_SLICE = b"\x61\x88\x80" + bytes(30)
RECOVERY_POINT = b"\x06\x06\x01\xc4\x80"
CONFIGURATION = parameters.decoder_configuration([SPS], [PPS])


def numbered_pps(pps_id: int, sps_id: int) -> bytes:
    writer = BitWriter()
    writer.u(8, 0x68)
    writer.ue(pps_id, sps_id)
    return writer.nal()


def read(reader: H264Keyframes, *units: bytes, after_loss: bool = False) -> bool:
    return reader.read(avcc(*units), 90_000, after_loss=after_loss)


def test_an_idr_with_its_parameter_sets_is_an_entry() -> None:
    reader = H264Keyframes()
    assert read(reader, SPS, PPS, IDR)
    assert reader.sizes == [(90_000, 640, 360)]
    assert reader.configuration == CONFIGURATION


def test_parameter_sets_that_came_in_a_unit_of_their_own_are_in_the_configuration() -> None:
    """An access unit of parameter sets, then the IDR (edge case 106)."""
    reader = H264Keyframes()
    assert not read(reader, SPS)
    assert not read(reader, PPS)
    assert not reader.configuration
    assert read(reader, IDR)
    assert reader.configuration == CONFIGURATION


def test_parameter_sets_of_the_sdp_serve_where_none_come_in_band() -> None:
    """As many senders without sets in band say them (edge case 107)."""
    reader = H264Keyframes(parameters.sprop_parameter_sets("Z0LAH9kAoC/5WA==,aMuDyyA="))
    assert read(reader, IDR)
    assert reader.configuration == CONFIGURATION
    assert read(reader, IDR, after_loss=True)


def test_without_parameter_sets_from_anywhere_nothing_is_an_entry_until_they_come() -> None:
    """And from then on everything is (edge case 107)."""
    reader = H264Keyframes()
    assert [read(reader, IDR) for _ in range(3)] == [False] * 3
    assert (reader.sizes, reader.configuration) == ([], b"")
    assert read(reader, SPS, PPS, IDR)


@pytest.mark.parametrize("pps", [numbered_pps(1, 0), numbered_pps(0, 1), b"\x68", b"\x68\0\0"])
def test_an_idr_that_names_a_set_not_known_is_no_entry(pps: bytes) -> None:
    """Its picture parameter set, or that one's sequence parameter set (edge case 108)."""
    reader = H264Keyframes()
    assert not read(reader, SPS, pps, IDR)
    assert not reader.configuration


def test_an_idr_whose_parameter_sets_were_lost_is_no_entry() -> None:
    """Known ones may be old by now where new ones come with each IDR (edge case 109)."""
    reader = H264Keyframes()
    assert read(reader, SPS, PPS, IDR)
    assert not read(reader, IDR, after_loss=True)
    assert read(reader, IDR)
    assert read(reader, SPS, PPS, IDR, after_loss=True)


def test_new_parameter_sets_stay_in_band_and_the_configuration_is_of_the_first() -> None:
    """Frames of two sizes decode behind the avcC of the first (edge case 110)."""
    options = {"preset": "ultrafast", "tune": "zerolatency"}
    encoded = [
        split_annexb(frame)
        for width, height in ((320, 180), (180, 320))
        for frame in encode_video("libx264", 4, width=width, height=height, options=options)
    ]
    packets = packets_of(packetized([packetize(units, 1200) for units in encoded]))
    frames = join_frames(packets, depacketize(packets))
    assert frames == [avcc(*units) for units in encoded]
    reader = H264Keyframes()
    keys = [reader.read(frame, at, after_loss=False) for at, frame in enumerate(frames)]
    assert keys == [True, False, False, False] * 2
    assert reader.sizes == [(0, 320, 180), (4, 180, 320)]
    pictures = decode("h264", frames, reader.configuration)
    sizes = [(picture.width, picture.height) for picture in pictures]
    assert sizes == [(320, 180)] * 4 + [(180, 320)] * 4


def test_a_recovery_point_is_no_entry() -> None:
    """An I picture that is no IDR: what follows may refer to before it (edge case 111)."""
    packets = packets_of(packetized([[SPS, PPS, RECOVERY_POINT, I_SLICE]]))
    media = depacketize(packets)
    assert not media.keyframe.any()
    reader = H264Keyframes()
    assert not reader.read(join_frames(packets, media)[0], 0, after_loss=False)
    assert read(reader, IDR)  # what came with it is known all the same


def test_sets_that_no_avcc_can_hold_are_as_good_as_none() -> None:
    reader = H264Keyframes()
    assert read(reader, SPS, PPS + bytes(70_000), PPS, numbered_pps(255, 0), IDR)
    assert reader.configuration == CONFIGURATION
    reader = H264Keyframes()
    assert not read(reader, SPS + bytes(70_000), PPS, IDR)


def test_the_set_in_use_comes_first_in_the_configuration() -> None:
    writer = BitWriter()
    for byte in (0x67, 66, 0xC0, 31):
        writer.u(8, byte)
    writer.ue(1, 0, 2, 1)  # SPS 1
    writer.u(1, 0)
    writer.ue(39, 21)
    for bit in (1, 1, 0, 0):
        writer.u(1, bit)
    other, pps = writer.nal(), numbered_pps(0, 1)
    reader = H264Keyframes([BIG_SPS, other])
    assert read(reader, pps, IDR)
    assert reader.sizes == [(90_000, 640, 352)]
    assert reader.configuration == parameters.decoder_configuration([other, BIG_SPS], [pps])


def test_frames_decode_behind_the_configuration_from_any_entry() -> None:
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "5"}
    frames = [avcc(*split_annexb(f)) for f in encode_video("libx264", 12, options=options)]
    reader = H264Keyframes()
    keys = [reader.read(frame, n, after_loss=False) for n, frame in enumerate(frames)]
    entries = [n for n, key in enumerate(keys) if key]
    assert entries == [0, 5, 10]
    for entry in entries:
        assert len(decode("h264", frames[entry:], reader.configuration)) == 12 - entry
