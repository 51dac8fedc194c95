"""What a real browser sent through real SFUs, replayed with its own timing through the agent."""

from __future__ import annotations

import socket
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import pytest

from isotrack.__main__ import main
from isotrack.codecs import opus
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.sidecar_time import ClockReport
from isotrack.rtp.packet import Packets
from tests.capture_agent.agents import AgentProcess, wait_until
from tests.packets import packets_of
from tests.pcap import read_pcap

DATA = Path(__file__).parents[1] / "data" / "e2e"

ARRIVAL_CLOCK_MS = 10
"""How well sound and picture line up when their arrival is all that ties them together."""

REPLAY_MS = 15
"""A replaying process on a busy machine sends some packets late; the SFU did not."""

ROUNDING_MS = 1
"""Matroska's timestamps are whole milliseconds."""


class PublishedTrack(NamedTuple):
    """A track of a capture: its ports there, and how the SFU would announce it."""

    rtp: int
    rtcp: int
    announcement: dict[str, Any]


MEDIASOUP = {
    "audio": PublishedTrack(
        53193,
        42727,
        {
            "track_type": "audio",
            "mime_type": "audio/opus",
            "payload_type": 100,
            "clock_rate": 48000,
            "channels": 2,
            "ssrc": 0x2FD2C2D5,
        },
    ),
    "video": PublishedTrack(
        41264,
        46689,
        {
            "track_type": "video",
            "mime_type": "video/H264",
            "payload_type": 105,
            "clock_rate": 90000,
            "ssrc": 0x11633F87,
        },
    ),
}

# Janus does not tell the SSRC where it announces a publisher, and forwards no sender reports.
JANUS = {
    "audio": PublishedTrack(
        41180,
        55669,
        {
            "track_type": "audio",
            "mime_type": "audio/opus",
            "payload_type": 111,
            "clock_rate": 48000,
            "channels": 2,
        },
    ),
    "video": PublishedTrack(
        37495,
        41425,
        {
            "track_type": "video",
            "mime_type": "video/VP8",
            "payload_type": 96,
            "clock_rate": 90000,
        },
    ),
}

# A sender report of each track as Janus saw it before it rebased the timestamps, and by how much
# it did: (NTP seconds, RTP timestamp, shift). From opus_dtx_vp8.truth.json of the capture.
JANUS_TRUTH = {
    "audio": (1795339786.30179, 142445102, 142335566, 48000),
    "video": (1795339786.598519, 2294643580, 2294411560, 90000),
}

CAPTURES = {"ms_h264": MEDIASOUP, "opus_dtx_vp8": JANUS}


def _datagrams(name: str, port: int) -> list[bytes]:
    return [datagram for _, to, datagram in read_pcap(DATA / f"{name}.pcap") if to == port]


def _packets(name: str, kind: str) -> Packets:
    return packets_of(_datagrams(name, CAPTURES[name][kind].rtp))


