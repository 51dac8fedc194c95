"""What came of recordings, and how far they are, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from isotrack.adapters.dynamodb_keys import join, ordinal
from isotrack.control.ports import Page
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import OutcomeRecord, RecordingFailure
from isotrack.recording.tracks import Call, Source
from tests.twins.pages import page_of, token


class MemoryOutcomeTable:
    def __init__(self) -> None:
        self.records: dict[tuple[Call, str], OutcomeRecord] = {}
        self.deleted: dict[tuple[Call, str], datetime] = {}

    def keep(
        self, outcome: RecordingFile | RecordingFailure, created_at: datetime
    ) -> OutcomeRecord:
        fresh = OutcomeRecord(outcome=outcome, created_at=created_at)
        return self.records.setdefault(_key(outcome), fresh)

    def mark_announced(self, outcome: RecordingFile | RecordingFailure) -> None:
        key = _key(outcome)
        if key in self.records:
            self.records[key] = self.records[key].model_copy(update={"announced": True})


class MemoryRecordingTable:
    """Lists what an outcome table has."""

    def __init__(self, outcomes: MemoryOutcomeTable) -> None:
        self._outcomes = outcomes

    def page(
        self, call: Call, *, egress_id: str | None = None, limit: int, after: str | None = None
    ) -> Page[OutcomeRecord]:
        shown = {
            key: record
            for key, record in self._shown(call).items()
            if egress_id is None or record.outcome.egress_id == egress_id
        }
        return page_of(shown, limit, after)

    def position(self, outcome: RecordingFile, *, egress_id: str | None = None) -> str:
        del egress_id  # a key is the same in all lists here
        return token(_key(outcome)[1])

    def named(self, call: Call, call_session_id: str, filename: str) -> Sequence[OutcomeRecord]:
        return [
            record
            for _, record in sorted(self._shown(call).items())
            if isinstance(record.outcome, RecordingFile)
            and record.outcome.call_session_id == call_session_id
            and record.outcome.filename == filename
        ]

    def mark_deleted(self, file: RecordingFile, at: datetime) -> None:
        if _key(file) in self._outcomes.records:
            self._outcomes.deleted.setdefault(_key(file), at)
            self._outcomes.mark_announced(file)

    def _shown(self, call: Call) -> dict[str, OutcomeRecord]:
        records, deleted = self._outcomes.records, self._outcomes.deleted
        return {key[1]: records[key] for key in records if key[0] == call and key not in deleted}


class MemoryProgressTable:
    def __init__(self) -> None:
        self.jobs: dict[tuple[Call, str, str, int], set[Source]] = {}
        self.ended: dict[tuple[Call, str, str, int], set[Source | None]] = {}
        self.claims: dict[tuple[Call, str, int], str] = {}
        self.told: set[tuple[Call, str, int]] = set()

    def planned(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        sources: Sequence[Source],
    ) -> None:
        self.jobs[call, egress_id, user_session_id, revision] = set(sources)

    def done(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        source: Source | None,
    ) -> None:
        key = (call, egress_id, user_session_id, revision)
        self.ended.setdefault(key, set()).add(source)

    def unfinished(self, call: Call, egress_id: str, expected: Mapping[str, int]) -> int:
        return sum(
            not self._over((call, egress_id, session, revision))
            for session, revision in expected.items()
        )

    def claim(self, call: Call, egress_id: str, revision: int, holder: str) -> bool:
        key = (call, egress_id, revision)
        return self.claims.setdefault(key, holder) == holder and key not in self.told

    def complete(self, call: Call, egress_id: str, revision: int) -> None:
        self.told.add((call, egress_id, revision))

    def _over(self, key: tuple[Call, str, str, int]) -> bool:
        ended = self.ended.get(key, set())
        return None in ended or (key in self.jobs and self.jobs[key] <= ended)


def _key(outcome: RecordingFile | RecordingFailure) -> tuple[Call, str]:
    revision = ordinal(outcome.revision)
    if isinstance(outcome, RecordingFile):
        return outcome.call, join(outcome.egress_id, "file", outcome.filename, revision)
    session = outcome.reason.user_session_id or "all"
    source = "all" if outcome.reason.source is None else outcome.reason.source.value
    return outcome.call, join(outcome.egress_id, "failure", session, source, revision)
