from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.pipeline.remux import remux
from isotrack.recording.manifest import SealReason
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.sidecar_tracks import FileTrack, Interval, Stretch
from isotrack.recording.tracks import TrackType
from isotrack.rtp import audio_level, video_orientation
from tests.sessions import (
    START_US,
    Datagram,
    Sender,
    Session,
    delayed,
    opus_call,
    opus_packet,
    report,
    rtp,
    vp8_call,
    vp8_frame,
    vp8_payloads,
)

SECONDS = 60
PPM = 80
AHEAD_US = 3_500_000
LEVEL_ID, ROTATION_ID = 1, 13
AUDIO_SSRC, VIDEO_SSRC = 5678, 1234
SPEECH_S = ((5, 9), (41, 44))
MUTED_S, DTX_S, LOST_S, CAMERA_OFF_S = (20, 25), (30, 34), (50, 50.2), (40, 46)
LOST_FRAME, KEYFRAME_EVERY = 300, 60


def extended(datagram: Datagram, identifier: int, value: int) -> Datagram:
    """The packet with a header extension of one byte (RFC 8285)."""
    data = datagram.data
    extension = bytes([0xBE, 0xDE, 0, 1, identifier << 4, value, 0, 0])
    return datagram._replace(data=bytes([data[0] | 0x10]) + data[1:12] + extension + data[12:])


def within(at_s: float, *stretches: tuple[float, float]) -> bool:
    return any(start <= at_s < end for start, end in stretches)


def level(at_s: float) -> int:
    """What a packet says of itself: a voice at -25 dBov, or a quiet room."""
    return 0x80 | 25 if within(at_s, *SPEECH_S) else 80


def ticks(at_s: float, rate: int) -> int:
    """RTP time of a clock that is fast."""
    return 2**32 - rate + round(at_s * rate * (1 + PPM / 1e6))


def sound() -> list[Datagram]:
    """A minute: somebody speaks twice, is muted, is silent with DTX, and ten packets are lost."""
    sent = []
    sequence = 65_000
    for i in range(SECONDS * 50):
        at_s = i / 50
        if within(at_s, MUTED_S) or (within(at_s, DTX_S) and i % 20):
            continue
        sequence += 1
        if within(at_s, LOST_S):
            continue
        packet = rtp(
            sequence,
            ticks(at_s, 48_000),
            opus_packet(i),
            arrival_us=START_US + i * 20_000 + 12_000,
            payload_type=111,
            ssrc=AUDIO_SSRC,
        )
        sent.append(extended(packet, LEVEL_ID, level(at_s)))
    return sent


def picture() -> list[Datagram]:
    """A minute at 30 frames a second: larger from 30 s on, off for a while, one packet lost."""
    sender = Sender(ssrc=VIDEO_SSRC)
    lost = -1
    for i in range(SECONDS * 30):
        at_s = i / 30
        if within(at_s, CAMERA_OFF_S):
            continue
        if i == LOST_FRAME:
            lost = len(sender.sent)
        size = (640, 360) if at_s >= 30 else (320, 180)
        frame = vp8_frame(i % KEYFRAME_EVERY == 0, bytes(300), width=size[0], height=size[1])
        arrival_us = START_US + i * 1_000_000 // 30 + 2000
        sender.send(ticks(at_s, 90_000), *vp8_payloads(frame, 2), arrival_us=arrival_us)
    return [*sender.sent[:lost], *sender.sent[lost + 1 :]]


def reports(rate: int, ssrc: int) -> list[Datagram]:
    """A sender report every five seconds, by a wall clock that is ahead."""
    return [
        report(
            START_US + at_s * 1_000_000 + AHEAD_US,
            ticks(at_s, rate),
            arrival_us=START_US + at_s * 1_000_000 + 1000,
            ssrc=ssrc,
        )
        for at_s in range(1, SECONDS, 5)
    ]


def in_order(*parts: list[Datagram]) -> list[Datagram]:
    return sorted((each for part in parts for each in part), key=lambda each: each.arrival_us)


