"""A control plane in memory that has recordings, and the agents that make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from isotrack.adapters.memory import MemoryStore
from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import StartRecordingRequest
from isotrack.contract.settings import DEFAULT_SETTINGS
from isotrack.control.archive import Archive
from isotrack.control.complete import complete
from isotrack.control.observe import observe
from isotrack.control.start import start
from isotrack.control.stop import stop
from isotrack.control.world import World
from isotrack.pipeline import announce
from isotrack.recording import keys
from isotrack.recording.agents import DesiredState, EgressState, HostedCall
from isotrack.recording.files import RecordingFile
from isotrack.recording.jobs import Job, Remuxed
from isotrack.recording.outputs import OutputType
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Call, Source, TrackType
from tests.builders import CALL, at, file, hosted, manifest, report
from tests.fakes import (
    MemoryExecutions,
    MemoryOutcomeTable,
    MemoryProgressTable,
    MemoryRecordingTable,
)
from tests.worlds import SERVER, MemoryWorld

STOPPED, RUNNING = EgressState.STOPPED, EgressState.RUNNING


@dataclass
class MemoryArchive:
    there: MemoryWorld = field(default_factory=MemoryWorld)
    mode: Mode = Mode.AVAILABLE
    """Where neither a call nor its type says."""
    outcomes: MemoryOutcomeTable = field(default_factory=MemoryOutcomeTable)
    progress: MemoryProgressTable = field(default_factory=MemoryProgressTable)
    raw: MemoryStore = field(default_factory=MemoryStore)
    files: MemoryStore = field(default_factory=MemoryStore)
    executions: MemoryExecutions = field(default_factory=MemoryExecutions)

    @property
    def world(self) -> World:
        """What verbs of calls are given."""
        section = DEFAULT_SETTINGS.individual_recording.model_copy(update={"mode": self.mode})
        default = DEFAULT_SETTINGS.model_copy(update={"individual_recording": section})
        return self.there.world._replace(default=default)

    @property
    def archive(self) -> Archive:
        """What verbs of recordings are given."""
        return Archive(
            calls=self.there.calls,
            outcomes=self.outcomes,
            recordings=MemoryRecordingTable(self.outcomes),
            progress=self.progress,
            raw=self.raw,
            files=self.files,
            bus=self.there.bus,
        )

    def report(self, *calls: HostedCall, agent: str = "sfu-1", seconds: float = 0) -> DesiredState:
        """An agent reports."""
        return observe(
            agent, report(*calls), world=self.world, archive=self.archive, now=at(seconds)
        )

    def start(self, seconds: float = 5, *, caller: Caller = SERVER, **request: Any) -> str:
        """Start to record; the id of the recording."""
        asked = StartRecordingRequest.model_validate(request)
        return start(CALL, asked, caller=caller, world=self.world, now=at(seconds)).egress_id

    def stop(self, seconds: float = 20, *, caller: Caller = SERVER) -> None:
        """Stop to record."""
        stop(CALL, caller=caller, world=self.world, now=at(seconds))

    def record(self, **sealed: int) -> str:
        """A call that was recorded and whose agent has sealed these sessions; the recording's id.

        A session is named by its user: `alice=1` is revision 1 of `alice-1`.
        """
        if CALL not in self.there.calls.records:
            self.there.create()
        self.report(hosted())
        egress_id = self.start()
        self.report(hosted(recordings={egress_id: RUNNING}), seconds=6)
        self.stop()
        sessions = {f"{user}-1": revision for user, revision in sealed.items()}
        over = hosted(recordings={egress_id: STOPPED}, sealed=sessions)
        self.report(over, seconds=21)
        return egress_id

    def capture(self, egress_id: str, user: str) -> str:
        """A manifest of a user; its key."""
        made = manifest(TrackType.AUDIO)
        participant = made.participant.model_copy(
            update={"user_id": user, "user_session_id": f"{user}-1"}
        )
        written = made.model_copy(update={"egress_id": egress_id, "participant": participant})
        key = keys.manifest(keys.session_prefix(CALL, egress_id, f"{user}-1"))
        self.raw.put(key, written.model_dump_json().encode())
        return key

    def plan(self, egress_id: str, user: str, *sources: Source, revision: int = 1) -> None:
        """The jobs of a user are known."""
        self.progress.planned(CALL, egress_id, f"{user}-1", revision, sources)

    def announce(self, made: RecordingFile, seconds: float = 70) -> bool:
        """The job of a file's source has made just that; whether the recording is complete."""
        self.files.put(made.key, b"MKV")
        self.files.put(made.sidecar_key, b"{}")
        prefix = keys.session_prefix(made.call, made.egress_id, made.user_session_id)
        job = Job(
            manifest_key=keys.manifest(prefix),
            revision=made.revision,
            source=made.output_type.source,
        )
        announce.announce_files(
            Remuxed(job=job, files=(made,)), world=self.announcing, now=at(seconds)
        )
        return self.complete(made.egress_id)

    def fail(
        self, manifest_key: str, source: Source | None = None, seconds: float = 70, **more: Any
    ) -> bool:
        """A step has failed for good; whether the recording is complete."""
        error = {"Error": "NothingPlayable", "Cause": "no keyframe"}
        failure = announce.CaughtFailure.model_validate(
            {"manifest_key": manifest_key, "source": source, "error": error, **more}
        )
        announce.announce_failure(failure, raw=self.raw, world=self.announcing, now=at(seconds))
        return self.complete(keys.session_ids(manifest_key).egress_id)

    def complete(self, egress_id: str, call: Call = CALL, holder: str = "execution") -> bool:
        """An execution has ended."""
        return complete(call, egress_id, archive=self.archive, holder=holder)

    @property
    def announcing(self) -> announce.World:
        """What announcing is given."""
        return announce.World(
            outcomes=self.outcomes,
            progress=self.progress,
            bus=self.there.bus,
            recordings=self.files,
        )


def file_of(
    user: str,
    egress_id: str,
    output_type: OutputType = OutputType.AUDIO_VIDEO,
    *,
    revision: int = 1,
    call: Call = CALL,
    **changes: Any,
) -> RecordingFile:
    """A finished file of a user."""
    session = f"{user}-1"
    name = keys.filename(call, user, session, output_type, 1_772_366_400_250)

    def key(ending: str) -> str:
        return keys.recording_file(call, egress_id, session, f"{name}.{ending}", revision)

    fields: dict[str, Any] = {
        "call": call,
        "egress_id": egress_id,
        "user_id": user,
        "user_session_id": session,
        "revision": revision,
        "filename": f"{name}.mkv",
        "key": key("mkv"),
        "sidecar_key": key("json"),
    }
    return file(output_type, **(fields | changes))
