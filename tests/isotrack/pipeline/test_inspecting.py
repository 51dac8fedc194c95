from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from isotrack.adapters.captures import captures_of
from isotrack.pipeline.guessing import AUDIO_LEVEL, guess_tracks
from isotrack.pipeline.inspecting import inspect
from isotrack.pipeline.tabulating import tabulate
from isotrack.recording.announced import read_announced
from isotrack.recording.inspection import InspectedSource, Inspection, Role
from isotrack.rtp.header import write_header
from tests.captures import (
    ALICE,
    SFU,
    START_US,
    CaptureBytes,
    Sent,
    bundle,
    bundles,
    framed,
    mjr,
    picture_packets,
    reports_of,
    rtx_of,
    sound_packets,
)
from tests.fec_encoder import ulpfec

DATA = Path(__file__).parents[2] / "data"
BOB = ("10.0.0.2", 4000)


def look(*captures: bytes, names: tuple[str, ...] = ()) -> Inspection:
    named = names or tuple(f"{n}.pcap" for n in range(len(captures)))
    return inspect([CaptureBytes(*pair) for pair in zip(named, captures, strict=True)])


def guess(found: Inspection) -> list[dict[str, Any]]:
    """The tracks guessed, which are those that an import would read."""
    said = guess_tracks(found)
    read_announced(json.dumps(said), "the guess")
    tracks: list[dict[str, Any]] = said["tracks"]
    return tracks


def by_ssrc(found: Inspection) -> dict[int, InspectedSource]:
    return {source.ssrc: source for source in found.sources}


def test_codecs_clocks_and_sizes_are_found_without_being_told() -> None:
    sources = by_ssrc(look(bundle(picture_packets(), sound_packets())))
    video, audio = sources[1], sources[2]
    assert (video.role, video.mime_type, video.certainty) == (Role.VIDEO, "video/vp8", "sure")
    assert (video.width, video.height, video.keyframes) == (320, 180, 3)
    assert video.clock_rate == 90_000
    assert video.measured_hz == pytest.approx(90_000, rel=0.001)
    assert (audio.role, audio.mime_type, audio.certainty) == (Role.AUDIO, "audio/opus", "sure")
    assert audio.clock_rate == 48_000
    assert audio.flow == "10.0.0.1:4000->10.0.0.9:5004"
    assert audio.bitrate_bps == pytest.approx(18_000, rel=0.1)


def test_loss_copies_and_late_packets_are_counted() -> None:
    sound = sound_packets()
    shuffled = [*sound[:10], sound[11], sound[10], *sound[12:50], *sound[55:60], sound[59]]
    sent = [(1000 * n, packet) for n, (_, packet) in enumerate(shuffled)]
    (source,) = look(bundle(sent)).sources
    assert (source.packets, source.lost, source.reordered, source.duplicates) == (56, 5, 1, 1)


def test_an_empty_stretch_and_a_restart_are_told_from_loss() -> None:
    """Edge case 5: packets of padding alone have their place in the numbering."""
    sound = sound_packets()
    padding = [(at, b"\xa0" + packet[1:12] + b"\0\0\0\x04") for at, packet in sound[20:25]]
    again = [(at, packet[:2] + b"\xf0" + packet[3:]) for at, packet in sound[100:]]
    (source,) = look(bundle(sound[:20], padding, sound[25:100], again)).sources
    assert (source.lost, source.empty, source.restarts) == (0, 5, 1)


def test_sender_reports_and_names_are_found_and_join_sound_and_picture() -> None:
    reports = reports_of(1, "bob", 90_000, 4_294_000_000), reports_of(2, "bob", 48_000, 777)
    other = sound_packets(9), reports_of(9, "eve", 48_000, 777)
    found = look(bundle(picture_packets(), sound_packets(), *reports, *other))
    sources = by_ssrc(found)
    assert (sources[1].sender_reports, sources[1].cname) == (3, "bob")
    users = {track["ssrc"]: track["user_id"] for track in guess(found)}
    assert users[1] == users[2] != users[9]


def test_without_names_the_address_joins_sound_and_picture() -> None:
    capture = bundles(
        (ALICE, SFU, [*picture_packets(1), *sound_packets(2)]),
        (BOB, SFU, [*picture_packets(3), *sound_packets(4)]),
    )
    users = {track["ssrc"]: track["user_id"] for track in guess(look(capture))}
    assert users[1] == users[2]
    assert users[3] == users[4]
    assert len(set(users.values())) == 2


