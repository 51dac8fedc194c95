"""Change the record of a call while others may change it too."""

from __future__ import annotations

from collections.abc import Callable

from isotrack.pipeline.ports import CallTable, StaleRecord
from isotrack.recording.calls import CallRecord, EgressStatus
from isotrack.recording.errors import Transient
from isotrack.recording.tracks import Call

ATTEMPTS = 10
"""A call has few writers: its agents, and whoever starts and stops."""


def update_call(
    call: Call, change: Callable[[CallRecord], CallRecord], *, calls: CallTable
) -> CallRecord:
    """Read a call, change it and write it, again and again until nobody was faster.

    Args:
        call: which call; one never heard of begins with an empty record.
        change: gives the record after the change, or raises; called once for each attempt.
        calls: where records are kept.

    Returns:
        The record as written; not written when nothing changed.
    """
    for _ in range(ATTEMPTS):
        before = calls.get(call) or CallRecord(call=call)
        after = change(before)
        if after == before:
            return before
        # Those first: were they written last, a crash between would lose them. They are written
        # again, the same, when the record turns out to be stale.
        for egress in after.egresses:
            if egress.status is EgressStatus.STOPPED:
                calls.keep_stopped(call, egress)
        live = tuple(e for e in after.egresses if e.status is not EgressStatus.STOPPED)
        try:
            return calls.save(after.model_copy(update={"egresses": live}))
        except StaleRecord:
            continue
    raise Transient(f"call {call.cid}: somebody else was faster {ATTEMPTS} times")
