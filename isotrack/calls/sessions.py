"""Sessions: the gatherings of a call, who hosts them and who is in them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import islice

from pydantic import AwareDatetime, Field

from isotrack.recording.tracks import Frozen, Id, ParticipantSession, UserId

MOVE_GRACE = timedelta(seconds=3)
"""How long somebody whom one agent has lost may take to turn up at another one of the call."""
JOINS_AT_ONCE = 200
"""By one report: a record holds 400 KB with its notices. Others join by the next one."""
LINKS_SHOWN = 16
"""Of earlier stays of one user, at most."""
STAYS_REMEMBERED = 256
"""Of those who have left, to link the stays of who comes back."""


class Host(Frozen):
    """An agent beside an SFU of the call, and who is in the call through that SFU."""

    poke_queue_url: str | None = None
    user_session_ids: tuple[Id, ...] = ()


class Stay(Frozen):
    """A stay of somebody who has left."""

    user_id: UserId
    user_session_id: Id


class Participant(ParticipantSession):
    """Somebody in the call, through whichever SFU."""

    left_at: AwareDatetime | None = None
    """When no host had them any more; they may turn up at another one yet."""
    previous_user_session_ids: tuple[Id, ...] = ()
    """Earlier stays of the same user in this call session, the first one first."""

    def seconds_until(self, moment: datetime) -> int:
        """Whole seconds they had been in the call; clocks of agents may be apart, so at least 0."""
        return max(0, int((moment - self.joined_at).total_seconds()))


class CallSession(Frozen):
    """One gathering: from the first participant in to the last one out."""

    call_session_id: Id
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    hosts: dict[str, Host] = Field(default_factory=dict)
    """By agent id."""
    participants: tuple[Participant, ...] = ()
    """Those in the call, in the order they were seen."""
    left: tuple[Stay, ...] = ()
    """The last who left, in order."""
    recorded: bool = False
    """Something was started in this session, so mode `auto-on` starts nothing again."""

    @property
    def present(self) -> tuple[Participant, ...]:
        """Those in the call without those that no host has at the moment."""
        return tuple(stay for stay in self.participants if stay.left_at is None)

    def hosted_by(self, agent_id: str, host: Host | None) -> CallSession:
        """The session after an agent said who is there through it; None: it hosts no more."""
        others = {agent: there for agent, there in self.hosts.items() if agent != agent_id}
        hosts = others if host is None else {**others, agent_id: host}
        return self.model_copy(update={"hosts": hosts})

    def seen(self, stays: Collection[ParticipantSession], at: datetime) -> CallSession:
        """The session after these participants were seen, and those that no host has were not."""
        known = {stay.user_session_id for stay in self.participants}
        fresh = {s.user_session_id: s for s in stays if s.user_session_id not in known}
        joined = (self._participant(s, at) for s in islice(fresh.values(), JOINS_AT_ONCE))
        hosted = {stay for host in self.hosts.values() for stay in host.user_session_ids}
        participants = tuple(
            stay.model_copy(
                update={"left_at": None if stay.user_session_id in hosted else stay.left_at or at}
            )
            for stay in (*self.participants, *joined)
        )
        return self.model_copy(update={"participants": participants})

    def without(self, gone: Collection[Participant]) -> CallSession:
        """The session after participants left for good."""
        stays = (Stay(user_id=p.user_id, user_session_id=p.user_session_id) for p in gone)
        ids = {stay.user_session_id for stay in gone}
        return self.model_copy(
            update={
                "participants": tuple(p for p in self.participants if p.user_session_id not in ids),
                "left": (*self.left, *stays)[-STAYS_REMEMBERED:],
            }
        )

    def _participant(self, stay: ParticipantSession, at: datetime) -> Participant:
        back = any(left.user_session_id == stay.user_session_id for left in self.left)
        others: tuple[Stay | Participant, ...] = (*self.left, *self.participants)
        earlier = (
            other.user_session_id
            for other in others
            if other.user_id == stay.user_id and other.user_session_id != stay.user_session_id
        )
        return Participant(
            user_id=stay.user_id,
            user_session_id=stay.user_session_id,
            joined_at=at if back else stay.joined_at,  # they were told to have left in between
            previous_user_session_ids=tuple(dict.fromkeys(earlier))[-LINKS_SHOWN:],
        )
