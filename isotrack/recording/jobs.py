"""What passes between the steps of the state machine: small references, never bodies."""

from __future__ import annotations

from isotrack.recording.files import RecordingFile
from isotrack.recording.tracks import Frozen, Source


class Job(Frozen):
    """Make the files of one source of one participant session."""

    manifest_key: str
    revision: int
    source: Source


class Plan(Frozen):
    """All jobs of a manifest; none when nothing was published."""

    manifest_key: str
    jobs: tuple[Job, ...]


class Remuxed(Frozen):
    """What came of a job: its files, in the order of `OutputType`."""

    job: Job
    files: tuple[RecordingFile, ...]
