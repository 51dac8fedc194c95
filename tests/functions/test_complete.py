from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from functions import runtime
from functions.complete import handler
from isotrack.adapters.stores import open_store
from isotrack.calls.egresses import Egress, EgressStatus
from isotrack.recording import keys
from isotrack.recording.errors import Invalid
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES
from isotrack.recording.tracks import Source
from tests.aws import BUS, TABLE
from tests.builders import CALL, EGRESS, MANIFEST_KEY, NOON, at, file
from tests.functions.conftest import Account

ENDED = {"manifest_key": MANIFEST_KEY}


@pytest.fixture
def recordings(aws: Account, environment: Callable[..., None], tmp_path: Path) -> Path:
    """The store of recordings; Alice was recorded, and her one file is announced."""
    raw, recordings = tmp_path / "raw", tmp_path / "recordings"
    environment(
        raw_store=raw.as_uri(),
        recordings_store=recordings.as_uri(),
        table=TABLE,
        event_bus=BUS,
        file_retention_days="36500",
    )
    archive = runtime.archive(TABLE, BUS, raw.as_uri(), recordings.as_uri(), 36500)
    archive.outcomes.keep(file(), at(70))
    archive.progress.planned(CALL, EGRESS, "alice-1", 1, [Source.PARTICIPANT])
    stopped = Egress(
        egress_id=EGRESS,
        call_session_id="session-1",
        started_at=NOON,
        output_types=DEFAULT_OUTPUT_TYPES,
        status=EgressStatus.STOPPED,
        ended_at=at(60),
        sealed={"alice-1": 1},
    )
    archive.calls.keep_stopped(CALL, stopped)
    return recordings


def end_the_job() -> None:
    runtime.progress(TABLE).done(CALL, EGRESS, "alice-1", 1, Source.PARTICIPANT)


def test_the_last_execution_of_a_recording_completes_it_once(
    recordings: Path, aws: Account, context: LambdaContext
) -> None:
    assert handler(ENDED, context) == {"completed": False}
    end_the_job()
    assert [handler(ENDED, context) for _ in range(2)] == [
        {"completed": True},
        {"completed": False},
    ]
    (event,) = aws.events()
    assert event["type"] == "call.recording_completed"
    assert event["created_at"] == "2026-03-01T12:01:10.250000Z"
    assert (event["file_count"], event["failure_count"]) == (1, 0)
    body = open_store(recordings.as_uri()).get(event["manifest_key"])
    (participant,) = json.loads(body)["participants"]
    assert [made["filename"] for made in participant["files"]] == [file().filename]


def test_an_execution_of_a_recording_nobody_kept_completes_nothing(
    recordings: Path, aws: Account, context: LambdaContext
) -> None:
    prefix = keys.session_prefix(CALL, "another-egress", "alice-1")
    assert handler({"manifest_key": keys.manifest(prefix)}, context) == {"completed": False}
    assert aws.events() == []


@pytest.mark.parametrize(
    ("event", "error"), [({}, ValidationError), ({"manifest_key": "raw/x"}, Invalid)]
)
def test_an_input_that_names_no_manifest_is_refused(
    recordings: Path, event: dict[str, Any], error: type[Exception], context: LambdaContext
) -> None:
    with pytest.raises(error):
        handler(event, context)
