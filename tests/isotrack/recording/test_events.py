from __future__ import annotations

import json
from datetime import timedelta, timezone

from pydantic import TypeAdapter

from isotrack.recording import events
from isotrack.recording.events import Event
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Source
from tests.builders import CALL, EGRESS, NOON, at, file

COMPATIBLE = {"type", "created_at", "call_cid", "egress_id", "recording_type"}


def ready(**changes: object) -> events.CallRecordingReady:
    made = file(**changes)  # type: ignore[arg-type]
    return events.recording_ready(
        made, url="https://x/f", sidecar_url="https://x/s", created_at=NOON
    )


def failure(**changes: object) -> RecordingFailure:
    reason = FailureReason(
        code="NothingPlayable",
        message="no keyframe",
        user_id="alice",
        user_session_id="alice-1",
        source=Source.SCREENSHARE,
        retryable=False,
    ).model_copy(update=changes)
    return RecordingFailure(call=CALL, egress_id=EGRESS, reason=reason)


def test_started_and_stopped_have_the_five_compatible_fields_and_an_id() -> None:
    for event in (
        events.recording_started(CALL.cid, EGRESS, NOON),
        events.recording_stopped(CALL.cid, EGRESS, NOON),
    ):
        written = json.loads(event.model_dump_json())
        assert set(written) == COMPATIBLE | {"event_id"}
        assert written["call_cid"] == "default:standup"
        assert written["egress_id"] == EGRESS
        assert written["recording_type"] == "individual"


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    event = events.recording_started(CALL.cid, EGRESS, berlin)
    assert json.loads(event.model_dump_json())["created_at"] == "2026-03-01T12:00:00.250000Z"
    whole = events.recording_started(CALL.cid, EGRESS, at(0.75))
    assert json.loads(whole.model_dump_json())["created_at"] == "2026-03-01T12:00:01.000000Z"


def test_ready_shows_the_file_in_the_compatible_fields_and_ours() -> None:
    written = json.loads(ready().model_dump_json())
    assert set(written) == COMPATIBLE | {"event_id", "call_recording"}
    assert written["call_recording"] == {
        "filename": file().filename,
        "url": "https://x/f",
        "start_time": "2026-03-01T12:00:02.250000Z",
        "end_time": "2026-03-01T12:01:00.250000Z",
        "session_id": "session-1",
        "recording_type": "individual",
        "user_id": "alice",
        "user_session_id": "alice-1",
        "egress_id": EGRESS,
        "output_type": "audio_video",
        "state": "ready",
        "codecs": ["opus", "vp8"],
        "resolutions": [{"width": 1280, "height": 720, "at_ms": 0}],
        "duration_ms": 58_000,
        "size_bytes": 4_200_000,
        "sha256": "ab" * 32,
        "timeline_offset_ms": 2000,
        "storage": "isotrack",
        "key": file().key,
        "sidecar_url": "https://x/s",
        "fallback": False,
        "revision": 1,
    }


def test_a_file_that_lacks_something_captured_is_partial() -> None:
    assert ready(complete=False).call_recording.state == "partial"


def completed(failures: int = 0, revision: int = 1) -> events.CallRecordingCompleted:
    return events.recording_completed(
        CALL.cid,
        EGRESS,
        revision=revision,
        manifest_key="recording.json",
        manifest_url="https://x/m",
        participant_session_count=2,
        file_count=3,
        failures=[failure(message=f"number {number}").reason for number in range(failures)],
        created_at=NOON,
    )


def test_completed_says_how_much_there_is_and_where() -> None:
    written = json.loads(completed(failures=1).model_dump_json())
    assert written == {
        "type": "call.recording_completed",
        "created_at": "2026-03-01T12:00:00.250000Z",
        "call_cid": "default:standup",
        "event_id": completed().event_id,
        "egress_id": EGRESS,
        "recording_type": "individual",
        "revision": 1,
        "manifest_url": "https://x/m",
        "manifest_key": "recording.json",
        "participant_session_count": 2,
        "file_count": 3,
        "failure_count": 1,
        "failures": [json.loads(failure(message="number 0").reason.model_dump_json())],
    }


def test_completed_tells_the_first_of_very_many_failures_and_their_number() -> None:
    event = completed(failures=1000)
    assert event.failure_count == 1000
    assert [reason.message for reason in event.failures] == [f"number {n}" for n in range(50)]
    assert len(event.model_dump_json()) < 256 * 1024


def test_failed_says_why_and_whose() -> None:
    written = json.loads(events.recording_failed(failure(), NOON).model_dump_json())
    assert set(written) == COMPATIBLE | {"event_id", "error"}
    assert written["error"] == {
        "code": "NothingPlayable",
        "message": "no keyframe",
        "user_id": "alice",
        "user_session_id": "alice-1",
        "source": "screenshare",
        "retryable": False,
    }


def test_an_event_about_the_same_thing_has_the_same_id() -> None:
    assert ready().event_id == ready(sha256="cd" * 32).event_id
    assert (
        events.recording_failed(failure(), NOON).event_id
        == events.recording_failed(failure(message="another"), at(9)).event_id
    )


def test_events_about_different_things_have_different_ids() -> None:
    ids = [
        events.recording_started(CALL.cid, EGRESS, NOON).event_id,
        events.recording_stopped(CALL.cid, EGRESS, NOON).event_id,
        events.recording_started(CALL.cid, "another", NOON).event_id,
        ready().event_id,
        ready(revision=2).event_id,
        ready(output_type=OutputType.AUDIO_ONLY).event_id,
        events.recording_failed(failure(), NOON).event_id,
        events.recording_failed(failure(source=Source.PARTICIPANT), NOON).event_id,
        events.recording_failed(failure(source=None), NOON).event_id,
        events.recording_failed(failure(user_session_id="alice-2"), NOON).event_id,
        completed().event_id,
        completed(revision=2).event_id,
    ]
    assert len(set(ids)) == len(ids)


def test_an_event_id_never_changes_between_versions() -> None:
    event = events.recording_started("default:standup", "e-1", NOON)
    assert event.event_id == "21b51adc-91d9-5fda-9a00-655c46335a97"


def test_an_event_is_read_back_by_its_type() -> None:
    adapter: TypeAdapter[Event] = TypeAdapter(Event)
    for event in (
        events.recording_started(CALL.cid, EGRESS, NOON),
        events.recording_stopped(CALL.cid, EGRESS, NOON),
        ready(),
        events.recording_failed(failure(), NOON),
        completed(failures=1),
    ):
        assert adapter.validate_json(event.model_dump_json()) == event
