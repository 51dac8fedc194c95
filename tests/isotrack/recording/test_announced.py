import json
from typing import Any

import pytest

from isotrack.recording.announced import AnnouncedTrack, read_announced
from isotrack.recording.errors import Invalid
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES
from isotrack.recording.tracks import Fec, Layer, Red, Rtx, TrackType

VP8 = {"user_id": "alice", "mime": "video/VP8", "payload_type": 96}


def one(**said: Any) -> AnnouncedTrack:
    """The only track of a tracks.json."""
    return read_announced(json.dumps([VP8 | said]), "tracks.json").tracks[0]


def test_what_can_be_told_from_the_rest_may_be_left_out() -> None:
    announced = read_announced(
        json.dumps([VP8, {"user_id": "alice", "mime": "opus", "pt": 111}]), "t"
    )
    video, audio = announced.tracks
    assert (video.user_session_id, video.track_id) == ("alice", "alice-video")
    assert (video.track_type, video.clock_rate, video.channels) == (TrackType.VIDEO, 90_000, 1)
    assert (audio.mime_type, audio.payload_type) == ("audio/opus", 111)
    assert (audio.track_type, audio.clock_rate, audio.channels) == (TrackType.AUDIO, 48_000, 2)
    assert (announced.call_type, announced.call_id) == ("default", "import")
    assert announced.output_types == DEFAULT_OUTPUT_TYPES


def test_the_call_is_said_beside_the_tracks() -> None:
    said = {
        "call_cid": "livestream:42",
        "egress_id": "e",
        "recording_started_at": "2026-03-01T12:00:00Z",
        "output_types": ["audio_only"],
        "tracks": [VP8],
    }
    announced = read_announced(json.dumps(said), "t")
    assert (announced.call_type, announced.call_id) == ("livestream", "42")
    assert announced.recording_started_at is not None


@pytest.mark.parametrize(
    ("said", "mime_type"),
    [("VP8", "video/vp8"), ("video/H264", "video/h264"), ("opus/48000/2", "audio/opus")],
)
def test_a_codec_may_be_said_as_sdp_does(said: str, mime_type: str) -> None:
    assert one(mime=said).mime_type == mime_type


def test_static_payload_types_need_not_be_said() -> None:
    (track,) = read_announced('[{"user_id": "a", "mime": "PCMA"}]', "t").tracks
    assert (track.payload_type, track.clock_rate) == (8, 8000)


def test_fmtp_is_an_object_or_the_string_of_sdp() -> None:
    expected = {"packetization-mode": "1", "profile-level-id": "42e01f"}
    assert one(fmtp="packetization-mode=1; profile-level-id=42e01f").fmtp == expected
    assert one(fmtp={"packetization-mode": 1, "profile-level-id": "42e01f"}).fmtp == expected


@pytest.mark.parametrize("said", [4660, "4660", "0x1234", [4660]])
def test_an_ssrc_is_a_number_however_it_is_written(said: Any) -> None:
    assert one(ssrc=said).media_ssrcs == {0x1234}


def test_several_ssrcs_are_layers() -> None:
    assert one(ssrc=["0x1", 2, "3"]).media_ssrcs == {1, 2, 3}


def test_repair_is_said_by_an_object_or_a_payload_type() -> None:
    assert one(rtx=97).rtx == Rtx(payload_type=97)
    assert one(rtx={"pt": 97, "ssrc": "0x10"}).rtx == Rtx(payload_type=97, ssrc=16)
    assert one(red=63).red == Red(payload_type=63)
    flexfec = one(fec={"payload_type": 49, "ssrc": 5}).fec
    assert flexfec == Fec(mechanism="flexfec-03", payload_type=49, ssrc=5)
    assert one(fec={"pt": 49}).fec == Fec(mechanism="ulpfec", payload_type=49)


