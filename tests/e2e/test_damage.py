"""Chunks that are missing or damaged, through the whole service: what can be made is made."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from infra.local.demo.receivers import Receipt
from infra.local.demo.rehearsal import Rehearsal
from isotrack.recording import keys
from isotrack.recording.events import CallRecordingFailed, CallRecordingReady, FileState
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, TrackType
from tests.sessions import Session, opus_call, vp8_call

pytestmark = pytest.mark.e2e

ANSWER_SECONDS = 60.0
SECONDS = 12
"""Of each call; a chunk holds 5 s of it, so a track has three."""


def _captured(name: str) -> Session:
    """What an agent leaves of a call of that name, with sound and pictures."""
    call = Call(call_type="default", call_id=name)
    prefix = keys.session_prefix(call, f"egress-{name}", "us-alice")
    session = Session(prefix=prefix, output_types=(OutputType.AUDIO_VIDEO,))
    session.capture(TrackType.AUDIO, opus_call(SECONDS))
    session.capture(TrackType.VIDEO, vp8_call(SECONDS))
    manifest = session.seal(call=call, egress_id=f"egress-{name}")
    assert [len(track.chunks) for track in manifest.tracks] == [3, 3]
    return session


def _upload(rehearsal: Rehearsal, session: Session) -> None:
    """Put a session into the raw bucket as an agent does, the manifest last."""
    bucket, s3 = rehearsal.stack.outputs["RawBucket"], rehearsal.stack.client("s3")
    objects = dict(session.store.objects)
    manifest = objects.pop(session.manifest_key)
    for key, body in [*objects.items(), (session.manifest_key, manifest)]:
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    s3.close()


def _told(rehearsal: Rehearsal, name: str, count: int) -> list[Receipt]:
    """What webhook and SQS were told of a call, once it is that much."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        told = [r for r in rehearsal.inbox.receipts if r.event.call_cid == f"default:{name}"]
        if len(told) >= count:
            return told
        rehearsal.inbox.wait(1)
    pytest.fail(f"of {name}, no {count} messages came within {ANSWER_SECONDS} s")


def _chunk_keys(session: Session, track: int) -> list[str]:
    manifest = Manifest.model_validate_json(session.store.objects[session.manifest_key])
    return [chunk.key for chunk in manifest.tracks[track].chunks]


def test_a_file_is_made_of_what_is_left_and_its_sidecar_says_what_is_not(
    rehearsal: Rehearsal,
) -> None:
    session = _captured("damaged")
    missing, corrupt = _chunk_keys(session, 0)[1], _chunk_keys(session, 1)[2]
    del session.store.objects[missing]
    session.store.objects[corrupt] = b"not a dump" + session.store.objects[corrupt][10:]
    _upload(rehearsal, session)

    told = _told(rehearsal, "damaged", 2)

    assert {(r.via, type(r.event)) for r in told} == {
        ("webhook", CallRecordingReady),
        ("sqs", CallRecordingReady),
    }
    (file,) = {r.event.event_id: r.event.call_recording for r in told}.values()
    assert file.state is FileState.PARTIAL
    assert file.output_type == "audio_video"
    sidecar = json.loads(httpx.get(file.sidecar_url).content)
    problems = {chunk["key"]: chunk["problem"] for chunk in sidecar["missing_chunks"]}
    assert problems == {missing: "missing", corrupt: "corrupt"}
    (lost,) = [hole for hole in sidecar["tracks"][1]["filled"] if hole["reason"] == "lost"]
    # The second of three chunks of sound: what came from 5 s to 10 s.
    assert lost["start_ms"] == pytest.approx(5000, abs=50)
    assert lost["end_ms"] == pytest.approx(10_000, abs=50)


def test_when_nothing_can_be_played_the_failure_says_why(rehearsal: Rehearsal) -> None:
    session = _captured("lost")
    for track in (0, 1):
        for key in _chunk_keys(session, track):
            del session.store.objects[key]
    _upload(rehearsal, session)

    told = _told(rehearsal, "lost", 2)

    assert {(r.via, type(r.event)) for r in told} == {
        ("webhook", CallRecordingFailed),
        ("sqs", CallRecordingFailed),
    }
    error = told[0].event.error
    assert error.code == "NothingPlayable"
    assert "6 chunks are not usable" in error.message
    assert (error.user_id, error.user_session_id) == ("alice", "us-alice")
    assert not error.retryable