def known_call() -> Session:
    """A minute of which everything is known."""
    session = Session()
    session.capture(
        TrackType.AUDIO,
        in_order(sound(), reports(48_000, AUDIO_SSRC)),
        ssrc=AUDIO_SSRC,
        header_extensions={audio_level.URI: LEVEL_ID},
    )
    session.capture(
        TrackType.VIDEO, in_order(picture(), reports(90_000, VIDEO_SSRC)), ssrc=VIDEO_SSRC
    )
    session.seal()
    return session


def sidecars(session: Session) -> dict[OutputType, Sidecar]:
    """The sidecar of each file."""
    made = remux(session.job(), raw=session.store, recordings=session.store, checksum=crc32c_of)
    return {
        file.output_type: Sidecar.model_validate_json(session.store.objects[file.sidecar_key])
        for file in made.files
    }


@pytest.fixture(scope="module")
def known() -> dict[OutputType, Sidecar]:
    return sidecars(known_call())


@pytest.fixture
def both(known: dict[OutputType, Sidecar]) -> Sidecar:
    return known[OutputType.AUDIO_VIDEO]


def seen(sidecar: Sidecar) -> FileTrack:
    return next(track for track in sidecar.tracks if track.kind == "video")


def heard(sidecar: Sidecar) -> FileTrack:
    return next(track for track in sidecar.tracks if track.kind == "audio")


def spans(stretches: tuple[Interval, ...] | tuple[Stretch, ...]) -> list[tuple[int, int]]:
    return [(each.start_ms, each.end_ms) for each in stretches]


def nearly(*expected_s: tuple[float, float], within_ms: int = 3) -> list[object]:
    return [
        (
            pytest.approx(start * 1000, abs=within_ms),
            pytest.approx(end * 1000, abs=within_ms),
        )
        for start, end in expected_s
    ]


def test_the_file_and_where_it_lies_in_time_are_told(both: Sidecar) -> None:
    assert both.schema_version == 2
    assert both.timeline.starts_at == both.file.start_time
    assert both.timeline.offset_ms == both.file.timeline_offset_ms
    assert both.timeline.duration_ms == both.file.duration_ms == 60_002
    wall_clock = both.timeline.wall_clock
    assert (wall_clock.source, wall_clock.host_synchronized) == ("sfu_host_arrivals", "unknown")
    assert wall_clock.host_set_back == 0
    assert wall_clock.sender_ahead_ms is not None
    assert wall_clock.sender_ahead_ms.least_ms == pytest.approx(AHEAD_US / 1000, abs=2)
    assert wall_clock.sender_ahead_ms.most_ms == pytest.approx(AHEAD_US / 1000, abs=2)


def test_each_clock_says_how_it_was_found_how_it_drifts_and_how_well_it_fits(
    both: Sidecar,
) -> None:
    for track in both.tracks:
        (stream,) = track.streams
        clock = stream.clock
        assert clock.basis == "sender_reports"
        assert clock.reports == 12
        assert clock.reports_ignored == {}
        assert clock.drift_ppm == pytest.approx(PPM, abs=2)
        assert clock.report_residual_ms is not None
        assert clock.report_residual_ms.max_ms < 2
        assert clock.arrival_residual_ms.p95_ms < 1
        assert clock.standstills == ()


def test_points_of_a_clock_map_the_timestamps_of_packets_to_the_file(both: Sidecar) -> None:
    for track, rate in ((seen(both), 90_000), (heard(both), 48_000)):
        mapping = track.streams[0].clock.mapping
        assert len(mapping) == 6
        for point in mapping:
            at_s = (point.rtp_timestamp + rate) % 2**32 / (rate * (1 + PPM / 1e6))
            assert point.at_ms == pytest.approx(at_s * 1000, abs=3)


def test_loss_freezes_the_picture_up_to_the_next_keyframe(both: Sidecar) -> None:
    track = seen(both)
    assert spans(track.frozen) == nearly((299 / 30, 12))
    assert {each.reason for each in track.frozen} == {"lost"}
    assert track.frozen_ms == pytest.approx(2033, abs=2)
    assert track.frames == (SECONDS - 6) * 30 - KEYFRAME_EVERY
    assert both.completeness.frames_left_out == KEYFRAME_EVERY
    assert both.completeness.frozen_ms == track.frozen_ms


