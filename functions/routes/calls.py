"""Calls: made, shown, found, changed and ended."""

from __future__ import annotations

from functions.asking import Asked
from functions.operations import VIDEO_PREFIXES, Operations
from functions.routes.paths import CallPath
from functions.routes.watching import GetCallWatching, Watching
from isotrack.contract.calls import (
    EndCallResponse,
    GetCallResponse,
    GetOrCreateCallRequest,
    GetOrCreateCallResponse,
    QueryCallsRequest,
    QueryCallsResponse,
    UpdateCallRequest,
    UpdateCallResponse,
)
from isotrack.control import end_call as ending
from isotrack.control import get_call as getting
from isotrack.control import query_calls as finding
from isotrack.control.change_call import change_call
from isotrack.control.get_or_create import get_or_create

calls = Operations(*VIDEO_PREFIXES)


@calls.get("GetCall", "/call/{type}/{id}")
def get_call(asked: Asked, path: CallPath, query: GetCallWatching) -> GetCallResponse:
    """Show a call, and let the connection named watch it."""
    return getting.get_call(
        path.call,
        query,
        caller=asked.caller,
        connection_id=query.connection_id,
        world=asked.world,
    )


@calls.post("GetOrCreateCall", "/call/{type}/{id}")
def get_or_create_call(
    asked: Asked, path: CallPath, query: Watching, body: GetOrCreateCallRequest
) -> GetOrCreateCallResponse:
    """Show a call, made by this if nobody did before, and let the connection named watch it."""
    return get_or_create(
        path.call,
        body,
        caller=asked.caller,
        connection_id=query.connection_id,
        world=asked.world,
        now=asked.now,
    )


@calls.patch("UpdateCall", "/call/{type}/{id}")
def update_call(asked: Asked, path: CallPath, body: UpdateCallRequest) -> UpdateCallResponse:
    """Change a call."""
    return change_call(path.call, body, caller=asked.caller, world=asked.world, now=asked.now)


@calls.post("EndCall", "/call/{type}/{id}/mark_ended")
def end_call(asked: Asked, path: CallPath) -> EndCallResponse:
    """End a call, and with it its recording."""
    return ending.end_call(path.call, caller=asked.caller, world=asked.world, now=asked.now)


@calls.post("QueryCalls", "/calls")
def query_calls(asked: Asked, query: Watching, body: QueryCallsRequest) -> QueryCallsResponse:
    """Find calls; with `watch`, the connection named watches them."""
    return finding.query_calls(
        body,
        caller=asked.caller,
        connection_id=query.connection_id,
        world=asked.world,
    )
