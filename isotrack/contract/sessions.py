"""Call sessions, and who took part in them."""

from __future__ import annotations

from pydantic import Field

from isotrack.contract.fields import Maybe
from isotrack.contract.times import Timestamp
from isotrack.contract.users import UserResponse
from isotrack.recording.tracks import Frozen


class CallParticipantResponse(Frozen):
    """One stay of a user in a call; who comes back has a further one."""

    user_session_id: str
    user: UserResponse
    role: str
    joined_at: Timestamp
    left_at: Maybe[Timestamp] = None
    """Left out while they are there. (Added.)"""
    previous_user_session_ids: tuple[str, ...] = ()
    """Earlier stays of the same user in this call session, the first one first. (Added.)"""


class CallSessionResponse(Frozen):
    """One gathering in a call: from the first participant in to the last one out."""

    id: str
    participants: tuple[CallParticipantResponse, ...] = ()
    """Those who are there."""
    participants_count_by_role: dict[str, int] = Field(default_factory=dict)
    anonymous_participant_count: int = 0
    accepted_by: dict[str, Timestamp] = Field(default_factory=dict)
    missed_by: dict[str, Timestamp] = Field(default_factory=dict)
    rejected_by: dict[str, Timestamp] = Field(default_factory=dict)
    """All three are empty: nobody is rung up."""
    started_at: Maybe[Timestamp] = None
    ended_at: Maybe[Timestamp] = None
    live_started_at: Maybe[Timestamp] = None
    live_ended_at: Maybe[Timestamp] = None
    timer_ends_at: Maybe[Timestamp] = None
