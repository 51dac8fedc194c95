from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from isotrack.__main__ import main
from isotrack.adapters import tokens
from isotrack.recording import keys
from isotrack.recording.inspection import Inspection
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.tracks import TrackType
from tests.captures import ALICE, SFU, bundle, bundles, picture_packets, sound_packets
from tests.ebml_reader import read_matroska
from tests.sessions import Session, opus_call, vp8_call


def folder(path: Path, session: Session) -> Path:
    """A session's objects as files, the way they come out of a bucket's folder."""
    for key, body in session.store.objects.items():
        place = path / key.removeprefix(session.prefix)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return path


def call() -> Session:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(3))
    session.capture(TrackType.VIDEO, vp8_call(3))
    session.seal()
    return session


def test_a_folder_of_chunks_becomes_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "in", call())

    assert main(["remux", str(source), "-o", str(tmp_path / "out")]) == 0

    files = sorted((tmp_path / "out").glob("*.mkv"))
    assert [f.name.split("_us-alice_")[1].rpartition("_")[0] for f in files] == [
        "audio_only",
        "audio_video",
        "video_only",
    ]
    for file in files:
        assert read_matroska(file.read_bytes()).blocks
        sidecar = Sidecar.model_validate_json(file.with_suffix(".json").read_bytes())
        assert sidecar.file.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    out = capsys.readouterr().out
    assert f"{files[1]}  3.000 s  vp8 opus 320x180\n" in out


def test_every_session_below_a_folder_is_made_and_a_bad_one_stops_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path / "in" / "b", call())
    (tmp_path / "in" / "a").mkdir()
    (tmp_path / "in" / "a" / keys.MANIFEST_NAME).write_text("{}")

    assert main(["remux", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 1

    assert len(list((tmp_path / "out").glob("*.mkv"))) == 3
    assert f"isotrack: {tmp_path / 'in' / 'a'}: manifest.json: " in capsys.readouterr().err


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = call()
    del session.store.objects[session.tracks[1].chunks[0].key]
    source = folder(tmp_path / "in", session)

    assert main(["remux", str(source), "-o", str(tmp_path / "out")]) == 0

    assert "something is missing: see the sidecar" in capsys.readouterr().out


def test_a_source_of_which_nothing_can_be_played_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(1), mime_type="video/AV1")
    session.seal()
    source = folder(tmp_path / "in", session)

    assert main(["remux", str(source), "-o", str(tmp_path / "out")]) == 1

    assert "NothingPlayable: participant of raw/" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "frames"), [([], 300), (["--tracks-span", "media"], 100)])
def test_options_on_the_command_line_take_the_place_of_the_manifests(
    tmp_path: Path, given: list[str], frames: int
) -> None:
    session = Session(output_types=(OutputType.AUDIO_VIDEO,))
    session.capture(TrackType.AUDIO, opus_call(2))
    session.capture(TrackType.VIDEO, vp8_call(6))
    session.seal()
    source = folder(tmp_path / "in", session)

    assert main(["remux", str(source), "-o", str(tmp_path / "out"), *given]) == 0

    (file,) = (tmp_path / "out").glob("*.mkv")
    tracks = [block.track for block in read_matroska(file.read_bytes()).blocks]
    assert abs(tracks.count(2) - frames) <= 1


def test_a_folder_without_a_manifest_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["remux", str(tmp_path)]) == 1
    assert f"there is no manifest.json in {tmp_path}" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "in", call())
    (tmp_path / "out").write_text("in the way")

    assert main(["remux", str(source), "-o", str(tmp_path / "out")]) == 1
    assert "DestinationError" in capsys.readouterr().err


def test_a_token_is_signed_with_the_secret_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "s" * 32
    monkeypatch.setenv("ISOTRACK_API_SECRET", secret)

    assert main(["token", "--agent", "sfu-1"]) == 0
    assert tokens.verify(capsys.readouterr().out.strip(), secret).agent_id == "sfu-1"

    assert main(["token", "--server"]) == 0
    assert tokens.verify(capsys.readouterr().out.strip(), secret).server


def test_without_a_secret_no_token_is_signed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ISOTRACK_API_SECRET", raising=False)
    assert main(["token", "--server"]) == 1
    assert "ISOTRACK_API_SECRET" in capsys.readouterr().err


