"""Read what came of the recordings of a call: the newest file of each name, and the failures."""

from __future__ import annotations

from collections.abc import Iterator

from isotrack.control.ports import RecordingTable
from isotrack.recording.files import RecordingFile
from isotrack.recording.outcomes import OutcomeRecord
from isotrack.recording.tracks import Call

_READ_AT_ONCE = 200


def outcomes(
    call: Call,
    *,
    recordings: RecordingTable,
    egress_id: str | None = None,
    after: str | None = None,
) -> Iterator[OutcomeRecord]:
    """What came of recordings, in the order of the table, older files of the same name left out.

    Args:
        call: which call.
        recordings: the table.
        egress_id: one recording only.
        after: where to begin, as `RecordingTable.position` gives it.

    Raises:
        Invalid: `after` is no such position.
        Transient: the table is busy.
    """
    waiting: OutcomeRecord | None = None
    for record in _all(call, recordings, egress_id, after):
        # Revisions of one file come one after the other, the newest last.
        if waiting is not None and not _same_file(waiting, record):
            yield waiting
        waiting = record
    if waiting is not None:
        yield waiting


def _all(
    call: Call, recordings: RecordingTable, egress_id: str | None, after: str | None
) -> Iterator[OutcomeRecord]:
    page = recordings.page(call, egress_id=egress_id, limit=_READ_AT_ONCE, after=after)
    yield from page.items
    while page.next is not None:
        page = recordings.page(call, egress_id=egress_id, limit=_READ_AT_ONCE, after=page.next)
        yield from page.items


def _same_file(record: OutcomeRecord, other: OutcomeRecord) -> bool:
    one, two = record.outcome, other.outcome
    return (
        isinstance(one, RecordingFile)
        and isinstance(two, RecordingFile)
        and (one.egress_id, one.filename) == (two.egress_id, two.filename)
    )