def test_ports_of_one_host_that_begin_together_are_one_participant() -> None:
    capture = bundles(
        (("127.0.0.1", 1), ("127.0.0.1", 11), picture_packets()),
        (("127.0.0.1", 2), ("127.0.0.1", 12), sound_packets()),
    )
    assert len({track["user_id"] for track in guess(look(capture))}) == 1


def test_retransmissions_are_tied_to_what_they_repeat() -> None:
    pictures = picture_packets()
    found = look(bundle(pictures, rtx_of(pictures[20:60:4], 11)))
    assert (by_ssrc(found)[11].role, by_ssrc(found)[11].repairs) == (Role.RTX, 1)
    (track,) = guess(found)
    assert track["rtx"] == {"payload_type": 97, "ssrc": 11}


def test_simulcast_is_one_track_with_its_layers_the_largest_first() -> None:
    sizes = {1: (1280, 720), 2: (640, 360), 3: (320, 180)}
    layers = [picture_packets(ssrc, size=size, frame_bytes=size[0]) for ssrc, size in sizes.items()]
    found = look(bundle(*layers[::-1], rtx_of(layers[1][:20], 12)))
    (track,) = guess(found)
    assert track["layers"] == [{"ssrc": 1}, {"ssrc": 2, "rtx_ssrc": 12}, {"ssrc": 3}]
    assert "ssrc" not in track


def test_a_second_picture_beside_the_camera_is_what_is_shared() -> None:
    camera, screen = picture_packets(1), picture_packets(3, size=(1024, 768))
    types = [track["track_type"] for track in guess(look(bundle(camera, screen)))]
    assert sorted(types) == ["screenshare_video", "video"]


def red_of(packets: list[Sent]) -> list[Sent]:
    """Each Opus packet with a copy of the one before it (RFC 2198)."""
    wrapped = []
    for (_, before), (at_us, packet) in pairwise(packets):
        block = struct.pack(">I", 0x80000000 | 111 << 24 | 960 << 10 | len(before) - 12)
        head = packet[:1] + bytes([63]) + packet[2:12]
        wrapped.append((at_us, head + block + bytes([111]) + before[12:] + packet[12:]))
    return wrapped


def test_redundant_audio_is_known_with_the_codec_in_it() -> None:
    found = look(bundle(red_of(sound_packets())))
    (source,) = found.sources
    assert (source.mime_type, source.certainty) == ("audio/opus", "sure")
    (track,) = guess(found)
    assert (track["payload_type"], track["red"]) == (111, {"payload_type": 63})


def test_the_parity_between_redundant_pictures_is_known_by_its_payload_type() -> None:
    """A block of ULPFEC after every fifth packet, in the numbering of the pictures (RFC 5109)."""
    wrapped: list[Sent] = []
    protected: list[bytes] = []
    for at_us, packet in picture_packets():
        number, timestamp = len(wrapped), int.from_bytes(packet[4:8], "big")
        protected.append(packet[:2] + number.to_bytes(2, "big") + packet[4:])
        red = protected[-1][:1] + bytes([packet[1] & 0x80 | 120]) + protected[-1][2:12]
        wrapped.append((at_us, red + bytes([96]) + packet[12:]))
        if len(protected) == 5:
            parity = ulpfec(dict(enumerate(protected)), number - 4)
            header = write_header(120, number + 1, timestamp, 1, False)
            wrapped.append((at_us, header + bytes([121]) + parity))
            protected.clear()
    found = look(bundle(wrapped))
    (source,) = found.sources
    formats = {sent.payload_type: sent.format for sent in source.payload_types}
    assert formats == {120: "red", 96: "vp8", 121: "ulpfec"}
    assert (source.certainty, source.keyframes) == ("sure", 3)
    (track,) = guess(found)
    assert (track["payload_type"], track["red"]) == (96, {"payload_type": 120})
    assert track["fec"] == {"mechanism": "ulpfec", "payload_type": 121}