def test_a_capture_is_inspected_imported_by_its_guess_and_remuxed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = tmp_path / "call.pcap.gz"
    capture.write_bytes(gzip.compress(bundle(picture_packets(), sound_packets())))

    assert main(["inspect", str(capture)]) == 0
    assert "0x00000001  video  vp8" in capsys.readouterr().out
    assert main(["import", str(capture), "-o", str(tmp_path / "in")]) == 0
    said = capsys.readouterr()
    assert "no --tracks: guessed" in said.err
    assert "participant-1  participant-1-video  180 packets" in said.out
    assert main(["remux", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 0

    (file,) = (tmp_path / "out").glob("*.mkv")
    tracks = read_matroska(file.read_bytes())
    assert {block.track for block in tracks.blocks} == {1, 2}


def test_a_guess_is_written_out_for_editing_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, tracks = tmp_path / "call.pcap", tmp_path / "tracks.json"
    capture.write_bytes(bundle(picture_packets(), sound_packets()))

    assert main(["inspect", str(capture), "-t", str(tracks)]) == 0
    assert main(["inspect", str(capture), "--tracks-json"]) == 0
    assert capsys.readouterr().out == tracks.read_text()
    tracks.write_text(tracks.read_text().replace("participant-1", "alice"))
    arguments = ["import", str(capture), "--tracks", str(tracks), "-o", str(tmp_path / "in")]
    assert main(arguments) == 0
    assert "alice  alice-audio  150 packets" in capsys.readouterr().out
    assert main(arguments) == 1
    assert "import into another folder" in capsys.readouterr().err


def test_an_inspection_is_also_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "call.pcap"
    capture.write_bytes(bundle(sound_packets()))

    assert main(["inspect", "--json", str(capture)]) == 0
    found = Inspection.model_validate_json(capsys.readouterr().out)
    assert found.sources[0].mime_type == "audio/opus"


def test_files_of_one_packet_each_are_one_capture_in_the_order_of_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for number, (_, packet) in enumerate(sound_packets(seconds=1)):
        files.append(tmp_path / f"dump_{number}.rtp")
        files[-1].write_bytes(packet)

    assert main(["inspect", *map(str, sorted(files))]) == 0
    out = capsys.readouterr().out
    assert "packets, 50 RTP packets" in out
    assert "audio  opus" in out


def test_a_mistake_in_tracks_json_and_a_file_that_is_no_capture_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, tracks = tmp_path / "call.pcap", tmp_path / "tracks.json"
    capture.write_bytes(bundle(sound_packets()))
    tracks.write_text('[{"user_id": "alice", "mime": "opus", "payload_type": 200}]')

    assert main(["import", str(capture), "-t", str(tracks), "-o", str(tmp_path / "in")]) == 1
    assert f"{tracks}: tracks[0] (alice, opus): payload_type: " in capsys.readouterr().err
    assert main(["inspect", str(tracks)]) == 1
    assert f"isotrack: {tracks}: the file is not pcap" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "none.pcap")]) == 1


def test_a_codec_that_takes_over_and_is_not_known_leaves_no_bytes_in_the_file(
    tmp_path: Path,
) -> None:
    """Edge case 13: the SSRC goes on with another payload type; the track ends, or has a hole."""
    sound = sound_packets(seconds=2)
    changed = [(at, p[:1] + b"\x12" + p[2:12] + b"G729" * 5) for at, p in sound[50:]]
    capture, tracks = tmp_path / "call.pcap", tmp_path / "tracks.json"
    capture.write_bytes(bundle(sound[:50], changed))
    tracks.write_text('[{"user_id": "alice", "mime": "opus", "payload_type": 111}]')

    arguments = ["import", str(capture), "-t", str(tracks), "-o", str(tmp_path / "in")]
    assert main(arguments) == 0
    assert main(["remux", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 0
    (file,) = (tmp_path / "out").glob("*.mkv")
    body = file.read_bytes()
    assert b"G729" not in body
    assert all(packet[12:] in body for _, packet in sound[:50])


def test_copies_that_a_relay_made_are_in_the_file_once(tmp_path: Path) -> None:
    """Edge case 24: a capture of both sides of a relay has every packet twice."""
    sides = (ALICE, SFU, sound_packets()), (SFU, ("10.0.0.2", 9), sound_packets())
    capture, tracks = tmp_path / "call.pcap", tmp_path / "tracks.json"
    capture.write_bytes(bundles(*sides))
    tracks.write_text('[{"user_id": "alice", "mime": "opus", "payload_type": 111}]')

    arguments = ["import", str(capture), "-t", str(tracks), "-o", str(tmp_path / "in")]
    assert main(arguments) == 0
    assert main(["remux", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 0
    (file,) = (tmp_path / "out").glob("*.mkv")
    assert len(read_matroska(file.read_bytes()).blocks) == 150
