from __future__ import annotations

import numpy as np
import pytest

from isotrack.codecs.h265 import depacketize, packetize, split_annexb
from isotrack.codecs.h265_keyframes import H265Keyframes
from isotrack.codecs.h265_pictures import LeadingPictures, carries_picture, carries_rasl
from tests.frames import encode_video, join_frames
from tests.nal import decode
from tests.packets import packetized, packets_of

VPS, SPS, PPS, SEI = b"\x40\x01v", b"\x42\x01s", b"\x44\x01p", b"\x4e\x01s"
IDR, DELTA, RASL = b"\x28\x01\xaf", b"\x02\x01\xd0", b"\x10\x01\xd0"


def aggregate(*units: bytes) -> bytes:
    return b"\x60\x01" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def marks(*payloads: bytes, with_donl: bool = False) -> list[bool]:
    packets = packets_of(packetized([[payload] for payload in payloads]))
    before = packets.buffer.copy()
    found = carries_picture(packets, with_donl=with_donl)
    assert (packets.buffer == before).all()
    return found.tolist()


@pytest.mark.parametrize("kind", [0, 1, 9, 16, 21, 31])
def test_slice_segments_are_pictures_however_they_are_sent(kind: int) -> None:
    whole = bytes((kind << 1, 1, 0x80))
    fragment = bytes((0x62, 1, 0x80 | kind))
    assert marks(whole, fragment, aggregate(VPS, SEI, whole)) == [True] * 3


@pytest.mark.parametrize("unit", [VPS, SPS, PPS, SEI, b"\x46\x01\x50", b"\x48\x01", b"\x50\x01x"])
def test_what_pictures_need_is_none(unit: bytes) -> None:
    fragment = b"\x62\x01" + bytes((0x80 | unit[0] >> 1,)) + b"x"
    assert marks(unit, fragment, aggregate(unit, PPS), b"") == [False] * 4


def test_a_paci_packet_may_be_a_picture() -> None:
    """So it counts as a frame left out, and spoils none but it (edge case 121)."""
    assert marks(b"\x64\x01\x00\x00", VPS) == [True, False]


@pytest.mark.parametrize("payload", [b"\x60", b"\x60\x01\x00", b"\x60\x01\0\x09\x28", b"\x62\x01"])
def test_damaged_packets_carry_nothing_and_break_nothing(payload: bytes) -> None:
    assert marks(payload, IDR) == [False, True]


def test_decoding_order_numbers_are_stepped_over() -> None:
    """Where the session has them (edge case 127)."""
    sent = b"\x60\x01\xab\xcd" + b"\0\3" + VPS + b"\x01" + b"\0\3" + IDR
    assert marks(sent, with_donl=True) == [True]


def test_rasl_pictures_go_with_the_entry_they_follow_and_state_is_carried() -> None:
    """One mark for each frame: entry, RASL, delta (edge case 124)."""
    frames = "ERDERRDER"
    rasl, entry = (np.array([each == kind for each in frames]) for kind in "RE")
    anew = np.zeros(9, np.bool_)
    anew[[0, 7]] = True
    wanted = [False, True] + [False] * 6 + [True]
    assert LeadingPictures().undecodable(rasl, entry, anew).tolist() == wanted
    for cut in range(10):
        leading = LeadingPictures()
        parts = [
            leading.undecodable(*(column[part] for column in (rasl, entry, anew)))
            for part in (slice(cut), slice(cut, None))
        ]
        assert np.concatenate(parts).tolist() == wanted


def open_gop() -> list[bytes]:
    """Frames of x265 whose keyframes are CRA pictures with RASL pictures behind them."""
    params = "log-level=none:open-gop=1:keyint=8:min-keyint=8:bframes=3:scenecut=0:frame-threads=1"
    options = {"preset": "ultrafast", "x265-params": params + ":repeat-headers=1"}
    return list(encode_video("libx265", 32, options=options))


def test_after_a_loss_rasl_pictures_are_left_out_and_all_others_decode_as_sent() -> None:
    """A CRA picture as an entry: no picture smears (edge case 124)."""
    encoded = open_gop()
    packets = packets_of(packetized([packetize(split_annexb(f), 1200) for f in encoded]))
    begins = np.flatnonzero(np.diff(packets.timestamp.astype(np.int64), prepend=-1) != 0)
    rasl = np.logical_or.reduceat(carries_rasl(packets), begins)
    frames = join_frames(packets, depacketize(packets))
    reader = H265Keyframes()
    entry = np.array([reader.read(f, n, after_loss=False) for n, f in enumerate(frames)])
    keys = np.flatnonzero(entry)
    assert len(keys) > 2
    assert rasl[keys[1] : keys[2]].any()

    # Everything from the second frame on is lost, up to the third keyframe.
    kept = np.ones(len(frames), np.bool_)
    kept[2 : keys[2]] = False
    anew = entry & np.concatenate(([True], ~kept[:-1]))
    kept &= ~LeadingPictures().undecodable(rasl, entry, anew)
    assert not kept[keys[2] :].all()

    sent = {picture.pts: picture.to_ndarray() for picture in decode("hevc", encoded)}
    assert len(sent) == len(encoded)
    places = np.flatnonzero(kept)
    shown = decode("hevc", [frames[place] for place in places], reader.configuration)
    assert len(shown) == len(places)
    for picture in shown:
        assert picture.pts is not None
        assert (picture.to_ndarray() == sent[places[picture.pts]]).all()