def test_what_shares_the_ssrc_of_sound_is_named() -> None:
    """Edge case 15 and edge case 16: telephone events and comfort noise are not the codec."""
    sound = sound_packets()
    events = [
        (at, write_header(101, 400 + n, 5, 2, False) + bytes([n % 10, 10, 0, 160]))
        for n, (at, _) in enumerate(sound[:8])
    ]
    noise = [
        (at, write_header(13, 300 + n, 5, 2, False) + b"\x7f")
        for n, (at, _) in enumerate(sound[:4])
    ]
    (source,) = look(bundle(sound, events, noise)).sources
    formats = {sent.payload_type: sent.format for sent in source.payload_types}
    assert formats == {111: "opus", 101: "telephone-event", 13: "cn"}
    assert source.mime_type == "audio/opus"


def test_audio_levels_are_known_by_their_values() -> None:
    sound = [
        (at, write_header(111, n, 960 * n, 2, False, {4: b"0", 7: bytes([n % 100])}) + p[12:])
        for n, (at, p) in enumerate(sound_packets())
    ]
    (track,) = guess(look(bundle(sound)))
    assert track["header_extensions"] == {AUDIO_LEVEL: 7}


def test_noise_is_no_codec() -> None:
    """Edge case 23: a payload that no depacketizer takes is said to be unknown, and not guessed."""
    state, noise = 1, []
    for n in range(300):
        body = bytearray()
        for _ in range(80):
            state = state * 6_364_136_223_846_793_005 + 1442695040888963407 & (1 << 64) - 1
            body.append(state >> 56)
        noise.append((20_000 * n, write_header(98, n, 960 * n, 5, False) + bytes(body)))
    found = look(bundle(noise))
    assert found.sources[0].certainty != "sure"
    assert found.sources[0].role is Role.UNKNOWN
    assert guess(found) == []


def test_files_of_janus_are_paired_by_their_names_and_keep_what_they_say() -> None:
    said = {"c": "vp8", "t": "v", "u": START_US, "x": {"13": "urn:3gpp:video-orientation"}}
    pictures = [(at // 1000, packet) for at, packet in picture_packets()]
    sound = [(at // 1000, packet) for at, packet in sound_packets()]
    found = look(
        mjr(pictures, said),
        mjr(sound, {"c": "opus", "t": "a", "u": START_US}),
        names=("d/room-1-video-1.mjr", "d/room-1-audio-0.mjr"),
    )
    tracks = {track["track_type"]: track for track in guess(found)}
    assert {track["user_id"] for track in tracks.values()} == {"participant-1"}
    assert tracks["video"]["header_extensions"] == {"urn:3gpp:video-orientation": 13}
    assert tracks["video"]["file"] == "room-1-video-1.mjr"


def test_made_arrivals_are_said() -> None:
    found = look(framed([packet for _, packet in sound_packets()]))
    assert found.files[0].arrivals_made
    assert "made from RTP time" in found.files[0].notes[0]
    assert found.sources[0].mime_type == "audio/opus"


def test_the_table_has_a_line_for_each_source() -> None:
    text = tabulate(look(bundle(picture_packets(), sound_packets())))
    assert "0.pcap: pcap, 330 RTP packets, 0 RTCP packets" in text
    assert "0x00000001  video  vp8" in text
    assert "320x180; 3 keyframes" in text
    assert text.isascii()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("codecs/str0m_vp8.pcap", {(0xEEDF3944, "video/vp8", 104, 0, 240, 180)}),
        ("codecs/talk_video.rtpdump", {(0x97832E15, "video/h264", 259, 0, 320, 240)}),
        ("codecs/membrane_demo_h264.pcap", {(0x27F8205F, "video/h264", None, 0, 320, 240)}),
        ("rtp/mjr/av1_opus-alice-audio-0.mjr", {(0xCC60BF82, "audio/opus", 707, 0, None, None)}),
    ],
)
def test_real_captures_are_recognized(
    path: str, expected: set[tuple[int, str, int | None, int, int | None, int | None]]
) -> None:
    found = inspect(captures_of([DATA / path]))
    seen = {
        (s.ssrc, s.mime_type, s.packets, s.lost, s.width, s.height)
        for s in found.sources
        if s.mime_type
    }
    for ssrc, mime_type, packets, lost, width, height in expected:
        (one,) = [s for s in seen if s[0] == ssrc]
        assert one == (ssrc, mime_type, packets or one[2], lost, width, height)
    assert guess(found)