@pytest.mark.parametrize(
    "said",
    [
        {"layers": [{"rid": "h", "ssrc": 1, "rtx_ssrc": 2}]},
        {"encodings": [{"rid": "h", "ssrc": "0x1", "rtx": {"ssrc": "2"}}]},
    ],
)
def test_layers_may_be_called_encodings(said: dict[str, Any]) -> None:
    track = one(**said)
    assert track.layers == (Layer(rid="h", ssrc=1, rtx_ssrc=2),)
    assert track.repair_ssrcs == {2}
    assert one(rids=["h", "l"]).layers == (Layer(rid="h"), Layer(rid="l"))


@pytest.mark.parametrize(
    "said",
    [
        {"urn:3gpp:video-orientation": 13},
        {"13": "urn:3gpp:video-orientation"},
        [{"uri": "urn:3gpp:video-orientation", "id": 13}],
    ],
)
def test_header_extensions_are_said_in_any_direction(said: Any) -> None:
    assert one(header_extensions=said).header_extensions == {"urn:3gpp:video-orientation": 13}


@pytest.mark.parametrize(
    "flow",
    [
        {"src": "10.0.0.1:4000", "dst": "10.0.0.9:5004"},
        {"src": "10.0.0.1", "dst": ":5004"},
        {"src_ip": "10.0.0.1", "dst_port": 5004},
        {"port": 5004},
        {"rtp_port": 5004, "rtcp_port": 5005},
        "10.0.0.1:4000->10.0.0.9:5004",
        "->:5004",
        ":5004",
        "10.0.0.9:5004",
    ],
)
def test_a_flow_is_said_with_any_part_left_out(flow: Any) -> None:
    track = one(flow=flow)
    assert track.matches_flow("10.0.0.1:4000", "10.0.0.9:5004")
    assert not track.matches_flow("10.0.0.1:4000", "10.0.0.9:5006")
    assert track.matches_flow("", "")  # a format without addresses


def test_addresses_of_ipv6_stand_in_brackets() -> None:
    track = one(flow={"src": "[2001:db8::1]:4000"})
    assert track.matches_flow("[2001:db8::1]:4000", "[2001:db8::9]:1")
    assert not track.matches_flow("[2001:db8::2]:4000", "[2001:db8::9]:1")


def test_a_file_is_named_by_its_name_or_path() -> None:
    track = one(file="b.pcap")
    assert track.matches_file("b.pcap")
    assert track.matches_file("a/b.pcap")
    assert not track.matches_file("ab.pcap")


def test_an_announcement_of_the_agent_is_understood_as_it_is() -> None:
    track = one(rtcp_mux=True, feedback={"host": "127.0.0.1", "port": 5}, track_type="video")
    assert track.track_type is TrackType.VIDEO


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{", "tracks.json: not JSON"),
        ("[" * 100_000, "tracks.json: not JSON"),
        ("3", "tracks.json: "),
        ("{}", "tracks.json: tracks: Field required"),
        ('[{"mime": "vp8"}]', r"tracks.json: tracks\[0\] \(vp8\): user_id: Field required"),
        (json.dumps([VP8, VP8 | {"ssrc": "x"}]), r"tracks\[1\] \(alice, video/VP8\): ssrc.0: "),
        (json.dumps([VP8 | {"payload_type": 128}]), "payload_type: "),
        (json.dumps([VP8 | {"colour": 1}]), "colour: Extra inputs"),
        (json.dumps([VP8 | {"track_type": "audio"}]), "track_type: audio is not video/vp8"),
        (json.dumps([VP8 | {"payload_type": None}]), "payload_type: needed"),
        (json.dumps([VP8 | {"flow": {"port": "x"}}]), "flow.port: "),
        (json.dumps([VP8 | {"flow": ":x"}]), "flow.port: "),
        (json.dumps([VP8 | {"track_id": "v"}, VP8 | {"track_id": "v"}]), "track_id: another"),
    ],
)
def test_a_mistake_is_said_with_file_track_and_field(said: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read_announced(said, "tracks.json")


def test_track_ids_that_nobody_gave_do_not_collide() -> None:
    tracks = read_announced(json.dumps([VP8, VP8, VP8 | {"track_id": "alice-video"}]), "t").tracks
    assert [track.track_id for track in tracks] == ["alice-video-2", "alice-video-3", "alice-video"]
