"""Change the record of a call while others may change it too."""

from __future__ import annotations

from collections.abc import Callable

from isotrack.calls.egresses import EgressStatus
from isotrack.calls.records import CallRecord
from isotrack.control.ports import CallTable
from isotrack.control.saving import keep_trying
from isotrack.recording.tracks import Call


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

    Raises:
        Transient: somebody else was faster every time.
    """

    def attempt() -> CallRecord:
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
        return calls.save(after.model_copy(update={"egresses": live}))

    return keep_trying(attempt, f"call {call.cid}")