def _replay(agent: AgentProcess) -> None:
    """Publish all captures at once, each packet when it came to the SFU."""
    queue = []
    for name, tracks in CAPTURES.items():
        agent.put(agent.path(f"sessions/{name}"), {"user_id": name})
        capture = read_pcap(DATA / f"{name}.pcap")
        for kind, track in tracks.items():
            answer = agent.put(agent.path(f"sessions/{name}/tracks/{kind}"), track.announcement)
            to = {track.rtp: answer["rtp"], track.rtcp: answer["rtcp"]}
            queue += [
                (at - capture[0][0], (to[port]["host"], to[port]["port"]), datagram)
                for at, port, datagram in capture
                if port in to
            ]
    queue.sort(key=lambda item: item[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        begin = time.monotonic_ns()
        for at, address, datagram in queue:
            time.sleep(max(begin + at - time.monotonic_ns(), 0) / 1e9)
            sender.sendto(datagram, address)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the replayed call, by the `isotrack` command on the agent's chunks."""
    folder = tmp_path_factory.mktemp("replay")
    agent = AgentProcess(folder, {"ISOTRACK_CHUNK_SECONDS": "4"})
    try:
        agent.put(agent.path(), {})
        outputs = ["audio_only", "video_only", "audio_video"]
        agent.put(agent.path("recording"), {"output_types": outputs})
        _replay(agent)
        for name in CAPTURES:
            agent.delete(agent.path(f"sessions/{name}"))
        wait_until(lambda: len(list(agent.store.rglob("manifest.json"))) == len(CAPTURES))
    finally:
        agent.close()
    assert main(["remux", str(agent.store), "-o", str(folder / "files")]) == 0
    return folder / "files"


def _file(recordings: Path, name: str, output: str) -> Path:
    (found,) = recordings.glob(f"*_{name}_{name}_{output}_*.mkv")
    return found


def _blocks(path: Path, kind: str) -> list[tuple[int, bytes]]:
    """Time in ms and bytes of each packet of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [(p.pts, bytes(p)) for p in container.demux(stream) if p.pts is not None]


def _decoded(path: Path, kind: str) -> list[Any]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        stream.codec_context.options = {"err_detect": "explode"}
        return list(container.decode(stream))


def _distinct(values: Any) -> list[int]:
    return list(dict.fromkeys(values.tolist()))


@pytest.mark.parametrize("name", CAPTURES)
def test_every_frame_the_browser_sent_is_in_the_file_and_decodes(
    recordings: Path, name: str
) -> None:
    sent = _distinct(_packets(name, "video").timestamp)
    path = _file(recordings, name, "audio_video")
    assert len(_blocks(path, "video")) == len(sent)
    pictures = _decoded(path, "video")
    assert len(pictures) == len(sent)
    assert {(p.width, p.height) for p in pictures} == {
        "ms_h264": {(640, 360)},
        "opus_dtx_vp8": {(320, 240)},
    }[name]


@pytest.mark.parametrize("name", CAPTURES)
def test_pictures_come_as_far_apart_as_the_browser_took_them(recordings: Path, name: str) -> None:
    sent = [t / 90 for t in _distinct(_packets(name, "video").timestamp)]
    played = [time_ms for time_ms, _ in _blocks(_file(recordings, name, "video_only"), "video")]
    worst = max(abs((p - played[0]) - (s - sent[0])) for p, s in zip(played, sent, strict=True))
    # mediasoup makes its reports from arrival, which a replay moves by as much as it is late.
    assert worst <= ROUNDING_MS + (REPLAY_MS if name == "ms_h264" else ROUNDING_MS)


@pytest.mark.parametrize("name", CAPTURES)
def test_sound_is_in_the_file_packet_by_packet_as_published(recordings: Path, name: str) -> None:
    packets = _packets(name, "audio")
    begins, ends = packets.payload_offset, packets.payload_offset + packets.payload_length
    sent = [packets.buffer[a:z].tobytes() for a, z in zip(begins, ends, strict=True)]
    in_file = [body for _, body in _blocks(_file(recordings, name, "audio_only"), "audio")]
    fillers = {opus.silence(samples) for samples in (120, 240, 480, 960)}
    assert [body for body in in_file if body not in fillers] == [
        body for body in sent if body not in fillers
    ]
    assert len(in_file) >= len(sent)


def test_where_the_browser_sent_no_sound_the_file_has_silence_and_the_sidecar_says_so(
    recordings: Path,
) -> None:
    path = _file(recordings, "opus_dtx_vp8", "audio_only")
    packets = _packets("opus_dtx_vp8", "audio")
    spoken_ms = (int(packets.timestamp[-1]) - int(packets.timestamp[0])) / 48 + 20
    samples = sum(frame.samples for frame in _decoded(path, "audio"))
    assert samples / 48 == pytest.approx(spoken_ms, abs=2 * ROUNDING_MS)
    assert max(b - a for (a, _), (b, _) in pairwise(_blocks(path, "audio"))) <= 20 + ROUNDING_MS
    sidecar = Sidecar.model_validate_json(path.with_suffix(".json").read_bytes())
    silent_ms = sum(hole.end_ms - hole.start_ms for hole in sidecar.tracks[0].filled)
    assert silent_ms >= 1000
    assert {hole.reason for hole in sidecar.tracks[0].filled} == {"silent"}


def test_sound_and_picture_line_up_as_their_own_sender_reports_said_before_the_sfu_dropped_them(
    recordings: Path,
) -> None:
    captured_at_ms = {}
    for kind, (ntp, reported, shift, rate) in JANUS_TRUTH.items():
        first = int(_packets("opus_dtx_vp8", kind).timestamp[0])
        behind = (first + shift - reported + 0x80000000) % 0x100000000 - 0x80000000
        captured_at_ms[kind] = (ntp + behind / rate) * 1000
    path = _file(recordings, "opus_dtx_vp8", "audio_video")
    sidecar = Sidecar.model_validate_json(path.with_suffix(".json").read_bytes())
    starts = {track.codec: track.streams[0].start_ms for track in sidecar.tracks}
    played = starts["opus"] - starts["vp8"]
    expected = captured_at_ms["audio"] - captured_at_ms["video"]
    assert played == pytest.approx(expected, abs=ARRIVAL_CLOCK_MS + REPLAY_MS)


def test_the_sidecar_names_the_basis_of_each_clock(recordings: Path) -> None:
    def clocks(name: str) -> list[ClockReport]:
        path = _file(recordings, name, "audio_video").with_suffix(".json")
        tracks = Sidecar.model_validate_json(path.read_bytes()).tracks
        return [stream.clock for track in tracks for stream in track.streams]

    # mediasoup makes its reports from arrival; if that shows depends on how they were replayed.
    for clock in clocks("ms_h264"):
        assert clock.reports + sum(clock.reports_ignored.values()) > 0
    assert {clock.basis for clock in clocks("opus_dtx_vp8")} == {"arrival"}


@pytest.mark.parametrize("name", CAPTURES)
def test_nothing_was_lost_on_the_way(recordings: Path, name: str) -> None:
    path = _file(recordings, name, "audio_video").with_suffix(".json")
    sidecar = Sidecar.model_validate_json(path.read_bytes())
    for counts in sidecar.packets:
        assert counts.received == _packets(name, counts.track_id).count
        assert counts.lost == counts.duplicates == counts.late == counts.wild == 0
        assert counts.frames_left_out == 0
    assert sidecar.missing_chunks == ()
