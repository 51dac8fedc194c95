"""Both processes of the agent, over UDP and HTTP, into a folder."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from isotrack.recording.manifest import SealReason
from isotrack.recording.tracks import Track
from isotrack.rtp.dump import read_dump
from isotrack.rtp.rtcp import is_picture_loss_indication
from tests.capture_agent.agents import AgentProcess, rtp, sender_report, wait_until

Start = Callable[..., AgentProcess]
Send = Callable[..., None]

MEDIA = [rtp(number, bytes([number % 251]) * 900) for number in range(400)]


def received(agent: AgentProcess, packets: int) -> None:
    """Wait until so many packets of the track came in."""
    wait_until(lambda: agent.track()["counters"]["packets"] >= packets)


def test_what_was_sent_is_in_the_chunks_byte_for_byte(agent: AgentProcess, send: Send):
    agent.join()
    before = datetime.now(UTC)
    agent.record(egress_id="egress-1", output_types=["audio_only"])
    ports = agent.publish()
    sent = []
    for first in range(0, 400, 40):
        video = MEDIA[first : first + 40]
        for to, packets in ((ports["rtp"], video), (ports["rtcp"], [sender_report()])):
            send(to, *packets)
            sent += packets
            received(agent, len(sent))
    agent.delete(agent.path("sessions/s1"))
    manifest = agent.manifest()

    assert agent.packets(manifest) == sent
    assert len(manifest.tracks[0].chunks) > 1
    assert manifest.reason is SealReason.PARTICIPANT_LEFT
    assert (manifest.egress_id, manifest.agent_id) == ("egress-1", "agent-1")
    assert manifest.output_types == ("audio_only",)
    assert before <= manifest.recording_started_at <= manifest.sealed_at
    (captured,) = manifest.tracks
    assert (captured.dropped_datagrams, captured.kernel_drops) == (0, 0)
    assert captured.track.announced_at < captured.track.withdrawn_at < manifest.sealed_at
    arrivals = [(chunk.first_arrival_us, chunk.last_arrival_us) for chunk in captured.chunks]
    assert arrivals == sorted(arrivals)
    assert arrivals[0][0] >= before.timestamp() * 1e6
    announced = agent.stored("track.json")[0].read_bytes()
    assert Track.model_validate_json(announced).ssrc == 0x1234
    assert wait_until(lambda: agent.state()["spool"]["bytes"] == 0)


@pytest.mark.parametrize("with_capture", [True, False], ids=["both", "agent"])
def test_an_agent_that_is_killed_loses_nothing_that_was_spooled(
    start_agent: Start, send: Send, with_capture: bool
):
    agent = start_agent(chunk_seconds="30")
    agent.join()
    agent.join("s2", "bob")
    agent.record()
    ports, left = agent.publish(), agent.publish("t2", "s2")
    send(ports["rtp"], *MEDIA[:100])
    send(left["rtp"], rtp(7, b"of bob"))
    wait_until(lambda: agent.spooled() == 101)
    agent.delete(agent.path("sessions/s2"))
    agent.kill(with_capture=with_capture)

    agent.start()
    assert agent.publish() == ports
    bob = agent.manifest()
    assert agent.packets(bob) == [rtp(7, b"of bob")]
    assert bob.reason is SealReason.PARTICIPANT_LEFT
    send(ports["rtp"], *MEDIA[100:200])
    received(agent, 100)
    agent.delete(agent.path())
    wait_until(lambda: len(agent.manifests()) == 2)
    alice = next(m for m in agent.manifests() if m.participant.user_id == "alice")
    assert agent.packets(alice) == MEDIA[:200]
    assert alice.reason is SealReason.CALL_ENDED
    chunk_keys = [chunk.key for chunk in alice.tracks[0].chunks]
    assert len(set(chunk_keys)) == len(chunk_keys) == len(agent.stored("*.rtpdump")) - 1


def test_a_capture_process_that_dies_is_replaced_and_the_sockets_keep_what_came(
    agent: AgentProcess, send: Send
):
    agent.join()
    agent.record()
    ports = agent.publish()
    restarts = agent.state()["capture_restarts"]
    send(ports["rtp"], *MEDIA[:50])
    received(agent, 50)
    os.kill(agent.capture_pid(), signal.SIGKILL)
    send(ports["rtp"], *MEDIA[50:100])  # nobody receives now, but the sockets are open
    received(agent, 100)
    assert agent.state()["capture_restarts"] == restarts + 1
    agent.delete(agent.path("sessions/s1"))
    manifest = agent.manifest()
    assert agent.packets(manifest) == MEDIA[:100]


def test_datagrams_that_are_not_of_the_track_are_counted_and_dropped(
    agent: AgentProcess, send: Send
):
    agent.join()
    agent.record()
    ports = agent.publish()
    foreign = [b"no RTP", bytes(3000), rtp(1, ssrc=99), rtp(1, ssrc=98), b"\xff" * 40]
    send(ports["rtp"], *foreign, MEDIA[0])
    send(ports["rtcp"], b"neither")
    counters = wait_until(
        lambda: next((c for c in [agent.track()["counters"]] if c["dropped"] == 6), None)
    )
    assert counters["packets"] == 7
    agent.delete(agent.path("sessions/s1"))
    manifest = agent.manifest()
    assert manifest.tracks[0].dropped_datagrams == 6
    assert agent.packets(manifest) == [MEDIA[0]]


def test_recordings_of_one_call_are_kept_apart_and_nothing_between_them_is_kept(
    agent: AgentProcess, send: Send
):
    agent.join()
    ports = agent.publish(track_type="audio", mime_type="audio/opus", rtcp_mux=True)
    assert ports["rtp"] == ports["rtcp"]
    for number, egress_id in enumerate(["first", "second"]):
        send(ports["rtp"], rtp(1000 + number, b"not recorded"))
        wait_until(lambda n=number: agent.track()["counters"]["drained"] == n + 1)
        agent.record(egress_id=egress_id)
        assert agent.record()[number]["egress_id"] == egress_id
        send(ports["rtp"], MEDIA[number], sender_report())
        received(agent, 3 * (number + 1))
        agent.delete(agent.path("recording"))
        wait_until(lambda n=number: len(agent.manifests()) == n + 1)
    first, second = sorted(agent.manifests(), key=lambda manifest: manifest.sealed_at)
    assert (first.egress_id, second.egress_id) == ("first", "second")
    assert {first.reason, second.reason} == {SealReason.RECORDING_STOPPED}
    assert agent.packets(first) == [MEDIA[0], sender_report()]
    assert agent.packets(second) == [MEDIA[1], sender_report()]
    assert agent.http.put(agent.path("recording"), json={"egress_id": "first"}).is_error
    assert agent.http.delete(agent.path("recording")).status_code == 404


def test_an_agent_told_to_stop_seals_everything_first(start_agent: Start, send: Send):
    agent = start_agent(chunk_seconds="30")
    agent.join()
    agent.join("s2", "bob")  # publishes nothing, so there is nothing to seal
    agent.record()
    ports = agent.publish()
    agent.publish("silent", track_type="audio", mime_type="audio/opus")
    send(ports["rtp"], *MEDIA[:20])
    assert agent.stop() == 0
    (manifest,) = agent.manifests()
    assert manifest.reason is SealReason.AGENT_SHUTDOWN
    assert agent.packets(manifest) == MEDIA[:20]
    assert [len(captured.chunks) for captured in manifest.tracks] == [1, 0]
    assert list(agent.spool.glob("*.log")) == []


def test_what_could_not_be_uploaded_in_time_is_uploaded_by_the_next_start(
    start_agent: Start, send: Send
):
    agent = start_agent(chunk_seconds="30", shutdown_seconds="0.5")
    agent.store.write_bytes(b"in the way of every object")
    agent.join()
    agent.record()
    ports = agent.publish()
    send(ports["rtp"], *MEDIA[:20])
    received(agent, 20)
    assert agent.stop() == 0
    assert agent.spooled() == 20
    agent.store.unlink()
    agent.start()
    manifest = agent.manifest()
    assert manifest.reason is SealReason.AGENT_SHUTDOWN
    assert agent.packets(manifest) == MEDIA[:20]


def test_a_running_video_is_asked_for_a_keyframe_when_recording_begins(agent: AgentProcess):
    agent.join()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sfu:
        sfu.bind(("127.0.0.1", 0))
        sfu.settimeout(20)
        ports = agent.publish(feedback={"host": "127.0.0.1", "port": sfu.getsockname()[1]})
        agent.record()
        packet, source = sfu.recvfrom(2048)
    assert is_picture_loss_indication(packet)
    assert packet[8:12] == (0x1234).to_bytes(4, "big")
    assert source[1] == ports["rtcp"]["port"]


def test_all_layers_of_a_running_video_are_asked_for_a_keyframe(agent: AgentProcess):
    agent.join()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sfu:
        sfu.bind(("127.0.0.1", 0))
        sfu.settimeout(20)
        feedback = {"host": "127.0.0.1", "port": sfu.getsockname()[1]}
        agent.publish(feedback=feedback, ssrc=None, layers=[{"ssrc": 8}, {"ssrc": 9}])
        agent.record()
        asked = {sfu.recvfrom(2048)[0][8:12] for _ in range(2)}
    assert asked == {b"\0\0\0\x08", b"\0\0\0\x09"}


def test_a_rehearsal_at_twice_the_speed_takes_twice_the_time(start_agent: Start, send: Send):
    agent = start_agent(clock_speed="2", chunk_seconds="0.2")
    agent.join()
    agent.record()
    ports = agent.publish()
    began = datetime.now(UTC)
    send(ports["rtp"], MEDIA[0])
    wait_until(lambda: datetime.now(UTC) - began > timedelta(seconds=1))
    send(ports["rtp"], MEDIA[1])
    took = datetime.now(UTC) - began
    agent.delete(agent.path("sessions/s1"))
    manifest = agent.manifest()
    chunks = [read_dump((agent.store / c.key).read_bytes()) for c in manifest.tracks[0].chunks]
    first, last = np.concatenate([chunk.arrival_us for chunk in chunks]).tolist()
    assert 2.0 <= (last - first) / 1e6 <= 2 * took.total_seconds()
    started_us = manifest.recording_started_at.timestamp() * 1e6
    assert started_us < first < manifest.sealed_at.timestamp() * 1e6
