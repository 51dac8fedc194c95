"""What a person sees at the end of the demo."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from infra.local.demo.fetching import Fetched
from infra.local.demo.part import Notice
from infra.local.demo.promises import not_kept, promises
from infra.local.demo.receivers import Receipt
from infra.local.demo.scenario import Join, Leave, Participant, Publish, Scenario
from infra.local.demo.show import LATE_MS, Show, events_table, files_table, how_to_open
from isotrack.adapters.ffmpeg import FileSummary, PictureSize
from isotrack.recording.events import (
    CallRecording,
    CallRecordingReady,
    FileState,
    recording_completed,
    recording_started,
    recording_stopped,
)
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, TrackType

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STARTED = recording_started("default:c", "e", AT)
STOPPED = recording_stopped("default:c", "e", AT + timedelta(seconds=9))
COMPLETED = recording_completed(
    "default:c",
    "e",
    revision=1,
    manifest_key="k",
    manifest_url="http://m",
    participant_session_count=1,
    file_count=1,
    failures=(),
    created_at=AT + timedelta(seconds=12),
)


def _recording(output: OutputType = OutputType.AUDIO_ONLY, codecs: str = "opus") -> CallRecording:
    return CallRecording(
        filename=f"{output}.mkv",
        url="http://u",
        sidecar_url="http://s",
        start_time=AT,
        end_time=AT,
        session_id="s",
        user_id="ann [x]",
        user_session_id="ann-1",
        egress_id="e",
        output_type=output,
        state=FileState.READY,
        codecs=tuple(codecs.split()),
        resolutions=(),
        duration_ms=1_000,
        size_bytes=2_345_678,
        sha256="",
        timeline_offset_ms=1_250,
        storage="isotrack",
        key="k",
        fallback=output is OutputType.AUDIO_ONLY,
        revision=1,
    )


READY = CallRecordingReady(
    created_at=AT, call_cid="default:c", egress_id="e", event_id="r", call_recording=_recording()
)


def _shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_an_event_is_listed_with_how_often_it_came_by_each_way() -> None:
    receipts = [Receipt("webhook", STARTED), Receipt("sqs", STARTED), Receipt("webhook", STARTED)]
    (line,) = (line for line in _shown(events_table(receipts)).splitlines() if "default:c" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "call.recording_started",
        "default:c",
        "03:04:05",
        "2",
        "1",
    ]


def test_a_file_is_listed_with_what_is_really_in_it(tmp_path: Path) -> None:
    file = Fetched(_recording(), tmp_path / "a.mkv", tmp_path / "a.json")
    sizes = (PictureSize(200, 640, 360), PictureSize(10_200, 360, 640))
    shown = _shown(files_table([(file, FileSummary(("h264", "opus"), 21_070, sizes))]))
    (line,) = (line for line in shown.splitlines() if "ann" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "ann [x]",
        "audio_only (fallback)",
        "h264 + opus",
        "640x360, 360x640 from 10.2 s",
        "21.07 s",
        "2,346 kB",
        "+1.250 s",
    ]


def test_the_file_to_open_has_sound_and_pictures_if_one_has() -> None:
    files = [
        Fetched(_recording(), Path("/r/a.mkv"), Path("/r/a.json")),
        Fetched(
            _recording(OutputType.AUDIO_VIDEO, "vp8 opus"), Path("/r/b.mkv"), Path("/r/b.json")
        ),
    ]
    assert how_to_open(files).startswith("Open one: mpv /r/b.mkv ")


@pytest.mark.parametrize(("late_ms", "warned"), [(LATE_MS, False), (LATE_MS + 1, True)])
def test_a_machine_that_cannot_keep_up_is_told_of(late_ms: int, warned: bool) -> None:
    console = Console(file=io.StringIO(), width=160)
    notice = Notice(user_id="ann", at_ms=9_000, did="done", packets_sent=7, latest_ms=late_ms)
    Show(console).notice(notice)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "sent 7 packets" in shown
    assert ("could not keep up" in shown) is warned


def test_what_did_not_come_is_said_for_each_way() -> None:
    ann = Participant(
        user_id="ann",
        user_session_id="ann-1",
        beep_hz=1_000,
        actions=(
            Join(at_ms=0),
            Publish(at_ms=0, track=TrackType.AUDIO, codec="opus"),
            Leave(at_ms=9),
        ),
    )
    call = Call(call_type="default", call_id="c")
    promised = promises(Scenario(call=call, participants=(ann,), stop_ms=9))
    receipts = [
        *(Receipt("webhook", event) for event in (STARTED, STOPPED, READY, COMPLETED)),
        *(Receipt("sqs", event) for event in (STARTED, STOPPED, COMPLETED)),
    ]
    assert not_kept(promised, receipts) == ["call.recording_ready ann-1 audio_only by sqs"]