def test_silence_is_told_apart_by_why_it_was_filled(both: Sidecar) -> None:
    track = heard(both)
    assert spans(track.filled) == nearly(MUTED_S, (30.02, 34), LOST_S)
    assert [each.reason for each in track.filled] == ["silent", "silent", "lost"]
    # Each packet of comfort noise is there, and needs no filler.
    noise_ms = 9 * 20
    assert track.filled_ms.silent == pytest.approx(5000 + 3980 - noise_ms, abs=3)
    assert track.filled_ms.lost == pytest.approx(200, abs=2)
    assert both.completeness.silence_filled_ms == track.filled_ms


def test_a_mute_is_what_sent_nothing_and_dtx_is_none(both: Sidecar) -> None:
    assert spans(heard(both).muted) == nearly(MUTED_S)
    assert heard(both).muted_ms == pytest.approx(5000, abs=3)
    assert spans(seen(both).muted) == nearly((1199 / 30, 46))
    assert heard(both).keyframes is None


def test_keyframes_and_sizes_are_told_with_their_times(both: Sidecar) -> None:
    track = seen(both)
    keyframes = track.keyframes
    assert keyframes is not None
    expected = [at_s for at_s in range(0, SECONDS, 2) if at_s != 10 and not 40 <= at_s < 46]
    assert keyframes.times_ms == pytest.approx([at_s * 1000 for at_s in expected], abs=3)
    assert (keyframes.count, keyframes.every) == (len(expected), 1)
    assert keyframes.longest_interval_ms == pytest.approx(8000, abs=2)
    sizes = [(each.width, each.height) for each in track.resolutions]
    assert sizes == [(320, 180), (640, 360)]
    assert track.resolutions[1].at_ms == pytest.approx(30_000, abs=3)


def test_bitrate_is_that_of_what_arrived(both: Sidecar) -> None:
    rate = seen(both).bitrate
    assert rate.step_ms == 1000
    assert -1000 <= rate.start_ms <= 0
    bits = [len(each.data) * 8 for each in picture()]
    headers = 12 * 8 * len(bits)
    assert sum(rate.kbps) == pytest.approx((sum(bits) - headers) / 1000, rel=0.02)
    off = [
        (rate.start_ms + i * 1000) / 1000 for i, kbps in enumerate(rate.kbps[2:-1], 2) if not kbps
    ]
    assert off == pytest.approx([40, 41, 42, 43, 44, 45], abs=0.01)


def test_levels_and_speech_are_those_that_packets_told(both: Sidecar) -> None:
    found = heard(both).audio_level
    assert found is not None
    assert found.step_ms == 1000
    assert spans(found.speech) == nearly(*SPEECH_S)
    assert found.speech_ms == pytest.approx(7000, abs=3)
    assert {found.peak_dbov[6], found.mean_dbov[6]} == {-25}
    assert {found.peak_dbov[12], found.mean_dbov[12]} == {-80}
    assert found.peak_dbov[22] is None
    assert found.mean_dbov[22] is None
    assert seen(both).audio_level is None


def test_without_levels_nothing_is_said_of_speech() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, sound(), ssrc=AUDIO_SSRC)
    session.seal()

    (sidecar,) = sidecars(session).values()

    assert heard(sidecar).audio_level is None


def test_packets_lost_are_counted_by_track(both: Sidecar) -> None:
    counts = {each.track_id: each for each in both.packets}
    assert (counts["t0"].lost, counts["t1"].lost) == (10, 1)
    assert (counts["t0"].frames_left_out, counts["t1"].frames_left_out) == (0, KEYFRAME_EVERY)
    assert counts["t0"].received == len(sound())
    assert counts["t0"].repairs is None


def test_each_file_answers_for_its_own_tracks(known: dict[OutputType, Sidecar]) -> None:
    lost = {output: sidecar.completeness.lost_packets for output, sidecar in known.items()}
    assert lost == {
        OutputType.AUDIO_ONLY: 10,
        OutputType.VIDEO_ONLY: 1,
        OutputType.AUDIO_VIDEO: 11,
    }
    both = known[OutputType.AUDIO_VIDEO].completeness
    assert not both.complete
    assert both.reasons == ("packets that never came: 11", "frames that could not be decoded: 60")
    assert known[OutputType.AUDIO_ONLY].chunks[0].track_id == "t0"
    assert len(known[OutputType.AUDIO_ONLY].chunks) == 1


