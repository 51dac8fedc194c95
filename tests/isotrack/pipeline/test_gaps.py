from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import av
import numpy as np
import pytest

from isotrack.adapters.blackening import black_pictures
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.codecs import av1, h265, vp9
from isotrack.codecs.nal import split_annexb
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.ports import BlackPictures, NoPicture
from isotrack.pipeline.remux import remux
from isotrack.pipeline.survey import survey
from isotrack.recording.options import RemuxOptions
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import TrackType
from tests.ebml_reader import read_matroska
from tests.layers import PAYLOAD_TYPES, SSRCS, Codec, layer
from tests.sessions import (
    START_US,
    Datagram,
    Sender,
    Session,
    delayed,
    opus_call,
    opus_packet,
    vp8_call,
)

BOTH, PICTURE, SOUND = OutputType.AUDIO_VIDEO, OutputType.VIDEO_ONLY, OutputType.AUDIO_ONLY
MIMES = {"vp8": "video/VP8", "h264": "video/H264"}
DAY_US = 24 * 3600 * 1_000_000
BLACK = RemuxOptions(video_gaps="black")


class Picture(NamedTuple):
    ms: int
    luma: float
    size: tuple[int, int]

    @property
    def is_black(self) -> bool:
        return self.luma < 2


class Nothing:
    """An encoder that makes no picture of any size."""

    def frame(self, codec: str, width: int, height: int) -> bytes:
        raise NoPicture("none")


def call(
    pictures: Sequence[Datagram], sound: Sequence[Datagram] = (), *, codec: Codec = "vp8"
) -> Session:
    session = Session(output_types=(BOTH,))
    about = {"payload_type": PAYLOAD_TYPES[codec], "mime_type": MIMES[codec]}
    session.capture(TrackType.VIDEO, pictures, **about)
    if sound:
        session.capture(TrackType.AUDIO, sound)
    session.seal()
    return session


def made(
    session: Session,
    options: RemuxOptions | None = None,
    pictures: BlackPictures | None = None,
    output: OutputType = BOTH,
) -> bytes:
    session.output_types = (output,)
    session.seal()
    store = MemoryStore()
    (file,) = remux(
        session.job(),
        raw=session.store,
        recordings=store,
        checksum=crc32c_of,
        options=options,
        black_pictures=pictures or black_pictures(),
    ).files
    return store.objects[file.key]


def decoded(body: bytes, from_ms: int = 0) -> list[Picture]:
    """The pictures from a time on; the decoder gives up at the first error."""
    found = []
    with av.open(io.BytesIO(body)) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        if from_ms:
            container.seek(from_ms * 1000)
        for frame in container.decode(stream):
            luma = float(frame.to_ndarray(format="gray").mean())
            assert frame.time is not None
            found.append(Picture(round(frame.time * 1000), luma, (frame.width, frame.height)))
    return found


def blacks(body: bytes) -> list[int]:
    return [picture.ms for picture in decoded(body) if picture.is_black]


def lane_times(body: bytes, number: int) -> list[int]:
    return [block.time_ms for block in read_matroska(body).blocks if block.track == number]


def merged(session: Session, options: RemuxOptions) -> LaneMerger:
    chunks = ChunkReader(session.store, crc32c_of)
    found = survey(session.tracks, chunks)
    start_us = min(lane.start_us for lane in found.lanes)
    merger = LaneMerger(found, chunks, start_us, None, options, black_pictures())
    list(merger.windows())
    return merger


def with_gap(codec: Codec = "vp8") -> list[Datagram]:
    """A camera for 2 s, nothing for 4, then a keyframe and 2 s more, a picture of 66.7 ms each."""
    return layer("m", [*range(1, 30), *range(90, 120)], [1, 90], codec=codec)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_the_last_picture_stands_unless_black_is_asked_for(codec: Codec) -> None:
    session = call(with_gap(codec), codec=codec)

    hold, black = made(session, output=PICTURE), made(session, BLACK, output=PICTURE)

    assert blacks(hold) == []
    assert [b.frame for b in read_matroska(hold).blocks] == [
        b.frame for b in read_matroska(black).blocks if b.time_ms not in blacks(black)
    ]
    # The last picture before the gap is number 29, at 28 frames, and is shown for one.
    (at_ms,) = blacks(black)
    assert at_ms in range(1930, 1937)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_what_follows_black_is_decoded_as_it_was_from_wherever_it_is_begun(codec: Codec) -> None:
    session = call(with_gap(codec), codec=codec)
    hold, black = made(session, output=PICTURE), made(session, BLACK, output=PICTURE)

    expected = decoded(hold)
    assert [p for p in decoded(black) if not p.is_black] == expected
    sought = decoded(black, from_ms=6500)
    assert sought[0].ms <= 6500
    assert [p for p in sought if not p.is_black] == expected[-len(sought) :]
    within = decoded(black, from_ms=4000)
    assert within[0].is_black
    assert within[1:] == expected[-30:]
    assert {picture.size for picture in decoded(black)} == {(192, 128)}


