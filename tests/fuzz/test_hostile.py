"""Calls that nobody would hold but to do harm: what can be played is in files that are sound."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from isotrack.codecs import opus
from isotrack.media.silence import LONGEST_HOLE_US
from isotrack.recording.errors import NothingPlayable
from isotrack.recording.files import RecordingFile
from isotrack.recording.manifest import CapturedTrack
from isotrack.recording.tracks import TrackType
from isotrack.rtp.header import write_header
from isotrack.rtp.red import MAX_COPIES
from tests.ebml_reader import Matroska
from tests.fuzz.files import check_file, check_players, frames_of
from tests.fuzz.folders import capture
from tests.fuzz.remuxing import CHUNK_US, SSRC, VOICE_SSRC, recorded
from tests.isotrack.pipeline.remuxing import made
from tests.sessions import START_US, Datagram, Session, opus_call, rtp, vp8_call

SECOND_US = 1_000_000
YEAR_US = 365 * 24 * 3600 * SECOND_US
MEGABYTE = 1 << 20

pytestmark = pytest.mark.slow  # a minute and a half of them


@contextmanager
def memory_below(limit: int) -> Iterator[None]:
    """Nothing within takes more memory than that."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit


def video_session(datagrams: Sequence[Datagram], codec: str = "vp8", **about: object) -> Session:
    session = Session()
    named = {"mime_type": f"video/{codec}", "ssrc": None} | about
    capture(session, datagrams, CHUNK_US, track_type=TrackType.VIDEO, **named)
    return session


def audio_session(datagrams: Sequence[Datagram], **about: object) -> Session:
    session = Session()
    capture(session, datagrams, CHUNK_US, track_type=TrackType.AUDIO, **about)
    return session


def files_of(session: Session, longest_ms: int) -> list[tuple[RecordingFile, Matroska]]:
    """All files, found right and played."""
    session.seal()
    found = []
    for file in made(session):
        found.append((file, check_file(session.store, file, longest_ms)))
        if file.duration_ms < 60_000:
            check_players(session.store.objects[file.key], is_damaged=True)
    return found


def changed(
    datagrams: Sequence[Datagram], change: Callable[[int, bytearray], None]
) -> list[Datagram]:
    """The packets, something written into the bytes of each."""
    found = []
    for i, each in enumerate(datagrams):
        data = bytearray(each.data)
        change(i, data)
        found.append(each._replace(data=bytes(data)))
    return found


def test_pictures_that_all_have_one_timestamp_are_one_picture_or_none() -> None:
    def freeze(_: int, data: bytearray) -> None:
        data[4:8] = b"\0\0\1\0"

    try:
        found = files_of(video_session(changed(recorded("vp8").video, freeze)), 5000)
    except NothingPlayable:
        return
    assert all(len(matroska.blocks) == 1 for _, matroska in found)


def test_sound_that_all_has_one_timestamp_is_no_longer_than_it_took() -> None:
    def freeze(_: int, data: bytearray) -> None:
        data[4:8] = b"\0\0\1\0"

    ((file, matroska),) = files_of(audio_session(changed(opus_call(2), freeze)), 5000)

    assert file.duration_ms < 5000
    assert len(matroska.blocks) >= 1


def test_padding_alone_is_nothing_playable() -> None:
    padding = [
        Datagram(
            START_US + i * 1000, b"\xa0" + write_header(96, i, i, SSRC, False)[1:] + b"\0\0\0\4"
        )
        for i in range(5000)
    ]

    with pytest.raises(NothingPlayable, match="no packet"):
        files_of(video_session(padding), 0)


def test_a_new_ssrc_in_each_of_65536_packets_takes_nothing_from_who_sends_media() -> None:
    garbage = [
        rtp(1, i, b"\x10\x11\0\0", arrival_us=START_US + 10 * i, ssrc=100_000 + i)
        for i in range(65_536)
    ]
    call = vp8_call(1)

    with memory_below(96 * MEGABYTE):
        found = files_of(
            video_session(sorted([*garbage, *call], key=lambda d: d.arrival_us)), 40_000
        )

    wanted = {each.data[13:] for each in call if each.data[12] & 0x10}
    for frames in frames_of(found, "video"):
        assert sum(any(frame.startswith(start) for start in wanted) for frame in frames) >= 25


def test_sound_of_too_many_ssrcs_gives_no_more_tracks_than_a_file_can_have() -> None:
    crowd = [
        rtp(
            n,
            960 * n,
            b"\xfc\xff\xfe",
            arrival_us=START_US + 20_000 * n + i,
            payload_type=111,
            ssrc=i,
        )
        for n in range(60)
        for i in range(100, 300)
    ]

    found = files_of(audio_session(crowd), 40_000)

    assert 1 <= len(found[0][1].tracks) <= 127