def test_reports_that_fit_give_high_confidence(both: Sidecar) -> None:
    assert both.sync.basis == "sender_reports"
    assert both.sync.confidence == "high"
    assert both.sync.worst_residual_ms < 2
    assert len(both.sync.reasons) == 1


def test_the_chunks_are_those_of_the_manifest() -> None:
    session = known_call()

    listed = {each.track_id: each for each in sidecars(session)[OutputType.AUDIO_VIDEO].chunks}

    for track in session.tracks:
        found = listed[track.track.track_id]
        assert [found.prefix + each.name for each in found.chunks] == [c.key for c in track.chunks]
        assert [each.crc32c for each in found.chunks] == [c.crc32c for c in track.chunks]
        assert [each.packets for each in found.chunks] == [c.packets for c in track.chunks]
        first_ms = [(c.first_arrival_us - START_US) / 1000 for c in track.chunks]
        assert [each.first_ms for each in found.chunks] == pytest.approx(first_ms, abs=2)


def test_what_captured_it_and_what_made_it_is_told(both: Sidecar) -> None:
    assert both.capture.reason is SealReason.CALL_ENDED
    assert (both.capture.sealed_by, both.capture.manifest_revision) == ("agent", 1)
    assert both.versions.isotrack
    assert both.versions.numpy == np.__version__


def test_a_call_without_loss_is_complete_however_often_it_is_muted() -> None:
    session = Session()
    sender = Sender(payload_type=111, ssrc=AUDIO_SSRC)
    opus_call(5, sender=sender)
    later = {"start_us": START_US + 20_000_000, "timestamp": 2**32 - 4800 + 48_000 * 20}
    opus_call(5, sender=sender, **later)
    session.capture(TrackType.AUDIO, sender.sent)
    session.seal()

    (sidecar,) = sidecars(session).values()

    assert sidecar.completeness.complete
    assert sidecar.completeness.reasons == ()
    assert sidecar.completeness.silence_filled_ms.silent == pytest.approx(15_000, abs=2)
    assert sidecar.sync.basis == "arrival"
    assert sidecar.sync.confidence == "medium"
    assert "arrival alone" in sidecar.sync.reasons[0]


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_a_chunk_that_is_damaged_is_told_of_and_only_a_missing_one_is_not_listed(
    damage: str,
) -> None:
    session = known_call()
    key = session.tracks[0].chunks[2].key
    body = session.store.objects.pop(key)
    if damage == "torn":
        session.store.put(key, body[:3000])

    found = sidecars(session)

    both, picture_only = found[OutputType.AUDIO_VIDEO], found[OutputType.VIDEO_ONLY]
    assert [(each.key, each.problem) for each in both.missing_chunks] == [(key, damage)]
    counted = both.completeness.missing_chunks, both.completeness.damaged_chunks
    assert counted == ((1, 0) if damage == "missing" else (0, 1))
    assert picture_only.completeness.missing_chunks == 0
    assert picture_only.completeness.damaged_chunks == 0
    names = [both.chunks[0].prefix + each.name for each in both.chunks[0].chunks]
    assert len(names) > 10
    assert (key in names) == (damage == "torn")


def test_a_picture_that_cannot_be_decoded_makes_the_fallback_incomplete() -> None:
    session = Session(output_types=(OutputType.AUDIO_VIDEO,))
    session.capture(TrackType.AUDIO, opus_call(2))
    session.capture(TrackType.VIDEO, vp8_call(2, keyframe_every=999)[3:])
    session.seal()

    (sidecar,) = sidecars(session).values()

    (unplayable,) = sidecar.unplayable
    assert (unplayable.track_id, unplayable.track_type) == ("t1", TrackType.VIDEO)
    assert "no decodable frame" in unplayable.problem
    assert not sidecar.completeness.complete
    assert sidecar.completeness.unplayable_tracks == 1
    assert "nothing of video t1 can be played" in sidecar.completeness.reasons[0]


def test_a_codec_that_is_not_supported_is_told_of() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(2))
    session.capture(TrackType.VIDEO, vp8_call(2), mime_type="video/theora")
    session.seal()

    (sidecar,) = sidecars(session).values()

    (unplayable,) = sidecar.unplayable
    assert unplayable.problem == "video/theora is not supported"


