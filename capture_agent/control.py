"""The control interface: HTTP and JSON on this host, for the SFU's adapter and for operators.

It has no credentials of its own: it listens on the loopback interface unless told otherwise.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from capture_agent.agent import Agent
from capture_agent.announcements import (
    CallAnnouncement,
    RecordingOrder,
    SessionAnnouncement,
    TrackAnnouncement,
)
from capture_agent.observing import view_call, view_ports, view_recordings
from capture_agent.views import (
    CallView,
    ErrorView,
    Fault,
    Health,
    MediaPortsView,
    RecordingView,
    StateView,
)
from isotrack.recording.errors import (
    Conflict,
    Invalid,
    Missing,
    Transient,
)
from isotrack.recording.tracks import Call, Id, ParticipantSession

_STATUS: dict[type[Exception], int] = {
    Invalid: 400,
    Missing: 404,
    Conflict: 409,
    Transient: 503,
}

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorView, "description": "The request says something that cannot be true."},
    404: {"model": ErrorView, "description": "There is no such thing, or it is over."},
    409: {"model": ErrorView, "description": "It contradicts what was announced before."},
    503: {"model": ErrorView, "description": "No media port is free, or the disk is full."},
}

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1", responses=_REFUSALS)


def _agent(request: Request) -> Agent:
    agent: Agent = request.app.state.agent
    return agent


def _call(call_type: Id, call_id: Id) -> Call:
    return Call(call_type=call_type, call_id=call_id)


AgentHere = Annotated[Agent, Depends(_agent)]
CallNamed = Annotated[Call, Depends(_call)]

_CALL = "/calls/{call_type}/{call_id}"
_SESSION = f"{_CALL}/sessions/{{user_session_id}}"
_TRACK = f"{_SESSION}/tracks/{{track_id}}"


@router.get("/health")
async def health(agent: AgentHere) -> Health:
    """Whether the agent receives."""
    return agent.health()


@router.get("/state")
async def state(agent: AgentHere) -> StateView:
    """All calls, sessions and tracks with their ports and counters, and what is still to upload."""
    return agent.view()


@router.put(_CALL)
async def announce_call(agent: AgentHere, call: CallNamed, body: CallAnnouncement) -> CallView:
    """A call begins on this SFU. Saying it again changes nothing."""
    return view_call(agent.recorder.announce_call(call, body))


@router.delete(_CALL, status_code=204)
async def end_call(agent: AgentHere, call: CallNamed) -> None:
    """A call is over: everybody left, every recording of it ends."""
    agent.recorder.end_call(call)


@router.put(_SESSION)
async def announce_session(
    agent: AgentHere, call: CallNamed, user_session_id: Id, body: SessionAnnouncement
) -> ParticipantSession:
    """A participant joins; their call begins if it was not announced."""
    return agent.recorder.announce_session(call, user_session_id, body).participant


@router.delete(_SESSION, status_code=204)
async def withdraw_session(agent: AgentHere, call: CallNamed, user_session_id: Id) -> None:
    """A participant left, for good: who returns has another user_session_id."""
    agent.recorder.withdraw_session(call, user_session_id)


@router.put(_TRACK)
async def announce_track(
    agent: AgentHere,
    call: CallNamed,
    user_session_id: Id,
    track_id: Id,
    body: TrackAnnouncement,
) -> MediaPortsView:
    """A participant publishes: the answer says where to send it. Again, the ports are the same."""
    track = agent.recorder.announce_track(call, user_session_id, track_id, body)
    return view_ports(agent.intake.host, track.ports)


@router.delete(_TRACK, status_code=204)
async def withdraw_track(
    agent: AgentHere, call: CallNamed, user_session_id: Id, track_id: Id
) -> None:
    """A participant publishes a track no more."""
    agent.recorder.withdraw_track(call, user_session_id, track_id)


@router.put(f"{_CALL}/recording")
async def start_recording(
    agent: AgentHere, call: CallNamed, body: RecordingOrder
) -> list[RecordingView]:
    """Record a call. Only an agent without a control plane takes orders here."""
    _refuse_under_control_plane(agent)
    agent.recorder.order(call, body)
    return view_recordings(agent.recorder.registry.call(call))


@router.delete(f"{_CALL}/recording", status_code=204)
async def stop_recording(agent: AgentHere, call: CallNamed) -> None:
    """Record a call no more. Only an agent without a control plane takes orders here."""
    _refuse_under_control_plane(agent)
    call_state = agent.recorder.registry.call(call)
    running = call_state.running()
    if running is None:
        raise Missing(f"call {call.cid} is not recorded")
    agent.recorder.stop(call_state, running.desired.egress_id)


def _refuse_under_control_plane(agent: Agent) -> None:
    if not agent.standalone:
        raise Conflict("this agent records what its control plane asks for: ask there")


async def _answer_malformed(_request: Request, error: Exception) -> JSONResponse:
    """400 with the first field that is wrong."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where, *field = first["loc"]
    if where in ("path", "body") and first["type"] != "json_invalid":
        if first["type"] == "mime_type":  # found by looking at the whole body
            field = ["mime_type"]
        return _refuse(400, first["msg"], ".".join(map(str, field)) or None)
    return _refuse(400, f"{first['msg']}: {first.get('ctx', {}).get('error', '')}")


async def _answer_rejected(_request: Request, error: Exception) -> JSONResponse:
    return _refuse(_STATUS[type(error)], str(error))


async def _answer_unwritten(_request: Request, error: Exception) -> JSONResponse:
    """The journal could not be written, or a socket not be opened: nothing was changed."""
    _log.error("refused an announcement: %s", error)
    return _refuse(503, str(error))


async def _answer_unrouted(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _refuse(error.status_code, str(error.detail))


def _refuse(status: int, message: str, field: str | None = None) -> JSONResponse:
    fault = ErrorView(error=Fault(message=message, field=field))
    return JSONResponse(fault.model_dump(exclude_none=True), status)


def create_app(agent: Agent | None = None) -> FastAPI:
    """The control interface of an agent; without one, just its contract."""
    app = FastAPI(
        title="Isotrack capture agent",
        version="1",
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.agent = agent
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    app.add_exception_handler(HTTPException, _answer_unrouted)
    app.add_exception_handler(OSError, _answer_unwritten)
    for kind in _STATUS:
        app.add_exception_handler(kind, _answer_rejected)
    return app
