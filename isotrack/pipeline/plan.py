"""Decide the jobs of a manifest: one for each source that can give a file."""

from __future__ import annotations

from isotrack.pipeline.ports import ObjectMissing, ObjectStore, Progress
from isotrack.recording import keys
from isotrack.recording.errors import CorruptInput
from isotrack.recording.jobs import Job, Plan
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import resolve_outputs
from isotrack.recording.tracks import Source
from isotrack.recording.validation import stored


def read_manifest(manifest_key: str, store: ObjectStore) -> Manifest:
    """Read a manifest. Raises CorruptInput, which names the key and what is wrong."""
    try:
        body = store.get(manifest_key)
    except ObjectMissing as problem:
        raise CorruptInput(f"there is no manifest {manifest_key}") from problem
    return stored(Manifest, body, manifest_key)


def expect(planned: Plan, revision: int, *, progress: Progress) -> None:
    """Note the jobs of a manifest, so that it is known when all of them have ended.

    Raises:
        Invalid: the key is not that of a manifest.
        Transient: the table is busy.
    """
    ids = keys.session_ids(planned.manifest_key)
    sources = [job.source for job in planned.jobs]
    progress.planned(ids.call, ids.egress_id, ids.user_session_id, revision, sources)


def plan(manifest_key: str, revision: int, *, store: ObjectStore) -> Plan:
    """Read a manifest and give its jobs, in the order of `Source`.

    A source whose tracks, were all of them playable, could give none of the output types asked for
    has no job: that nothing is made of it is no failure.

    Args:
        manifest_key: of the manifest.
        revision: of the files: that of the manifest, or a higher one to make them again.
        store: holds the manifest.

    Raises:
        CorruptInput: the manifest cannot be read, or is of a later revision.
    """
    manifest = read_manifest(manifest_key, store)
    if manifest.revision > revision:
        raise CorruptInput(f"{manifest_key}: revision: {manifest.revision}, not {revision}")
    types = [captured.track.track_type for captured in manifest.tracks]
    jobs = []
    for source in Source:
        announced = {track_type.kind for track_type in types if track_type.source is source}
        if resolve_outputs(manifest.output_types, announced, source):
            jobs.append(Job(manifest_key=manifest_key, revision=revision, source=source))
    return Plan(manifest_key=manifest_key, jobs=tuple(jobs))
