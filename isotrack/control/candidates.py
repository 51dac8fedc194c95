"""Calls that may fit a filter, found without reading all there are."""

from __future__ import annotations

from pydantic import ValidationError

from isotrack.calls.permissions import Caller
from isotrack.control.filters import Filter
from isotrack.control.ports import Page
from isotrack.control.world import World
from isotrack.recording.errors import Invalid
from isotrack.recording.tracks import Call
from isotrack.recording.validation import first_problem

FIELDS = ("cid", "members", "created_by_user_id")
"""What calls are found by."""


def candidates(
    wanted: Filter, caller: Caller, *, limit: int, after: str | None, world: World
) -> Page[Call]:
    """A page of the calls that a filter names, or that belong to the user whom it names.

    Raises:
        Invalid: it names neither, and the caller is no user whose calls could be meant.
    """
    if "cid" in wanted:
        return _named(wanted["cid"], limit, after)
    user_ids = wanted.get("members") or wanted.get("created_by_user_id")
    if user_ids is None and caller.user_id is not None:
        user_ids = frozenset({caller.user_id})
    if user_ids is None:
        raise Invalid(f"filter_conditions: one of {', '.join(FIELDS)} is needed")
    if len(user_ids) != 1:
        raise Invalid("filter_conditions: calls are found by one user at a time, or by cid")
    (user_id,) = user_ids
    return world.members.calls_of(user_id, limit=limit, after=after)


def _named(cids: frozenset[str], limit: int, after: str | None) -> Page[Call]:
    calls = {cid: _call(cid) for cid in sorted(cids) if after is None or cid > after}
    page = list(calls)[:limit]
    return Page(tuple(calls[cid] for cid in page), page[-1] if len(calls) > limit else None)


def _call(cid: str) -> Call:
    call_type, _, call_id = cid.partition(":")
    try:
        return Call(call_type=call_type, call_id=call_id)
    except ValidationError as error:
        raise Invalid(
            f"filter_conditions.cid: {cid!r} is no type:id: {first_problem(error)}"
        ) from error
