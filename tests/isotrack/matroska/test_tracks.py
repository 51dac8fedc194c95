"""Track entries that cannot be are refused; what they hold is read back in test_writer."""

from __future__ import annotations

import pytest

from isotrack.matroska.tracks import TrackEntry, avc, opus, vp8
from tests.ebml_reader import read_elements

CAMERA = vp8(1, 11, 320, 240)
MICROPHONE = opus(2, 22, 2, b"OpusHead")


@pytest.mark.parametrize(
    ("track", "message"),
    [
        (CAMERA._replace(number=0), "track number 0"),
        (CAMERA._replace(number=127), "track number 127"),
        (CAMERA._replace(uid=0), "no UID"),
        (CAMERA._replace(uid=1 << 64), "unsigned integer"),
        (CAMERA._replace(kind="subtitle"), "subtitle"),
        (CAMERA._replace(height=0), "no picture size"),
        (CAMERA._replace(codec_id="V_ÜP8"), "ASCII"),
        (MICROPHONE._replace(channels=0), "no channels"),
        (MICROPHONE._replace(sampling_frequency=0.0), "no sampling frequency"),
        (MICROPHONE._replace(default_duration_ns=-1), "-1"),
    ],
)
def test_a_track_that_cannot_be_is_refused(track: TrackEntry, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        track.encode()


def test_every_field_is_written() -> None:
    track = avc(126, (1 << 64) - 1, 1280, 720, b"\x01avcC", name="Bildschirm")._replace(
        codec_delay_ns=6_500_000, default_duration_ns=40_000_000
    )
    element = track.encode()
    (entry,) = read_elements(element, 0, len(element))
    fields = {child.name: child.value for child in entry.children if not child.children}
    assert fields == {
        "TrackNumber": 126,
        "TrackUID": (1 << 64) - 1,
        "TrackType": 1,
        "FlagLacing": 0,
        "Language": "und",
        "Name": "Bildschirm",
        "CodecID": "V_MPEG4/ISO/AVC",
        "CodecPrivate": b"\x01avcC",
        "DefaultDuration": 40_000_000,
        "CodecDelay": 6_500_000,
    }
    video = {child.name: child.value for child in entry.one("Video").children}
    assert video == {"FlagInterlaced": 2, "PixelWidth": 1280, "PixelHeight": 720}
