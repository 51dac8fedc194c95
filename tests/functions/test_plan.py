from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from functions import runtime
from functions.plan import handler
from isotrack.adapters.stores import open_store
from isotrack.recording.errors import CorruptInput
from isotrack.recording.tracks import Source, TrackType
from tests.aws import TABLE
from tests.builders import CALL, EGRESS, MANIFEST_KEY, manifest
from tests.functions.conftest import Account

Sample = Callable[[str], dict[str, Any]]


@pytest.fixture
def raw(aws: Account, environment: Callable[..., None], tmp_path: Path) -> str:
    url = tmp_path.as_uri()
    environment(raw_store=url, table=TABLE)
    return url


def test_a_manifest_is_planned_as_one_job_for_each_source(
    raw: str, sample: Sample, context: LambdaContext
) -> None:
    body = manifest(TrackType.AUDIO, TrackType.SCREENSHARE_VIDEO).model_dump_json().encode()
    open_store(raw).put(MANIFEST_KEY, body)
    planned = handler(sample("plan"), context)
    job = sample("remux")
    assert planned == {
        "manifest_key": MANIFEST_KEY,
        "jobs": [job, job | {"source": "screenshare"}],
    }


def test_what_is_planned_is_expected_until_it_has_ended(
    raw: str, sample: Sample, context: LambdaContext
) -> None:
    body = manifest(TrackType.AUDIO).model_dump_json().encode()
    open_store(raw).put(MANIFEST_KEY, body)
    handler(sample("plan"), context)
    progress = runtime.progress(TABLE)
    assert progress.unfinished(CALL, EGRESS, {"alice-1": 1}) == 1
    progress.done(CALL, EGRESS, "alice-1", 1, Source.PARTICIPANT)
    assert progress.unfinished(CALL, EGRESS, {"alice-1": 1}) == 0


def test_a_manifest_that_is_not_there_is_corrupt_input(
    raw: str, sample: Sample, context: LambdaContext
) -> None:
    with pytest.raises(CorruptInput, match=MANIFEST_KEY):
        handler(sample("plan"), context)


def test_an_input_without_revision_is_refused_by_field(raw: str, context: LambdaContext) -> None:
    with pytest.raises(ValidationError, match="revision"):
        handler({"manifest_key": MANIFEST_KEY}, context)


def test_an_environment_without_store_is_refused_by_name(
    aws: Account, sample: Sample, context: LambdaContext
) -> None:
    with pytest.raises(ValidationError, match="raw_store"):
        handler(sample("plan"), context)
