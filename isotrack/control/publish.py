"""Tell the world what the outbox of a call's record says, then empty it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from isotrack.calls import notices
from isotrack.calls.call_types import BUILT_IN
from isotrack.calls.notices import Notice
from isotrack.calls.records import CallRecord
from isotrack.control.fitting import fitted
from isotrack.control.people import load_people
from isotrack.control.telling import Telling, tell
from isotrack.control.update import update_call
from isotrack.control.views import People
from isotrack.control.world import World

_OF_RECORDINGS = (notices.RecordingStarted, notices.RecordingStopped, notices.RecordingFailed)
"""These are told without a look at the call."""
_OTHERWISE = BUILT_IN["default"]
"""Shows calls of a type that was removed since."""


def publish(record: CallRecord, *, world: World) -> CallRecord:
    """Publish the events of a record's notices and clear them; the record as it is after that.

    A record whose outbox is empty is given back as it is, without a request. A crash between the
    two sends the same event ids again. What agents see in a call that nobody created is told of
    its recordings alone: there is no call yet that the other events could show.

    Raises:
        Transient: the bus or a table is busy; the notices stay for the next who publishes.
    """
    outbox = record.outbox
    if not outbox:
        return record
    for notice in outbox:
        if isinstance(notice, notices.CallCreated):
            _settle(notice, record, world)
    shown = [n for n in outbox if record.created or isinstance(n, _OF_RECORDINGS)]
    if shown:
        telling = _telling(shown, record, world)
        world.bus.publish([fitted(tell(notice, telling)) for notice in shown])
    return update_call(record.call, lambda current: current.told(outbox), calls=world.calls)


def _settle(notice: notices.CallCreated, record: CallRecord, world: World) -> None:
    """Write the first members and the creator to where they are looked for.

    Those who are members already are left alone: whoever publishes late changes nothing that was
    changed since.
    """
    if notice.members:
        there = world.members.get(record.call, [member.user_id for member in notice.members])
        missing = [member for member in notice.members if member.user_id not in there]
        if missing:
            world.members.put(record.call, missing)
    if record.created_by_id is not None:
        world.members.note_creator(record.call, record.created_by_id)


def _telling(shown: Sequence[Notice], record: CallRecord, world: World) -> Telling:
    of_call = [notice for notice in shown if not isinstance(notice, _OF_RECORDINGS)]
    if not of_call:
        return Telling(record, _OTHERWISE, People({}, {}), world.default)
    named = {user_id for notice in of_call for user_id in _user_ids(notice)}
    name = record.call.call_type
    return Telling(
        record,
        world.call_types.get(name) or BUILT_IN.get(name, _OTHERWISE),
        load_people(record, world=world, others=named),
        world.default,
    )


def _user_ids(notice: Notice) -> Collection[str]:
    match notice:
        case notices.CallCreated():
            return [member.user_id for member in notice.members]
        case notices.CallEnded() if notice.user_id is not None:
            return [notice.user_id]
        case notices.MembersAdded() | notices.MembersUpdated():
            return notice.user_ids
        case notices.ParticipantJoined() | notices.ParticipantLeft():
            return [notice.participant.user_id]
        case _:
            return ()
