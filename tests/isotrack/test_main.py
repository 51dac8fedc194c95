from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from isotrack.__main__ import main
from isotrack.adapters import tokens
from isotrack.recording import keys
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.tracks import TrackType
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