def renumbered(packets: Sequence[Datagram]) -> list[Datagram]:
    """The packets of one SSRC as if nothing were missing between them, on the clock of the first.

    Of each, the RTP timestamp is that of the picture it came with.
    """
    first = packets[0]
    found = []
    for number, each in enumerate(packets):
        data = bytearray(each.data)
        ticks = (each.arrival_us - first.arrival_us) * 15 // 1_000_000 * 6000
        data[2:4] = (number & 0xFFFF).to_bytes(2, "big")
        data[4:8] = ticks.to_bytes(4, "big")
        found.append(each._replace(data=bytes(data)))
    return found


def test_a_picture_behind_a_gap_that_needs_the_one_before_keeps_it() -> None:
    """A screen that stood still: nothing is missing, and the next picture is no keyframe."""
    frames = layer("m", range(1, 60), [1])
    session = call(
        renumbered(
            [
                each if each.arrival_us < START_US + 2_010_000 else delayed(each, 4_000_000)
                for each in frames
            ]
        )
    )

    body = made(session, BLACK, output=PICTURE)
    merger = merged(session, BLACK)

    assert len(read_matroska(body).blocks) == 59
    assert blacks(body) == []
    (filler,) = merger.black
    assert filler is not None
    assert filler.filled.count == 0
    assert filler.held.count == 1


def test_a_short_gap_stays() -> None:
    session = call(layer("m", [*range(1, 30), *range(58, 90)], [1, 58]))

    assert blacks(made(session, BLACK, output=PICTURE)) == []


def test_the_intervals_of_black_are_known() -> None:
    session = call(with_gap())

    merger = merged(session, BLACK)

    (filler,) = merger.black
    assert filler is not None
    ((start_us, end_us),) = filler.filled.listed().tolist()
    assert abs((start_us - START_US) / 1000 - 2020) < 5
    assert abs((end_us - START_US) / 1000 - 6020) < 5
    assert filler.held.count == 0
    assert merged(session, RemuxOptions()).black == [None]


def test_an_encoder_that_has_no_such_picture_leaves_the_last_one() -> None:
    session = call(with_gap())

    assert made(session, BLACK, Nothing()) == made(session)


def test_all_tracks_begin_and_end_with_the_presence_of_the_participant() -> None:
    """Sound from 0 to 12 s, pictures from 3 to 6: black before and after, with `black`."""
    pictures = layer("m", range(45, 90), [45])
    session = call(pictures, opus_call(12))

    hold, black = made(session), made(session, BLACK)

    # Sound is placed half a packet before it came.
    assert blacks(hold) == []
    assert lane_times(hold, 1)[0] in range(3000, 3030)
    first, second, last = blacks(black)
    assert first == 0
    assert second in range(6000, 6030)
    assert last in range(11_880, 12_000)
    assert len(lane_times(black, 1)) == 48
    assert lane_times(black, 2) == lane_times(hold, 2)


def test_black_leads_nothing_in_where_the_picture_is_alone() -> None:
    session = call(layer("m", range(45, 90), [45]), opus_call(12))

    alone = made(session, BLACK, output=PICTURE)

    assert not decoded(alone)[0].is_black


def test_sound_is_led_in_and_padded_with_presence_and_not_with_media() -> None:
    """Pictures from 0 to 10 s, sound from 3 to 7 with a hole of 2 s in it."""
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(1, sender=sender, start_us=START_US + 3_000_000, timestamp=0)
    opus_call(1, sender=sender, start_us=START_US + 6_000_000, timestamp=144_000, first=50)
    session = call(vp8_call(10), sender.sent)

    presence = made(session)
    media = made(session, RemuxOptions(track_span="media"))

    assert lane_times(presence, 1) == lane_times(media, 1)
    assert lane_times(presence, 2)[0] == 0
    assert lane_times(presence, 2)[-1] >= 9920
    assert lane_times(media, 2)[0] in range(2990, 3010)
    assert lane_times(media, 2)[-1] in range(6970, 6990)
    for body in (presence, media):
        times = lane_times(body, 2)
        assert max(b - a for a, b in pairwise(times)) <= 21
        frames = [block.frame for block in read_matroska(body).blocks if block.track == 2]
        assert [frame for frame in frames if len(frame) > 10] == [
            opus_packet(i) for i in range(100)
        ]


