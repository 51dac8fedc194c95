"""The WebSocket API: who connects, what they say, and that they are gone."""

from __future__ import annotations

import hmac
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field, RootModel
from pydantic_settings import BaseSettings

from functions import runtime
from functions.answers import api_error
from functions.asking import identify
from functions.request import parsed
from functions.runtime import ApiSecret, logger
from isotrack.adapters.tokens import TokenProblem, Unauthenticated
from isotrack.contract.websocket import (
    ConnectedEvent,
    ConnectionErrorEvent,
    HealthCheckEvent,
    WSAuthMessage,
)
from isotrack.control.audience import Audience
from isotrack.control.connect import connect
from isotrack.control.ports import Connections, Gone
from isotrack.recording.errors import Rejected

OPERATION: Final = "Connect"
"""As errors name what is done here."""


class Settings(BaseSettings):
    """The environment of this function."""

    table: str
    api_secret_arn: str
    websocket_url: str


class _HealthCheck(BaseModel):
    type: Literal["health.check"]


class HealthChecks(RootModel[Annotated[tuple[_HealthCheck, ...], Field(min_length=1)]]):
    """What a client says every now and then, a list of one; only that it came matters."""


def welcome(event: APIGatewayWebSocketEvent) -> int:
    """The HTTP status for somebody who wants to connect: they must know the API key."""
    api_key = event.query_string_parameters.get("api_key", "")
    known = hmac.compare_digest(api_key.encode(), _secret().api_key.encode())
    return 200 if known else 401


def hear(event: APIGatewayWebSocketEvent) -> None:
    """Answer a message: the first one has the token; whoever has none is not spoken to again.

    Raises Transient: then API Gateway says that something went wrong, and the client tries again.
    """
    started, connection_id = time.perf_counter(), event.request_context.connection_id
    content, connected = event.body or "", _audience().connections.get(connection_id) is not None
    try:
        if connected:
            parsed(HealthChecks, content)
            said: BaseModel = HealthCheckEvent(
                connection_id=connection_id, created_at=runtime.now()
            )
        else:
            said = authenticate(event, parsed(WSAuthMessage, content))
    except (Rejected, Unauthenticated) as error:
        _refuse(connection_id, error, started)
        if not connected:
            _connections().close(connection_id)
    else:
        _say(connection_id, said)


def authenticate(event: APIGatewayWebSocketEvent, message: WSAuthMessage) -> ConnectedEvent:
    """Let the user in whose token it is. Raises Unauthenticated, or Transient."""
    caller = identify(message.token, secret=_secret(), world=_audience())
    if caller.user_id is None or caller.user_id != message.user_details.id:
        raise Unauthenticated(TokenProblem.INVALID, "user_details.id is not the user of the token")
    context = event.request_context
    logger.info("connected", user_id=caller.user_id, connection_id=context.connection_id)
    return connect(
        caller,
        message.user_details,
        connection_id=context.connection_id,
        opened_at=datetime.fromtimestamp(context.connected_at / 1000, UTC),
        audience=_audience(),
        now=runtime.now(),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Take an event of a WebSocket API."""
    told = APIGatewayWebSocketEvent(event)
    # Not by the key of the route: that is what a client wrote in its message.
    match told.request_context.event_type:
        case "CONNECT":
            return {"statusCode": welcome(told)}
        case "DISCONNECT":
            _audience().connections.close(told.request_context.connection_id)
        case _:
            hear(told)
    return {"statusCode": 200}


def _refuse(connection_id: str, error: Exception, started: float) -> None:
    elapsed_ms = (time.perf_counter() - started) * 1000
    problem = api_error(OPERATION, error).model_copy(update={"duration": f"{elapsed_ms:.2f}ms"})
    event = ConnectionErrorEvent(
        connection_id=connection_id, created_at=runtime.now(), error=problem
    )
    _say(connection_id, event)


def _say(connection_id: str, said: BaseModel) -> None:
    try:
        _connections().send(connection_id, said.model_dump_json())
    except Gone:
        _audience().connections.close(connection_id)


def _audience() -> Audience:
    return runtime.audience(runtime.settings(Settings).table)


def _connections() -> Connections:
    return runtime.connections(runtime.settings(Settings).websocket_url)


def _secret() -> ApiSecret:
    return runtime.api_secret(runtime.settings(Settings).api_secret_arn)
