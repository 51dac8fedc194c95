"""Calls: made, found, changed and ended."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from isotrack.contract.fields import Custom, Limit, Maybe, Name, PageToken
from isotrack.contract.members import MemberResponse, Members
from isotrack.contract.sessions import CallSessionResponse
from isotrack.contract.settings import CallSettingsRequest, CallSettingsResponse
from isotrack.contract.times import Timed, Timestamp
from isotrack.contract.users import SortParamRequest, UserRequest, UserResponse
from isotrack.recording.tracks import Frozen, UserId

Text = Annotated[str, StringConstraints(max_length=255)]
MembersLimit = Annotated[int, Field(ge=0, le=100)]


class CallRequest(Frozen):
    """What a call shall be."""

    created_by_id: UserId | None = None
    """Who creates it; a server has to say so, or `created_by`."""
    created_by: UserRequest | None = None
    members: Members | None = None
    custom: Custom | None = None
    settings_override: CallSettingsRequest | None = None
    starts_at: Timestamp | None = None
    team: Name | None = None
    video: bool | None = None
    channel_cid: Text | None = None


class GetOrCreateCallRequest(Frozen):
    """A call wanted, to be made if there is none."""

    data: CallRequest | None = None
    members_limit: MembersLimit | None = None
    """Members wanted in the answer; None gives as many as fit on a page."""
    notify: bool | None = None
    ring: bool | None = None
    video: bool | None = None


class GetCallQuery(Frozen):
    """What a get says beside the call."""

    members_limit: MembersLimit | None = None
    notify: bool | None = None
    ring: bool | None = None
    video: bool | None = None


class UpdateCallRequest(Frozen):
    """What shall change; what is None stays."""

    custom: Custom | None = None
    settings_override: CallSettingsRequest | None = None
    starts_at: Timestamp | None = None


class QueryCallsRequest(Frozen):
    """Which calls are wanted."""

    filter_conditions: dict[str, Any] | None = None
    sort: Annotated[tuple[SortParamRequest, ...], Field(max_length=2)] | None = None
    limit: Limit | None = None
    next: PageToken | None = None
    prev: PageToken | None = None
    watch: bool | None = None
    """Whether the connection of the request is told the events of the calls found."""


class Egress(Frozen):
    """How far something made of a call is."""

    status: str
    """`running` while it is being made."""


class EgressResponse(Frozen):
    """What is made of a call right now."""

    broadcasting: bool = False
    rtmps: tuple[dict[str, Any], ...] = Field(default=(), max_length=0)
    individual_recording: Maybe[Egress] = None


class IngressAddress(Frozen):
    """Where an encoder would send to; empty, since none is taken here."""

    address: str = ""


class CallIngressResponse(Frozen):
    """Where encoders would send to."""

    rtmp: IngressAddress = IngressAddress()
    srt: IngressAddress = IngressAddress()
    whip: IngressAddress = IngressAddress()


class CallResponse(Frozen):
    """A call as everybody in it sees it."""

    type: str
    id: str
    cid: str
    """`type:id`."""
    current_session_id: str = ""
    """Of the session going on; empty when nobody is there."""
    created_by: UserResponse
    created_at: Timestamp
    updated_at: Timestamp
    custom: dict[str, Any] = Field(default_factory=dict)
    settings: CallSettingsResponse
    egress: EgressResponse = EgressResponse()
    ingress: CallIngressResponse = CallIngressResponse()
    session: Maybe[CallSessionResponse] = None
    """The session going on, or the last one."""
    starts_at: Maybe[Timestamp] = None
    ended_at: Maybe[Timestamp] = None
    team: Maybe[str] = None
    channel_cid: Maybe[str] = None
    blocked_user_ids: tuple[str, ...] = ()
    backstage: bool = False
    captioning: bool = False
    recording: bool = False
    """Composite recording, which is not done here: see `egress.individual_recording`."""
    transcribing: bool = False
    translating: bool = False


class CallStateResponseFields(Frozen):
    """A call, its members, and what the one who asks may do in it."""

    call: CallResponse
    members: tuple[MemberResponse, ...] = ()
    membership: Maybe[MemberResponse] = None
    """The one who asks, if they are a member."""
    own_capabilities: tuple[str, ...] = ()


class GetCallResponse(CallStateResponseFields, Timed):
    """A call."""


class GetOrCreateCallResponse(CallStateResponseFields, Timed):
    """A call, and whether it was made just now."""

    created: bool


class UpdateCallResponse(CallStateResponseFields, Timed):
    """A call as it is after a change."""


class QueryCallsResponse(Timed):
    """Some of the calls that were asked for."""

    calls: tuple[CallStateResponseFields, ...]
    next: Maybe[str] = None
    """Where the next page begins; left out after the last one."""
    prev: Maybe[str] = None


class EndCallResponse(Timed):
    """The call has ended."""