def test_with_media_a_file_still_begins_with_the_first_of_its_tracks() -> None:
    session = call(
        vp8_call(4, start_us=START_US + 5_000_000), opus_call(4, start_us=START_US + 2_000_000)
    )
    options = RemuxOptions(track_span="media", video_gaps="black")

    both, alone = made(session, options), made(session, options, output=PICTURE)

    assert lane_times(both, 2)[0] == 0
    assert lane_times(both, 1)[0] in range(2990, 3010)
    assert lane_times(alone, 1)[0] == 0
    assert len(lane_times(both, 1)) == len(lane_times(alone, 1)) == 120


def test_a_hole_of_more_than_a_day_is_not_filled_but_noted() -> None:
    """A clock that leapt makes no file of gigabytes, and takes no time."""
    later = START_US + 30 * DAY_US
    sound = [*opus_call(2), *opus_call(2, sender=Sender(111, 99), start_us=later, first=100)]
    pictures = [
        *vp8_call(2),
        *vp8_call(2, sender=Sender(ssrc=98), start_us=later),
    ]
    session = call(pictures, sound)

    body = made(session, BLACK, Nothing())
    merger = merged(session, BLACK)

    assert len(body) < 200_000
    assert len(lane_times(body, 2)) == 200
    filler, black = merger.fillers[1], merger.black[0]
    assert filler is not None
    assert filler.holes == []
    assert filler.unfilled.count == 1
    assert black is not None
    assert black.filled.count == 0
    assert black.held.count == 1


def test_silence_does_not_follow_a_picture_that_leapt_for_days() -> None:
    later = START_US + 3 * DAY_US
    pictures = [*vp8_call(2), *vp8_call(2, sender=Sender(ssrc=98), start_us=later)]
    session = call(pictures, opus_call(2))

    assert len(lane_times(made(session), 2)) == 100
    filler = merged(session, RemuxOptions()).fillers[1]
    assert filler is not None
    assert filler.unfilled.count == 1


def test_black_is_of_the_size_that_was_shown() -> None:
    """A camera that was small goes on large, in the same stream."""
    small, large = layer("l", range(1, 30)), layer("h", range(90, 120), ssrc=SSRCS["l"])
    session = call(renumbered([*small, *large]))

    (black,) = [p for p in decoded(made(session, BLACK, output=PICTURE)) if p.is_black]

    assert black.size == (96, 64)


ENCODERS = {
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "h265": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x265-params": "repeat-headers=1:annexb=1:keyint=20:log-level=none:bframes=0",
        },
    ),
    "av1": ("libsvtav1", {"preset": "10", "svtav1-params": "pred-struct=1:lp=1"}),
}


def brightening(codec: str) -> list[bytes]:
    """Forty frames, each a little brighter than the one before, the 1st and 21st keyframes."""
    encoder, options = ENCODERS[codec]
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 192, 128, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.options, context.gop_size = options, 20
    frames: list[bytes] = []
    for number in range(40):
        gray = np.full((192, 192), 100 + 2 * number, np.uint8)
        picture = av.VideoFrame.from_ndarray(gray, format="yuv420p")
        picture.pts = number
        frames += map(bytes, context.encode(picture))
    frames += map(bytes, context.encode(None))
    assert len(frames) == 40
    return frames


def payloads(codec: str, number: int, frame: bytes) -> list[bytes]:
    if codec == "vp9":
        return vp9.packetize(frame, number, 500, vp9.Place(inter_picture=number % 20 > 0))
    if codec == "av1":
        return av1.packetize(frame, 500)
    return h265.packetize(split_annexb(frame), 500)


@pytest.mark.parametrize("codec", ENCODERS)
def test_black_is_among_pictures_of_other_codecs_too(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVT_LOG", "1")
    sender = Sender()
    for number, frame in enumerate(brightening(codec)):
        at = number if number < 20 else number + 80
        arrival_us = START_US + at * 1_000_000 // 30 + 2000
        sender.send(at * 3000, *payloads(codec, number, frame), arrival_us=arrival_us)
    session = Session(output_types=(PICTURE,))
    session.capture(TrackType.VIDEO, sender.sent, mime_type=f"video/{codec.upper()}")

    body = made(session, BLACK, output=PICTURE)

    pictures = decoded(body)
    assert [p.is_black for p in pictures] == [number == 20 for number in range(41)]
    assert pictures[20].ms in range(660, 672)
    shown = [p.luma for p in pictures if not p.is_black]
    assert all(0.5 < b - a < 4.5 for a, b in pairwise(shown))
    sought = decoded(body, from_ms=3500)
    assert sought[-19:] == pictures[-19:]
