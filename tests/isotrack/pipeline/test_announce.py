from __future__ import annotations

import json

import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.announce import (
    CaughtFailure,
    World,
    announce_failure,
    announce_files,
    describe_failure,
)
from isotrack.recording.errors import Invalid, Transient
from isotrack.recording.events import CallRecordingFailed, CallRecordingReady
from isotrack.recording.files import RecordingFile
from isotrack.recording.jobs import Job, Remuxed
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Source, TrackType
from tests.builders import CALL, EGRESS, MANIFEST_KEY, at, file, manifest
from tests.fakes import MemoryBus, MemoryOutcomeTable, MemoryProgressTable

FILES = (file(OutputType.AUDIO_ONLY), file(OutputType.AUDIO_VIDEO))
JOB = Job(manifest_key=MANIFEST_KEY, revision=1, source=Source.PARTICIPANT)


def world() -> World:
    return World(
        outcomes=MemoryOutcomeTable(),
        progress=MemoryProgressTable(),
        bus=MemoryBus(),
        recordings=MemoryStore(),
    )


def remuxed(*files: RecordingFile, job: Job = JOB) -> Remuxed:
    return Remuxed(job=job, files=files)


def ended(of: World, source: Source, revision: int = 1) -> bool:
    """Whether a job of this source counts as ended."""
    assert isinstance(of.progress, MemoryProgressTable)
    of.progress.planned(CALL, EGRESS, "alice-1", revision, [source])
    return of.progress.unfinished(CALL, EGRESS, {"alice-1": revision}) == 0


def bus(of: World) -> MemoryBus:
    assert isinstance(of.bus, MemoryBus)
    return of.bus


def raw() -> MemoryStore:
    store = MemoryStore()
    store.put(MANIFEST_KEY, manifest(TrackType.VIDEO).model_dump_json().encode())
    return store


def caught(error: str = "NothingPlayable", cause: str = "", **more: object) -> CaughtFailure:
    return CaughtFailure.model_validate(
        {
            "manifest_key": MANIFEST_KEY,
            "source": "participant",
            "error": {"Error": error, "Cause": cause},
            **more,
        }
    )


def lambda_cause(message: str) -> str:
    return json.dumps(
        {"errorMessage": message, "errorType": "NothingPlayable", "stackTrace": ["secret"]}
    )


def test_each_file_is_told_with_links_to_it_and_its_sidecar() -> None:
    there = world()
    ids = announce_files(remuxed(*FILES), world=there, now=at(70))
    events = bus(there).events
    assert tuple(event.event_id for event in events) == ids
    for event, told in zip(events, FILES, strict=True):
        assert isinstance(event, CallRecordingReady)
        assert event.created_at == at(70)
        assert event.call_recording.key == told.key
        assert event.call_recording.url == there.recordings.url(told.key, expires_seconds=604_800)
        assert event.call_recording.sidecar_url == there.recordings.url(
            told.sidecar_key, expires_seconds=604_800
        )


def test_files_announced_twice_are_told_once() -> None:
    there = world()
    announce_files(remuxed(*FILES), world=there, now=at(70))
    assert announce_files(remuxed(*FILES), world=there, now=at(80)) == ()
    assert len(bus(there).events) == 2


def test_a_run_that_broke_before_its_mark_tells_the_same_event_again() -> None:
    there = world()
    bus(there).refusals = 1
    with pytest.raises(Transient):
        announce_files(remuxed(*FILES), world=there, now=at(70))
    announce_files(remuxed(*FILES), world=there, now=at(80))
    assert [event.created_at for event in bus(there).events] == [at(70), at(70)]
    assert len({event.event_id for event in bus(there).events}) == 2


def test_only_the_file_not_told_before_is_told() -> None:
    there = world()
    announce_files(remuxed(*FILES[:1]), world=there, now=at(70))
    announce_files(remuxed(*FILES), world=there, now=at(80))
    told = [
        event.call_recording.output_type
        for event in bus(there).events
        if isinstance(event, CallRecordingReady)
    ]
    assert told == ["audio_only", "audio_video"]


def test_a_job_without_files_tells_nothing() -> None:
    there = world()
    assert announce_files(remuxed(), world=there, now=at(70)) == ()
    assert bus(there).events == []


