"""One contract for the tables in memory and in DynamoDB (moto): outcomes and progress."""

from __future__ import annotations

import pytest

from isotrack.recording.errors import Invalid
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import FailureReason, OutcomeRecord, RecordingFailure
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Source
from tests.builders import CALL, EGRESS, at, file
from tests.tables import Tables

OTHER_CALL = Call(call_type="default", call_id="standup#2")
BOTH = (Source.PARTICIPANT, Source.SCREENSHARE)


def failure(source: Source | None = None, session: str | None = "a") -> RecordingFailure:
    reason = FailureReason(
        code="CorruptInput", message="torn", user_session_id=session, source=source, retryable=False
    )
    return RecordingFailure(call=CALL, egress_id=EGRESS, reason=reason)


def numbered(number: int, **changes: object) -> RecordingFile:
    return file(filename=f"individual_{number:03}.mkv", **changes)


def listed(tables: Tables, *, egress_id: str | None = None, size: int = 4) -> list[OutcomeRecord]:
    """All pages of the call."""
    records: list[OutcomeRecord] = []
    after: str | None = None
    for _ in range(100):
        page = tables.recordings.page(CALL, egress_id=egress_id, limit=size, after=after)
        assert len(page.items) <= size
        records += page.items
        after = page.next
        if after is None:
            return records
    raise AssertionError("the pages have no end")


