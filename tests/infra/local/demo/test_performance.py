"""A participant's part, played to an agent that only listens."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from infra.local.demo.part import Part
from infra.local.demo.performance import Performance
from infra.local.demo.scenario import (
    Action,
    Join,
    Leave,
    Link,
    Mute,
    Participant,
    Publish,
    Unmute,
    Unpublish,
)
from infra.local.demo.sending import MID_EXTENSION_ID, MID_URI
from isotrack.recording.tracks import Call, TrackType
from isotrack.rtp import rtcp
from tests.infra.local.demo.fake_agent import Arrived, FakeAgent

CALL = Call(call_type="default", call_id="a/b")
CLOCK_OFFSET_MS = 12_345
STRAIGHT = Link()


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    listening = FakeAgent()
    yield listening
    listening.close()


def _play(agent: FakeAgent, *actions: Action, link: Link = STRAIGHT, drift_ppm: int = 0) -> int:
    """Play a part at double speed; returns when the call began, Unix microseconds."""
    zero_unix_ns = time.time_ns() + 200_000_000
    person = Participant(
        user_id="ann",
        user_session_id="ann-1",
        beep_hz=1_000,
        clock_offset_ms=CLOCK_OFFSET_MS,
        clock_drift_ppm=drift_ppm,
        link=link,
        seed=5,
        actions=(Join(at_ms=0), *actions),
    )
    part = Part(
        call=CALL, participant=person, control_url=agent.url, zero_unix_ns=zero_unix_ns, speed=2.0
    )
    Performance(part).run()
    time.sleep(0.1)  # for the last datagrams to be read
    return zero_unix_ns // 1000


def _opus(at_ms: int = 100) -> Publish:
    return Publish(at_ms=at_ms, track=TrackType.AUDIO, codec="opus")


def _vp8(at_ms: int = 100, fps: int = 10) -> Publish:
    return Publish(at_ms=at_ms, track=TrackType.VIDEO, codec="vp8", width=160, height=96, fps=fps)


def _numbers(packets: list[Arrived]) -> list[int]:
    return [struct.unpack_from(">H", one.packet, 2)[0] for one in packets]


def _timestamps(packets: list[Arrived]) -> list[int]:
    return [struct.unpack_from(">I", one.packet, 4)[0] for one in packets]


def _payload(packet: bytes) -> bytes:
    words = struct.unpack_from(">H", packet, 14)[0]
    return packet[16 + 4 * words :]


def test_a_part_is_announced_as_an_sfu_would(agent: FakeAgent) -> None:
    _play(agent, _opus(), _vp8(), Unpublish(at_ms=800, track=TrackType.AUDIO), Leave(at_ms=1_000))
    assert agent.changes() == [
        ("PUT", "ann-1"),
        ("PUT", "ann-1/tracks/audio-0"),
        ("PUT", "ann-1/tracks/video-1"),
        ("DELETE", "ann-1/tracks/audio-0"),
        ("DELETE", "ann-1"),
    ]
    assert agent.said[0][1] == "/v1/calls/default/a%2Fb/sessions/ann-1"
    opus = agent.announcement("audio-0")
    assert (opus["mime_type"], opus["clock_rate"], opus["channels"]) == ("audio/opus", 48_000, 2)
    assert opus["header_extensions"] == {MID_URI: MID_EXTENSION_ID}


def test_packets_follow_each_other_through_the_wrap_of_both_counters(agent: FakeAgent) -> None:
    _play(agent, _opus(0), Leave(at_ms=8_010))
    packets = agent.rtp("audio-0")
    numbers, timestamps = _numbers(packets), _timestamps(packets)
    assert len(packets) == 400
    assert numbers == [(numbers[0] + n) % 2**16 for n in range(400)]
    assert timestamps == [(timestamps[0] + 960 * n) % 2**32 for n in range(400)]
    assert numbers[-1] < numbers[0]
    assert timestamps[-1] < timestamps[0]


def test_reports_tell_the_wrong_wall_clock_of_the_device(agent: FakeAgent) -> None:
    zero_us = _play(agent, _opus(0), Leave(at_ms=3_000), drift_ppm=500)
    first = _timestamps(agent.rtp("audio-0"))[0]
    reports = [rtcp.read_compound(one.packet)[0] for one in agent.rtcp("audio-0")]
    assert len(reports) == 3
    for report in reports:
        assert isinstance(report, rtcp.SenderReport)
        own_us = (report.rtp_timestamp - first) % 2**32 * 1_000_000 // 48_000
        wall_us = zero_us + CLOCK_OFFSET_MS * 1_000 + own_us
        assert rtcp.unix_us_from_ntp(report.ntp) == pytest.approx(wall_us, abs=30)
    assert reports[-1].packet_count > reports[0].packet_count > 0  # type: ignore[union-attr]


def test_the_first_picture_is_a_keyframe_and_its_last_packet_carries_the_marker(
    agent: FakeAgent,
) -> None:
    _play(agent, _vp8(), Leave(at_ms=600))
    packets = agent.rtp("video-0")
    by_time = {
        at: [one.packet for one in packets if _timestamps([one]) == [at]]
        for at in _timestamps(packets)
    }
    assert len(by_time) == 5
    for frame in by_time.values():
        assert [packet[1] >> 7 for packet in frame] == [0] * (len(frame) - 1) + [1]
    descriptor_bytes = 4  # RFC 7741, section 4.2, with a 15-bit picture ID
    assert _payload(packets[0].packet)[descriptor_bytes] & 1 == 0


def test_a_keyframe_is_sent_when_the_agent_reports_a_lost_picture(agent: FakeAgent) -> None:
    def ask() -> None:
        agent.send(
            "video-0", rtcp.picture_loss_indication(1, agent.announcement("video-0")["ssrc"])
        )

    timer = threading.Timer(0.2 + 0.5, ask)  # one second of the call after its beginning
    timer.start()
    _play(agent, _vp8(), Leave(at_ms=2_000))
    timer.join()
    firsts = [
        one
        for one in agent.rtp("video-0")
        if _payload(one.packet)[0] & 0x10  # the S bit
    ]
    keyframes = [n for n, one in enumerate(firsts) if not _payload(one.packet)[4] & 1]
    assert keyframes[0] == 0
    assert len(keyframes) == 2


def test_a_muted_track_sends_nothing_and_its_time_goes_on(agent: FakeAgent) -> None:
    _play(
        agent,
        _opus(0),
        Mute(at_ms=500, track=TrackType.AUDIO),
        Unmute(at_ms=1_500, track=TrackType.AUDIO),
        Leave(at_ms=2_000),
    )
    timestamps = _timestamps(agent.rtp("audio-0"))
    steps = [(b - a) % 2**32 for a, b in pairwise(timestamps)]
    assert sorted(steps)[-1] == 48_000 + 960
    assert sorted(steps)[-2] == 960
    numbers = _numbers(agent.rtp("audio-0"))
    assert (numbers[-1] - numbers[0]) % 2**16 == len(numbers) - 1


def test_a_lossy_link_loses_packets_and_a_reordering_one_swaps_them(agent: FakeAgent) -> None:
    _play(agent, _opus(0), Leave(at_ms=6_000), link=Link(loss=0.1, reorder=0.2))
    numbers = _numbers(agent.rtp("audio-0"))
    assert 240 <= len(numbers) <= 290  # of 300, with a seed that is always the same
    unwrapped = [(number - numbers[0]) % 2**16 for number in numbers]
    assert len(set(unwrapped)) == len(unwrapped)
    late = sum(after < before for before, after in pairwise(unwrapped))
    assert 20 <= late <= 60


def test_a_part_played_twice_is_the_same_to_the_byte(agent: FakeAgent) -> None:
    _play(agent, _opus(0), _vp8(0), Leave(at_ms=1_000))
    first = {track: [one.packet for one in agent.rtp(track)] for track in ("audio-0", "video-1")}
    agent.arrived.clear()
    _play(agent, _opus(0), _vp8(0), Leave(at_ms=1_000))
    assert first["audio-0"] == [one.packet for one in agent.rtp("audio-0")]
    assert first["video-1"] == [one.packet for one in agent.rtp("video-1")]