def test_a_job_has_ended_when_its_files_are_told_also_when_it_has_none() -> None:
    there = world()
    announce_files(remuxed(), world=there, now=at(70))
    assert ended(there, Source.PARTICIPANT)
    assert not ended(there, Source.SCREENSHARE)
    assert not ended(there, Source.PARTICIPANT, revision=2)
    again = JOB.model_copy(update={"revision": 2})
    announce_files(remuxed(job=again), world=there, now=at(80))
    assert ended(there, Source.PARTICIPANT, revision=2)


def test_a_job_whose_files_could_not_be_told_has_not_ended() -> None:
    there = world()
    bus(there).refusals = 1
    with pytest.raises(Transient):
        announce_files(remuxed(*FILES), world=there, now=at(70))
    assert not ended(there, Source.PARTICIPANT)


@pytest.mark.parametrize(
    ("source", "over"),
    [
        ("screenshare", {Source.SCREENSHARE}),
        (None, {Source.PARTICIPANT, Source.SCREENSHARE}),
    ],
)
def test_a_job_that_failed_has_ended_and_a_plan_that_failed_all_of_them(
    source: str | None, over: set[Source]
) -> None:
    there = world()
    announce_failure(caught(source=source), raw=raw(), world=there, now=at(70))
    assert {each for each in Source if ended(there, each)} == over


def test_a_failure_is_told_once_with_its_reason_and_whose_it_is() -> None:
    there = world()
    failure = caught(cause=lambda_cause("no keyframe in video"))
    announce_failure(failure, raw=raw(), world=there, now=at(70))
    announce_failure(failure, raw=raw(), world=there, now=at(80))
    (event,) = bus(there).events
    assert isinstance(event, CallRecordingFailed)
    assert event.call_cid == CALL.cid
    assert event.egress_id == EGRESS
    assert event.created_at == at(70)
    assert event.error.model_dump() == {
        "code": "NothingPlayable",
        "message": "no keyframe in video",
        "user_id": "alice",
        "user_session_id": "alice-1",
        "source": Source.PARTICIPANT,
        "retryable": False,
    }


def test_failures_of_two_sources_are_two_events() -> None:
    there = world()
    announce_failure(caught(), raw=raw(), world=there, now=at(70))
    announce_failure(caught(source="screenshare"), raw=raw(), world=there, now=at(70))
    announce_failure(caught(source=None), raw=raw(), world=there, now=at(70))
    assert len({event.event_id for event in bus(there).events}) == 3


@pytest.mark.parametrize("store", [MemoryStore(), raw()], ids=["missing", "corrupt"])
def test_without_a_readable_manifest_the_key_says_whose_failure_it_is(store: MemoryStore) -> None:
    if store.objects:
        store.put(MANIFEST_KEY, b"{")
    failure = describe_failure(caught("CorruptInput", source=None), store)
    assert failure.call == CALL
    assert failure.egress_id == EGRESS
    assert failure.reason.user_session_id == "alice-1"
    assert failure.reason.user_id is None


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (lambda_cause("why"), "why"),
        ("plain words", "plain words"),
        ("", "NothingPlayable"),
        ("[1, 2]", "[1, 2]"),
        ('{"errorMessage": 7}', '{"errorMessage": 7}'),
        ('{"errorMessage": ""}', '{"errorMessage": ""}'),
        ('{"errorMessage": "torn', '{"errorMessage": "torn'),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_the_message_is_what_can_be_read_of_the_cause(cause: str, message: str) -> None:
    assert describe_failure(caught(cause=cause), raw()).reason.message == message


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        ("Transient", True),
        ("States.Timeout", True),
        ("Lambda.TooManyRequestsException", True),
        ("CorruptInput", False),
        ("NothingPlayable", False),
        ("DestinationError", False),
        ("KeyError", False),
    ],
)
def test_a_failure_says_whether_it_may_work_another_time(error: str, retryable: bool) -> None:
    assert describe_failure(caught(error), raw()).reason.retryable is retryable


def test_a_failure_of_what_is_no_manifest_is_refused() -> None:
    with pytest.raises(Invalid, match="not the key of a manifest"):
        describe_failure(caught(manifest_key="raw/elsewhere"), raw())
