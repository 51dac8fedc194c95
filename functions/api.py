"""The HTTP API: start and stop individual recording, and the reports of agents."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic_settings import BaseSettings

from functions import request, runtime
from functions.contract import (
    StartRecordingRequest,
    StartRecordingResponse,
    StopRecordingRequest,
    StopRecordingResponse,
)
from functions.operations import NOT_FOUND, operation, refusal
from functions.runtime import CommaSeparated, logger
from isotrack.adapters.sqs import SqsAgentQueues
from isotrack.pipeline.observe import ControlPlane, observe
from isotrack.pipeline.start import start
from isotrack.pipeline.stop import stop
from isotrack.recording.agents import DesiredState, Report
from isotrack.recording.errors import Invalid
from isotrack.recording.events import RECORDING_TYPE
from isotrack.recording.permissions import Permission, require, require_agent
from isotrack.recording.settings import EffectiveRecording, Mode, OutputTypes
from isotrack.recording.tracks import Call
from isotrack.recording.validation import requested

PREFIXES = ("/api/v2/video", "/video")
"""Of server and of client libraries; what is behind both is the same here."""
RECORDING = "/call/<call_type>/<call_id>/recordings/<recording_type>"

app = APIGatewayHttpResolver()
Route = Callable[..., Response[str]]


class Settings(BaseSettings):
    """The environment of this function."""

    table: str
    event_bus: str
    api_secret_arn: str
    agent_queue_prefix: str
    default_mode: Mode
    default_output_types: Annotated[OutputTypes, *CommaSeparated]


@cache
def control_plane() -> ControlPlane:
    """What the verbs need of the world."""
    settings = runtime.settings(Settings)
    return ControlPlane(
        calls=runtime.calls(settings.table),
        agents=runtime.agents(settings.table),
        queues=SqsAgentQueues(settings.agent_queue_prefix, runtime.sqs()),
        bus=runtime.bus(settings.event_bus),
        default=EffectiveRecording(
            mode=settings.default_mode, output_types=settings.default_output_types
        ),
    )


def post(rule: str) -> Callable[[Route], Route]:
    """Make a function the route of POST requests, behind every prefix."""

    def register(route: Route) -> Route:
        for prefix in PREFIXES:
            app.post(prefix + rule)(route)
        return route

    return register


def authorize(permission: Permission, call: Call, recording_type: str) -> None:
    """Raise unless the sender of the request may do this with individual recordings of a call."""
    secret = runtime.api_secret(runtime.settings(Settings).api_secret_arn)
    require(request.client(app.current_event, secret), permission, call)
    if recording_type != RECORDING_TYPE:
        raise Invalid(
            f"recording_type: only {RECORDING_TYPE} recordings are made here, not {recording_type}"
        )


@post(f"{RECORDING}/start")
@operation("StartRecording", 201)
def start_recording(call_type: str, call_id: str, recording_type: str) -> StartRecordingResponse:
    """Start the individual recording of a call."""
    call, plane = request.named_call(call_type, call_id), control_plane()
    authorize(Permission.START_RECORDING, call, recording_type)
    egress_id = start(
        call,
        storage=requested(
            StartRecordingRequest, request.body(app.current_event)
        ).recording_external_storage,
        calls=plane.calls,
        agents=plane.queues,
        default=plane.default,
        now=runtime.now(),
    )
    return StartRecordingResponse(egress_id=egress_id)


@post(f"{RECORDING}/stop")
@operation("StopRecording", 201)
def stop_recording(call_type: str, call_id: str, recording_type: str) -> StopRecordingResponse:
    """Stop the individual recording of a call."""
    call, plane = request.named_call(call_type, call_id), control_plane()
    authorize(Permission.STOP_RECORDING, call, recording_type)
    requested(StopRecordingRequest, request.body(app.current_event))
    stop(call, calls=plane.calls, agents=plane.queues, now=runtime.now())
    return StopRecordingResponse()


@app.post("/agents/<agent_id>/report")
@operation("ReportCalls", 200)
def report_calls(agent_id: str) -> DesiredState:
    """Take an agent's report and answer what it shall record."""
    secret = runtime.api_secret(runtime.settings(Settings).api_secret_arn)
    require_agent(request.bearer(app.current_event, secret), agent_id)
    report = requested(Report, request.body(app.current_event))
    return observe(agent_id, report, plane=control_plane(), now=runtime.now())


@app.not_found
def not_found(_error: NotFoundError) -> Response[str]:
    """Answer a request of nothing that is here."""
    event = app.current_event
    return refusal(
        NOT_FOUND, 404, f"there is no {event.http_method} {event.path}", time.perf_counter()
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of API Gateway (payload format 2.0)."""
    return app.resolve(event, context)
