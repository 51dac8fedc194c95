from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from functions.announce import handler
from isotrack.adapters.stores import open_store
from isotrack.recording.tracks import TrackType
from tests.aws import BUS, TABLE
from tests.builders import EGRESS, MANIFEST_KEY, file, manifest
from tests.functions.conftest import Account

Sample = Callable[[str], dict[str, Any]]


@pytest.fixture
def stores(aws: Account, environment: Callable[..., None], tmp_path: Path) -> Path:
    raw, recordings = tmp_path / "raw", tmp_path / "recordings"
    environment(
        raw_store=raw.as_uri(),
        recordings_store=recordings.as_uri(),
        table=TABLE,
        event_bus=BUS,
        file_retention_days="14",
    )
    body = manifest(TrackType.SCREENSHARE_VIDEO).model_dump_json().encode()
    open_store(raw.as_uri()).put(MANIFEST_KEY, body)
    open_store(recordings.as_uri()).put(file().key, b"MKV")
    open_store(recordings.as_uri()).put(file().sidecar_key, b"{}")
    return tmp_path


def test_a_file_is_announced_on_the_bus(
    stores: Path, aws: Account, sample: Sample, context: LambdaContext
) -> None:
    told = handler(sample("announce.files"), context)
    (event,) = aws.events()
    assert told == {"event_ids": [event["event_id"]]}
    expected = sample("call.recording_ready")
    changing = {"created_at", "call_recording"}
    assert {k: event[k] for k in event if k not in changing} == {
        k: expected[k] for k in expected if k not in changing
    }
    for name in expected["call_recording"].keys() - {"url", "sidecar_url"}:
        assert event["call_recording"][name] == expected["call_recording"][name]
    assert event["call_recording"]["url"].endswith(".mkv")


def test_a_file_announced_twice_is_one_event(
    stores: Path, aws: Account, sample: Sample, context: LambdaContext
) -> None:
    handler(sample("announce.files"), context)
    assert handler(sample("announce.files"), context) == {"event_ids": []}
    assert len(aws.events()) == 1


def test_a_failure_is_announced_once_with_its_reason(
    stores: Path, aws: Account, sample: Sample, context: LambdaContext
) -> None:
    for _ in range(2):
        handler(sample("announce.failure"), context)
    (event,) = aws.events()
    expected = sample("call.recording_failed")
    assert event["type"] == "call.recording_failed"
    assert event["egress_id"] == EGRESS
    assert event["event_id"] == expected["event_id"]
    assert event["error"] == expected["error"]


@pytest.mark.parametrize("event", [{}, {"failure": {}}, {"remuxed": {"files": []}}])
def test_an_input_that_is_neither_files_nor_failure_is_refused(
    stores: Path, event: dict[str, Any], context: LambdaContext
) -> None:
    with pytest.raises(ValidationError):
        handler(event, context)