class TestOutcomeTable:
    def test_the_first_writer_says_when_a_file_was_known(self, tables: Tables) -> None:
        first = tables.outcomes.keep(file(), at(70))
        assert (first.outcome, first.created_at, first.announced) == (file(), at(70), False)
        assert tables.outcomes.keep(file(sha256="cd" * 32), at(80)) == first

    def test_an_announced_file_is_known_as_such(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.outcomes.mark_announced(file())
        kept = tables.outcomes.keep(file(), at(80))
        assert (kept.announced, kept.created_at, kept.outcome) == (True, at(70), file())

    def test_files_and_revisions_are_kept_apart(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.outcomes.mark_announced(file())
        assert not tables.outcomes.keep(file(OutputType.AUDIO_ONLY), at(70)).announced
        assert not tables.outcomes.keep(file(revision=2), at(70)).announced

    def test_failures_are_kept_by_source(self, tables: Tables) -> None:
        for source in (None, *Source):
            assert not tables.outcomes.keep(failure(source), at(70)).announced
            tables.outcomes.mark_announced(failure(source))
            kept = tables.outcomes.keep(failure(source), at(80))
            assert (kept.outcome, kept.announced) == (failure(source), True)

    def test_what_was_never_kept_is_not_made_by_marking_it(self, tables: Tables) -> None:
        tables.outcomes.mark_announced(file())
        tables.recordings.mark_deleted(file(), at(80))
        assert listed(tables) == []


class TestRecordingTable:
    def test_a_call_that_was_never_recorded_has_none(self, tables: Tables) -> None:
        assert listed(tables) == []
        assert list(tables.recordings.named(CALL, "session-1", file().filename)) == []

    def test_files_and_failures_are_listed_as_they_were_kept(self, tables: Tables) -> None:
        kept = [tables.outcomes.keep(each, at(70)) for each in (failure(), file())]
        assert listed(tables) == kept

    def test_an_announced_file_is_listed_as_announced(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.outcomes.mark_announced(file())
        assert [record.announced for record in listed(tables)] == [True]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
    def test_pages_of_any_size_have_every_outcome_once(self, tables: Tables, size: int) -> None:
        kept = [tables.outcomes.keep(numbered(n), at(70)) for n in range(7)]
        tables.outcomes.keep(file(call=OTHER_CALL), at(70))
        assert listed(tables, size=size) == kept

    def test_one_recording_of_several_is_listed_alone(self, tables: Tables) -> None:
        one = tables.outcomes.keep(file(egress_id="one"), at(70))
        more = tables.outcomes.keep(file(egress_id="one#more"), at(70))
        bare = tables.outcomes.keep(file(egress_id="on"), at(70))
        assert listed(tables) == [bare, one, more]
        assert listed(tables, egress_id="one") == [one]
        assert listed(tables, egress_id="none") == []
        assert listed(tables, egress_id="#" * 900) == []

    def test_the_page_after_one_recording_stays_in_it(self, tables: Tables) -> None:
        for egress in ("one", "two"):
            for n in range(3):
                tables.outcomes.keep(numbered(n, egress_id=egress), at(70))
        token = tables.recordings.page(CALL, egress_id="one", limit=1).next
        page = tables.recordings.page(CALL, egress_id="two", limit=9, after=token)
        assert {record.outcome.egress_id for record in page.items} == {"two"}

    @pytest.mark.parametrize("egress_id", [None, EGRESS])
    def test_a_page_may_begin_behind_any_file(self, tables: Tables, egress_id: str | None) -> None:
        kept = [tables.outcomes.keep(numbered(n), at(70)) for n in range(5)]
        place = tables.recordings.position(numbered(2), egress_id=egress_id)
        page = tables.recordings.page(CALL, egress_id=egress_id, limit=9, after=place)
        assert list(page.items) == kept[3:]

    def test_what_is_no_token_is_refused(self, tables: Tables) -> None:
        with pytest.raises(Invalid, match="next"):
            tables.recordings.page(CALL, limit=5, after="outcome#" + EGRESS)

    def test_all_revisions_of_a_name_are_found_oldest_first(self, tables: Tables) -> None:
        kept = [tables.outcomes.keep(file(revision=n), at(70)) for n in (10, 9, 1)]
        tables.outcomes.keep(file(OutputType.AUDIO_ONLY), at(70))
        tables.outcomes.keep(file(call=OTHER_CALL), at(70))
        found = tables.recordings.named(CALL, "session-1", file().filename)
        assert list(found) == [kept[2], kept[1], kept[0]]

    @pytest.mark.parametrize("name", ["", "/", "..", "#", "no-such.mkv", "\U0001f600" * 256])
    def test_a_name_that_no_file_has_finds_none(self, tables: Tables, name: str) -> None:
        tables.outcomes.keep(file(), at(70))
        assert list(tables.recordings.named(CALL, "session-1", name)) == []

    def test_a_file_belongs_to_its_call_session(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        assert list(tables.recordings.named(CALL, "session-2", file().filename)) == []

    def test_a_deleted_file_is_shown_no_more_nor_announced_again(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        other = tables.outcomes.keep(file(OutputType.AUDIO_ONLY), at(70))
        for seconds in (80, 90):
            tables.recordings.mark_deleted(file(), at(seconds))
        assert listed(tables) == [other]
        assert list(tables.recordings.named(CALL, "session-1", file().filename)) == []
        assert tables.outcomes.keep(file(), at(100)).announced
        assert listed(tables) == [other]

    def test_a_file_deleted_before_it_was_marked_announced_stays_deleted(
        self, tables: Tables
    ) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.recordings.mark_deleted(file(), at(80))
        tables.outcomes.mark_announced(file())
        assert listed(tables) == []

    def test_another_revision_of_a_deleted_file_is_a_file_of_its_own(self, tables: Tables) -> None:
        tables.outcomes.keep(file(), at(70))
        tables.recordings.mark_deleted(file(), at(80))
        again = tables.outcomes.keep(file(revision=2), at(90))
        assert not again.announced
        assert listed(tables) == [again]

    def test_many_deleted_files_are_read_over(self, tables: Tables) -> None:
        kept = [tables.outcomes.keep(numbered(n), at(70)) for n in range(30)]
        for record in kept[3:28]:
            assert isinstance(record.outcome, RecordingFile)
            tables.recordings.mark_deleted(record.outcome, at(80))
        assert listed(tables, size=2) == [*kept[:3], *kept[28:]]


class TestProgressTable:
    def test_a_session_nobody_planned_is_unfinished(self, tables: Tables) -> None:
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 1, "b": 1}) == 2
        assert tables.progress.unfinished(CALL, EGRESS, {}) == 0

    def test_a_session_is_finished_when_all_its_jobs_are_done(self, tables: Tables) -> None:
        for _ in range(2):
            tables.progress.planned(CALL, EGRESS, "a", 1, BOTH)
        for source, left in ((BOTH[0], 1), (BOTH[0], 1), (BOTH[1], 0), (BOTH[1], 0)):
            tables.progress.done(CALL, EGRESS, "a", 1, source)
            assert tables.progress.unfinished(CALL, EGRESS, {"a": 1}) == left

    def test_jobs_may_end_before_it_is_noted_that_they_were_planned(self, tables: Tables) -> None:
        tables.progress.done(CALL, EGRESS, "a", 1, Source.PARTICIPANT)
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 1}) == 1
        tables.progress.planned(CALL, EGRESS, "a", 1, [Source.PARTICIPANT])
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 1}) == 0

    def test_a_session_without_jobs_is_finished_once_planned(self, tables: Tables) -> None:
        tables.progress.planned(CALL, EGRESS, "a", 1, [])
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 1, "b": 1}) == 1

    def test_a_session_that_failed_as_a_whole_is_finished(self, tables: Tables) -> None:
        tables.progress.done(CALL, EGRESS, "a", 1, None)
        tables.progress.planned(CALL, EGRESS, "a", 1, BOTH)
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 1}) == 0

    def test_sessions_revisions_recordings_and_calls_are_kept_apart(self, tables: Tables) -> None:
        tables.progress.done(CALL, EGRESS, "a", 1, None)
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 2}) == 1
        assert tables.progress.unfinished(CALL, EGRESS, {"a#": 1}) == 1
        assert tables.progress.unfinished(CALL, "another", {"a": 1}) == 1
        assert tables.progress.unfinished(OTHER_CALL, EGRESS, {"a": 1}) == 1
        assert tables.progress.unfinished(CALL, EGRESS, {"a": 1}) == 0

    def test_the_first_who_finds_a_recording_complete_tells_it_and_tries_until_it_did(
        self, tables: Tables
    ) -> None:
        progress = tables.progress
        asked = ["first", "second", "first", "second"]
        assert [progress.claim(CALL, EGRESS, 1, each) for each in asked] == [True, False] * 2
        progress.complete(CALL, EGRESS, 1)
        assert not any(progress.claim(CALL, EGRESS, 1, each) for each in asked)
        assert progress.claim(CALL, EGRESS, 2, "second")
        assert progress.claim(CALL, "another", 1, "second")
        assert progress.claim(OTHER_CALL, EGRESS, 1, "second")