def test_random_sequence_numbers_end() -> None:
    dice = random.Random(1)

    def renumber(_: int, data: bytearray) -> None:
        data[2:4] = dice.randbytes(2)

    for session in (
        video_session(changed(vp8_call(20), renumber)),
        audio_session(changed(opus_call(60), renumber)),
    ):
        try:
            assert files_of(session, 90_000)
        except NothingPlayable:
            continue


@pytest.mark.parametrize("years", [-10, -1, 1, 10])
def test_arrivals_that_leap_by_years_make_no_fill_of_years(years: int) -> None:
    call = opus_call(4)
    leapt = [
        each._replace(arrival_us=each.arrival_us + years * YEAR_US * (i >= 100))
        for i, each in enumerate(call)
    ]

    found = files_of(audio_session(leapt), 11 * YEAR_US // 1000)

    for _, matroska in found:
        assert len(matroska.blocks) < 1000
        sound = {block.frame for block in matroska.blocks}
        assert sum(each.data[12:] in sound for each in call) >= 199


def test_arrivals_that_leap_by_a_day_are_filled_at_most_once_a_day() -> None:
    call = opus_call(1)
    leapt = [
        each._replace(arrival_us=each.arrival_us + i // 10 * (LONGEST_HOLE_US + SECOND_US))
        for i, each in enumerate(call)
    ]

    for file, _ in files_of(audio_session(leapt), 6 * LONGEST_HOLE_US // 1000):
        assert file.size_bytes < 200_000


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_packets_that_all_came_at_once_play_by_their_timestamps(kind: str) -> None:
    call = opus_call(2) if kind == "audio" else vp8_call(2)
    at_once = [each._replace(arrival_us=START_US) for each in call]
    session = (audio_session if kind == "audio" else video_session)(at_once)

    ((file, matroska),) = files_of(session, 2100)

    assert file.duration_ms == pytest.approx(2000, abs=50)
    assert len(matroska.blocks) == (100 if kind == "audio" else 60)


@pytest.mark.parametrize("ticks", [2**31, 2**31 - 1, 90_000 * 50, -90_000 * 50])
@pytest.mark.parametrize("kind", ["audio", "video"])
def test_one_wild_timestamp_costs_its_own_frames_and_no_time(kind: str, ticks: int) -> None:
    call = opus_call(3) if kind == "audio" else vp8_call(3, packets=1)

    def retime(i: int, data: bytearray) -> None:
        if i == 45:
            timestamp = int.from_bytes(data[4:8], "big") + ticks
            data[4:8] = (timestamp % 2**32).to_bytes(4, "big")

    session = (audio_session if kind == "audio" else video_session)(changed(call, retime))

    ((file, matroska),) = files_of(session, 3100)

    assert file.duration_ms == pytest.approx(3000, abs=50)
    frames = [block.frame for block in matroska.blocks]
    lost = 1 if kind == "audio" else 15  # up to the next keyframe
    assert sum(each.data[12 + (kind == "video") :] in frames for each in call) >= len(call) - lost


def bombs() -> dict[str, tuple[str, bytes]]:
    """Payloads of one packet that say they hold as much as they can."""
    tiny = b"\0\1\x09" * 10_000
    return {
        "STAP-A": ("h264", b"\x78" + tiny),
        "STAP-A of empty units": ("h264", b"\x78" + bytes(60_000)),
        "AP": ("h265", b"\x60\x01" + b"\0\2\x46\x01" * 10_000),
        "OBU elements": ("av1", b"\0" + b"\1\x12" * 20_000),
        "empty OBU elements": ("av1", b"\0" + bytes(60_000)),
        "one OBU of OBUs": ("av1", b"\x10" + b"\x12\0" * 30_000),
        "VP9 structure": ("vp9", b"\x8a\xff" + b"\xff" * 60_000),
        "VP8 extensions": ("vp8", b"\x90\xff" + b"\xff" * 60_000),
    }


@pytest.mark.parametrize("name", bombs())
def test_packets_of_thousands_of_units_cost_what_they_weigh(name: str) -> None:
    codec, payload = bombs()[name]
    call = recorded(codec).video
    bomb = [
        rtp(
            int.from_bytes(call[-1].data[2:4], "big") + 1 + i,
            10**6 + i // 2,
            payload,
            arrival_us=call[-1].arrival_us + i,
            ssrc=SSRC,
        )
        for i in range(20)
    ]

    with memory_below(96 * MEGABYTE):
        found = files_of(video_session([*call, *bomb], codec), 40_000)

    assert found[0][0].size_bytes < 4 * MEGABYTE
    (frames,) = frames_of(found, "video")[:1]
    assert [f for f in recorded(codec).frames[:16] if f not in frames] == []


def test_redundancy_that_says_it_holds_thousands_of_copies_costs_what_it_weighs() -> None:
    call = opus_call(1)
    last = int.from_bytes(call[-1].data[2:4], "big")
    most = bytes([0x80 | 111, 0, 4, 1]) * MAX_COPIES + bytes([111]) + b"\xfc" * (MAX_COPIES + 1)
    more = bytes([0x80 | 111, 0, 4, 0]) * 15_000 + bytes([111])
    bomb = [
        rtp(
            last + 1 + i,
            960 * (60 + i),
            payload,
            arrival_us=call[-1].arrival_us + i,
            payload_type=63,
            ssrc=VOICE_SSRC,
        )
        for i, payload in enumerate([most, more] * 1000)
    ]

    with memory_below(200 * MEGABYTE):
        found = files_of(audio_session([*call, *bomb], red={"payload_type": 63}), 120_000)

    (frames,) = frames_of(found, "audio")
    assert {each.data[12:] for each in call} <= set(frames)


def test_parity_that_says_it_protects_all_that_there_is_costs_what_it_weighs() -> None:
    call = vp8_call(1)
    last = int.from_bytes(call[-1].data[2:4], "big")
    parity = (
        bytes.fromhex("40000000000000000000") + b"\xff\xff\xff\xff\xff\xff\xff\xff" + bytes(500)
    )
    bomb = [
        rtp(
            last + 1 + i,
            0,
            parity[:2] + i.to_bytes(2, "big") + parity[4:],
            arrival_us=START_US + i,
            payload_type=99,
            ssrc=1234,
        )
        for i in range(4000)
    ]
    fec = {"mechanism": "ulpfec", "payload_type": 99}

    with memory_below(96 * MEGABYTE):
        found = files_of(video_session([*bomb, *call], fec=fec), 40_000)

    assert found


@pytest.mark.parametrize("size", [1, 12, 13])
def test_chunks_of_8192_packets_of_next_to_nothing(size: int) -> None:
    crumbs = [
        Datagram(
            START_US + i,
            (write_header(111, i & 0xFFFF, 960 * i % 2**32, 5678, False) + b"\xfc")[:size],
        )
        for i in range(5 * 8192)
    ]

    with memory_below(96 * MEGABYTE):
        session = audio_session(crumbs)
        if size < 13:
            with pytest.raises(NothingPlayable):
                files_of(session, 0)
        else:
            assert files_of(session, 5 * 8192 * 20 + 1000)


def test_chunks_listed_twice_play_once() -> None:
    session = audio_session(call := opus_call(3))
    (track,) = session.tracks
    twice = tuple(chunk for each in track.chunks for chunk in (each, each))
    session.tracks[0] = CapturedTrack(track=track.track, chunks=(*twice, *twice))

    ((file, matroska),) = files_of(session, 3100)

    assert [block.frame for block in matroska.blocks] == [each.data[12:] for each in call]
    assert file.duration_ms == 3000


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_chunks_in_any_order_end_and_lose_no_file(kind: str) -> None:
    """Time that goes to and fro between chunks."""
    call = opus_call(6) if kind == "audio" else vp8_call(6)
    session = (audio_session if kind == "audio" else video_session)(call)
    (track,) = session.tracks
    chunks = list(track.chunks)
    random.Random(3).shuffle(chunks)
    session.tracks[0] = CapturedTrack(track=track.track, chunks=tuple(chunks))

    assert files_of(session, 41_000)


def test_sound_in_packets_of_2_and_a_half_milliseconds() -> None:
    short = b"\xe0" + b"\xff\xfe"  # CELT, fullband, 2.5 ms
    assert opus.CLOCK_RATE == 48_000
    call = [
        rtp(
            n & 0xFFFF,
            120 * n,
            short + bytes([n % 251]),
            arrival_us=START_US + 2500 * n,
            payload_type=111,
            ssrc=VOICE_SSRC,
        )
        for n in range(8000)
    ]

    ((file, matroska),) = files_of(audio_session(call), 20_100)

    assert file.duration_ms == 20_000
    assert [block.frame for block in matroska.blocks] == [each.data[12:] for each in call]


def test_a_million_pictures_a_second_do_not_make_a_long_file() -> None:
    frame = b"\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" + bytes(20)
    call = [rtp(n & 0xFFFF, n, frame, arrival_us=START_US + n, marker=True) for n in range(20_000)]

    ((file, matroska),) = files_of(video_session(call, clock_rate=1_000_000), 21_000)

    assert len(matroska.blocks) == 20_000
    assert max(block.time_ms for block in matroska.blocks) <= 21
    assert file.duration_ms <= 21
    assert file.size_bytes < 2 * MEGABYTE