def test_a_track_that_never_sent_anything_is_not_missed() -> None:
    session = Session(output_types=(OutputType.AUDIO_VIDEO,))
    session.capture(TrackType.AUDIO, opus_call(2))
    session.capture(TrackType.VIDEO, [])
    session.seal()

    (sidecar,) = sidecars(session).values()

    assert sidecar.completeness.complete
    assert [each.track_id for each in sidecar.unplayable] == ["t1"]


def test_a_picture_that_never_comes_back_is_frozen_as_long_as_it_is_sent() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(20))
    sent = vp8_call(10, keyframe_every=999)
    session.capture(TrackType.VIDEO, [*sent[:450], *sent[451:]])
    session.seal()

    track = seen(sidecars(session)[OutputType.AUDIO_VIDEO])

    assert spans(track.frozen) == nearly((5, 10), within_ms=40)
    assert spans(track.muted) == nearly((10, 20), within_ms=40)


def test_a_camera_that_comes_in_late_and_goes_early_is_off_for_the_rest() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(20))
    session.capture(TrackType.VIDEO, vp8_call(5, start_us=START_US + 10_000_000))
    session.seal()

    track = seen(sidecars(session)[OutputType.AUDIO_VIDEO])

    assert spans(track.muted) == nearly((0, 10), (15, 20), within_ms=40)
    assert track.muted_ms == pytest.approx(15_000, abs=40)
    assert track.start_ms == pytest.approx(10_000, abs=3)


def test_how_the_camera_is_held_is_told() -> None:
    session = Session()
    held = [
        extended(each, ROTATION_ID, 3 if each.arrival_us - START_US > 4_000_000 else 0)
        for each in vp8_call(8)
    ]
    session.capture(TrackType.VIDEO, held, header_extensions={video_orientation.URI: ROTATION_ID})
    session.seal()

    track = seen(sidecars(session)[OutputType.VIDEO_ONLY])

    assert [each.degrees for each in track.rotations] == [0, 270]
    assert track.rotations[1].at_ms == pytest.approx(4000, abs=40)
    assert not any(each.turned for each in track.rotations)


def test_layers_of_simulcast_take_turns() -> None:
    session = Session()
    small = vp8_call(20, sender=Sender(ssrc=1), keyframe_every=60, width=160, height=90)
    large = vp8_call(20, sender=Sender(ssrc=2), keyframe_every=60, width=640, height=360, size=600)
    stopped = [each for each in large if each.arrival_us < START_US + 8_000_000]
    session.capture(
        TrackType.VIDEO,
        in_order(small, stopped),
        layers=[{"rid": "q", "ssrc": 1}, {"rid": "f", "ssrc": 2}],
    )
    session.seal()

    (sidecar,) = sidecars(session).values()

    (track,) = sidecar.tracks
    assert [(each.rid, each.ssrc) for each in track.layers] == [("f", 2), ("q", 1)]
    assert [each.start_ms for each in track.layers] == pytest.approx([0, 8000], abs=2100)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(track.layers))
    assert {stream.rid for stream in track.streams} == {"q", "f"}


def test_a_host_whose_clock_was_set_back_makes_all_times_doubtful() -> None:
    session = Session()
    sent = opus_call(40)
    back = [delayed(each, -5_000_000) if i >= 1000 else each for i, each in enumerate(sent)]
    session.capture(TrackType.AUDIO, back)
    session.seal()

    (sidecar,) = sidecars(session).values()

    assert sidecar.timeline.wall_clock.host_set_back == 1
    assert sidecar.sync.confidence == "low"
    assert "set back; times seen: 1" in sidecar.sync.reasons[-1]


def test_people_can_read_it() -> None:
    session = known_call()
    sidecars(session)

    names = [key for key in session.store.objects if key.startswith("recordings") and "json" in key]
    for name in names:
        text = session.store.objects[name].decode()
        assert json.loads(text)["schema_version"] == 2
        assert max(map(len, text.splitlines())) < 260
        assert text.index('"sync"') < text.index('"completeness"') < text.index('"tracks"')
    assert len(names) == 3
