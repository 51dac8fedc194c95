"""A call as the control plane knows it: what is set, its session, its recordings, its outbox.

A `CallRecord` is a value: each method gives the record after something happened, with the notice of
it in the outbox, or refuses. That two things happening at once do not both win is the table's part
(`control.ports.CallTable`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, JsonValue

from isotrack.calls import egresses, notices
from isotrack.calls.egresses import Egress
from isotrack.calls.members import Member
from isotrack.calls.notices import Notice
from isotrack.calls.sessions import CallSession, Participant
from isotrack.calls.settings import overridden
from isotrack.contract.settings import CallSettingsRequest
from isotrack.recording.agents import DesiredEgress
from isotrack.recording.errors import Conflict, Invalid, Missing
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, Frozen, UserId

NO_SESSION = "there is no active session"
ALREADY_RUNNING = "call egress is already running"
NOT_RUNNING = "call egress is not running"


class CallRecord(Frozen):
    """All that is kept of a call under one version."""

    call: Call
    version: int = 0
    """Counts the writes; 0 was never written."""
    created_by_id: UserId | None = None
    """None: nobody has created it, an agent alone has seen it."""
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    starts_at: AwareDatetime | None = None
    """When people are meant to gather; nothing is done about it."""
    ended_at: AwareDatetime | None = None
    """When it was ended for everybody. A session that begins after it is of those who came back."""
    team: str | None = None
    custom: dict[str, JsonValue] = Field(default_factory=dict)
    settings_override: CallSettingsRequest | None = None
    """Sections that replace those of the call type."""
    session: CallSession | None = None
    """The last one known, also when it is over."""
    egresses: tuple[Egress, ...] = ()
    """Those not yet stopped."""
    outbox: tuple[Notice, ...] = ()
    """Notices of changes already kept whose events may not have been published yet."""

    def noting(self, *told: Notice, **changes: Any) -> CallRecord:
        """The record with some fields changed, and the notices of it."""
        return self.model_copy(update={"outbox": (*self.outbox, *told), **changes})

    @property
    def created(self) -> bool:
        """Whether somebody created it: for all others it does not exist."""
        return self.created_by_id is not None

    @property
    def active_session(self) -> CallSession | None:
        """The session going on now."""
        session = self.session
        return session if session is not None and session.ended_at is None else None

    @property
    def active_egress(self) -> Egress | None:
        """The recording that agents shall run now."""
        return next((egress for egress in self.egresses if egress.active), None)

    @property
    def poke_queue_urls(self) -> tuple[str, ...]:
        """Where the agents that host the call are told to ask again."""
        hosts = self.session.hosts.values() if self.session is not None else ()
        return tuple(host.poke_queue_url for host in hosts if host.poke_queue_url is not None)

    def require_created(self) -> None:
        """Raise Missing when nobody created the call."""
        if not self.created:
            raise Missing(f"Can't find call with id {self.call.cid}")

    def create(
        self,
        created_by_id: str,
        at: datetime,
        *,
        custom: dict[str, JsonValue] | None = None,
        settings_override: CallSettingsRequest | None = None,
        starts_at: datetime | None = None,
        team: str | None = None,
        members: Sequence[Member] = (),
    ) -> CallRecord:
        """The record of the call, created; what agents saw of it before stays.

        Raises Conflict when it was created already.
        """
        if self.created:
            raise Conflict(f"call {self.call.cid} exists already")
        notice = notices.CallCreated(
            call=self.call, at=at, version=self.version + 1, members=tuple(members)
        )
        return self.noting(
            notice,
            created_by_id=created_by_id,
            created_at=at,
            updated_at=at,
            custom=custom or {},
            settings_override=overridden(None, settings_override),
            starts_at=starts_at,
            team=team,
        )

    def update(
        self,
        at: datetime,
        *,
        custom: dict[str, JsonValue] | None = None,
        settings_override: CallSettingsRequest | None = None,
        starts_at: datetime | None = None,
    ) -> CallRecord:
        """The record with what is given changed, and what is None left as it was.

        Settings are replaced section by section, `custom` as a whole. Raises Missing.
        """
        self.require_created()
        notice = notices.CallUpdated(call=self.call, at=at, version=self.version + 1)
        return self.noting(
            notice,
            updated_at=at,
            custom=self.custom if custom is None else custom,
            settings_override=overridden(self.settings_override, settings_override),
            starts_at=starts_at or self.starts_at,
        )

    def end(
        self, at: datetime, *, user_id: str | None = None, reason: str | None = None
    ) -> CallRecord:
        """The record of the call ended for everybody: session and recordings end with it.

        A call that has ended and in which nobody is stays as it is. Raises Missing.
        """
        self.require_created()
        if self.ended_at is not None and self.active_session is None:
            return self
        notice = notices.CallEnded(
            call=self.call, at=at, version=self.version + 1, user_id=user_id, reason=reason
        )
        return self.noting(notice, ended_at=at, updated_at=at).end_session(at)

    def begin_session(self, call_session_id: str, started_at: datetime, at: datetime) -> CallRecord:
        """The record with a new session, in place of the last one."""
        ended = self.end_session(at)
        notice = notices.SessionStarted(call=self.call, at=at, call_session_id=call_session_id)
        session = CallSession(call_session_id=call_session_id, started_at=started_at)
        return ended.noting(notice, session=session)

    def end_session(self, at: datetime) -> CallRecord:
        """The record with its session over, if one was going on: all have left, nothing records."""
        session = self.active_session
        if session is None:
            return self
        over = self.leave(session.participants, at)
        notice = notices.SessionEnded(
            call=self.call, at=at, call_session_id=session.call_session_id
        )
        emptied = session.without(session.participants)
        ended = over.noting(notice, session=emptied.model_copy(update={"ended_at": at}))
        return ended.record_egresses([egress.session_over(at) for egress in self.egresses], at)

    def leave(self, gone: Collection[Participant], at: datetime) -> CallRecord:
        """The record after participants of its session left, at the latest now."""
        session = self.active_session
        if session is None or not gone:
            return self
        told = [
            notices.ParticipantLeft(
                call=self.call,
                at=stay.left_at or at,
                call_session_id=session.call_session_id,
                participant=stay,
                duration_seconds=stay.seconds_until(stay.left_at or at),
            )
            for stay in gone
        ]
        return self.noting(*told, session=session.without(gone))

    def members_added(self, user_ids: Collection[str], at: datetime) -> CallRecord:
        """The record after users have become members. Raises Missing."""
        return self._members(notices.MembersAdded, user_ids, at)

    def members_updated(self, user_ids: Collection[str], at: datetime) -> CallRecord:
        """The record after members were changed. Raises Missing."""
        return self._members(notices.MembersUpdated, user_ids, at)

    def members_removed(self, user_ids: Collection[str], at: datetime) -> CallRecord:
        """The record after users are members no more. Raises Missing."""
        return self._members(notices.MembersRemoved, user_ids, at)

    def start(
        self, egress_id: str, at: datetime, output_types: tuple[OutputType, ...], storage: str
    ) -> CallRecord:
        """The record with a recording started. Raises Invalid without session, or Conflict."""
        session = self.active_session
        if session is None:
            raise Invalid(NO_SESSION)
        if self.active_egress is not None:
            raise Conflict(ALREADY_RUNNING)
        egress = Egress(
            egress_id=egress_id,
            call_session_id=session.call_session_id,
            started_at=at,
            output_types=output_types,
            storage=storage,
        )
        return self.noting(
            egresses=(*self.egresses, egress),
            session=session.model_copy(update={"recorded": True}),
        )

    def stop(self, at: datetime) -> CallRecord:
        """The record with its recording told to stop. Raises Conflict when none is running."""
        if self.active_egress is None:
            raise Conflict(NOT_RUNNING)
        return self.record_egresses([egress.stopping(at) for egress in self.egresses], at)

    def record_egresses(self, after: Sequence[Egress], at: datetime) -> CallRecord:
        """The record with its recordings as they are now, one for one, and what that means."""
        pairs = zip(self.egresses, after, strict=True)
        told = [n for before, now in pairs for n in egresses.told(self.call, before, now, at)]
        return self.noting(*told, egresses=tuple(after))

    def told(self, published: Sequence[Notice]) -> CallRecord:
        """The record without notices whose events are published."""
        ids = {notices.event_id(notice) for notice in published}
        outbox = tuple(notice for notice in self.outbox if notices.event_id(notice) not in ids)
        return self.model_copy(update={"outbox": outbox})

    def desired(self, call_session_id: str) -> DesiredEgress | None:
        """What agents that host this session shall record."""
        session, egress = self.active_session, self.active_egress
        if session is None or egress is None or session.call_session_id != call_session_id:
            return None
        return DesiredEgress(
            call=self.call,
            call_session_id=call_session_id,
            egress_id=egress.egress_id,
            started_at=egress.started_at,
            output_types=egress.output_types,
            storage=egress.storage,
        )

    def _members(
        self,
        notice: type[notices.MembersAdded | notices.MembersUpdated | notices.MembersRemoved],
        user_ids: Collection[str],
        at: datetime,
    ) -> CallRecord:
        self.require_created()
        if not user_ids:
            return self
        return self.noting(
            notice(call=self.call, at=at, version=self.version + 1, user_ids=tuple(user_ids)),
            updated_at=at,
        )
