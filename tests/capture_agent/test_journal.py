import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capture_agent.entries import CallAnnounced, CallEnded, ClockFixed, Reported
from capture_agent.journal import Journal
from isotrack.recording.errors import CorruptInput
from isotrack.recording.tracks import Call

CALL = Call(call_type="default", call_id="c1")
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def open_journal(path: Path) -> Iterator[Callable[[], Journal]]:
    opened = []

    def open_again() -> Journal:
        opened.append(Journal(path))
        return opened[-1]

    yield open_again
    for journal in opened:
        journal.close()


def announced(session: str) -> CallAnnounced:
    return CallAnnounced(call=CALL, call_session_id=session, started_at=AT)


def sessions(journal: Journal) -> list[str]:
    return [call.call_session_id for call in journal.state.calls]


def test_what_was_written_is_known_again_after_a_restart(
    path: Path, open_journal: Callable[[], Journal]
):
    journal = open_journal()
    journal.write(ClockFixed(epoch_ns=5, speed=2.0))
    journal.write(announced("one"))
    again = open_journal()
    assert again.state == journal.state
    assert again.state.speed == 2.0
    assert sessions(again) == ["one"]


def test_an_entry_is_on_the_disk_before_it_is_made(path: Path, open_journal: Callable[[], Journal]):
    journal = open_journal()
    seen = []

    class Witness:
        def apply(self, state: object) -> None:
            seen.append(path.read_text().splitlines()[-1])

        def model_dump_json(self) -> str:
            return announced("one").model_dump_json()

    journal.write(Witness())
    assert seen == [announced("one").model_dump_json()]


def test_an_entry_torn_by_a_crash_is_cut_off_and_the_journal_goes_on(
    path: Path, open_journal: Callable[[], Journal]
):
    journal = open_journal()
    journal.write(announced("one"))
    journal.write(announced("two"))
    path.write_bytes(path.read_bytes()[:-10])
    again = open_journal()
    assert sessions(again) == ["one"]
    again.write(announced("three"))
    assert sessions(open_journal()) == ["one", "three"]


def test_a_journal_that_is_damaged_in_the_middle_is_refused_with_the_line(
    path: Path, open_journal: Callable[[], Journal]
):
    open_journal().write(announced("one"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{}\n" + lines[1])
    with pytest.raises(CorruptInput, match="line 2"):
        open_journal()


def test_a_long_journal_is_written_anew_as_what_it_amounts_to(path: Path):
    journal = Journal(path, compact_bytes=10_000)
    sizes = []
    for number in range(30):
        name = f"{number:060d}"
        journal.write(
            announced(name),
            CallEnded(call=CALL, call_session_id=name, at=AT),
            Reported(call=CALL, call_session_id=name, stopped=(), ended=True),
        )
        sizes.append(path.stat().st_size)
    assert 9_000 < max(sizes) < 11_000
    assert sum(after < before for before, after in itertools.pairwise(sizes)) == 1
    journal.write(announced("last"))
    journal.close()
    again = Journal(path)
    assert sessions(again) == ["last"]
    again.close()
