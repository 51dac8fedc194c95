from __future__ import annotations

import json

import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.plan import expect, plan
from isotrack.recording.errors import CorruptInput
from isotrack.recording.jobs import Job, Plan
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Source, TrackType
from tests.builders import CALL, EGRESS, MANIFEST_KEY, manifest
from tests.fakes import MemoryProgressTable


def store(written: Manifest | bytes) -> MemoryStore:
    made = MemoryStore()
    body = written if isinstance(written, bytes) else written.model_dump_json().encode()
    made.put(MANIFEST_KEY, body)
    return made


def job(source: Source) -> Job:
    return Job(manifest_key=MANIFEST_KEY, revision=1, source=source)


@pytest.mark.parametrize(
    ("types", "sources"),
    [
        ([], []),
        ([TrackType.AUDIO], [Source.PARTICIPANT]),
        ([TrackType.AUDIO, TrackType.VIDEO, TrackType.VIDEO], [Source.PARTICIPANT]),
        ([TrackType.SCREENSHARE_AUDIO], [Source.SCREENSHARE]),
        (
            [TrackType.SCREENSHARE_VIDEO, TrackType.AUDIO],
            [Source.PARTICIPANT, Source.SCREENSHARE],
        ),
    ],
)
def test_each_source_with_a_track_has_one_job(
    types: list[TrackType], sources: list[Source]
) -> None:
    planned = plan(MANIFEST_KEY, 1, store=store(manifest(*types)))
    assert planned.manifest_key == MANIFEST_KEY
    assert planned.jobs == tuple(job(source) for source in sources)


def test_a_source_nothing_was_asked_of_has_no_job() -> None:
    made = manifest(
        TrackType.AUDIO, TrackType.SCREENSHARE_VIDEO, output_types=(OutputType.AUDIO_ONLY,)
    )
    assert plan(MANIFEST_KEY, 1, store=store(made)).jobs == (job(Source.PARTICIPANT),)


def test_a_source_that_could_give_nothing_asked_for_has_no_job() -> None:
    made = manifest(TrackType.VIDEO, output_types=(OutputType.AUDIO_ONLY,))
    assert plan(MANIFEST_KEY, 1, store=store(made)).jobs == ()


def test_a_missing_manifest_is_named() -> None:
    with pytest.raises(CorruptInput, match=MANIFEST_KEY):
        plan(MANIFEST_KEY, 1, store=MemoryStore())


def test_a_manifest_that_is_no_json_is_named() -> None:
    with pytest.raises(CorruptInput, match=f"{MANIFEST_KEY}: body: Invalid JSON"):
        plan(MANIFEST_KEY, 1, store=store(b'{"schema_ver'))


def test_a_wrong_field_of_a_manifest_is_named() -> None:
    fields = manifest(TrackType.AUDIO).model_dump(mode="json")
    del fields["tracks"][0]["track"]["clock_rate"]
    with pytest.raises(CorruptInput, match=r"tracks\.0\.track\.clock_rate: Field required"):
        plan(MANIFEST_KEY, 1, store=store(json.dumps(fields).encode()))


def test_a_manifest_of_a_later_revision_is_refused() -> None:
    with pytest.raises(CorruptInput, match="revision: 2, not 1"):
        plan(MANIFEST_KEY, 1, store=store(manifest(revision=2)))


def test_a_manifest_is_planned_again_as_a_higher_revision() -> None:
    (again,) = plan(MANIFEST_KEY, 3, store=store(manifest(TrackType.AUDIO))).jobs
    assert again == job(Source.PARTICIPANT).model_copy(update={"revision": 3})


@pytest.mark.parametrize("sources", [(), (Source.PARTICIPANT, Source.SCREENSHARE)])
def test_what_is_planned_is_expected(sources: tuple[Source, ...]) -> None:
    progress = MemoryProgressTable()
    expect(Plan(manifest_key=MANIFEST_KEY, jobs=tuple(map(job, sources))), 1, progress=progress)
    assert progress.unfinished(CALL, EGRESS, {"alice-1": 1}) == bool(sources)
    for source in sources:
        progress.done(CALL, EGRESS, "alice-1", 1, source)
    assert progress.unfinished(CALL, EGRESS, {"alice-1": 1}) == 0
    assert progress.unfinished(CALL, EGRESS, {"alice-1": 2}) == 1
