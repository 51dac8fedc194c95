"""The operations that are measured, each as a request that can be sent again and again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import httpx

from isotrack.adapters.tokens import server_token

CALL_TYPE = "default"
OWNER, MEMBERS = "owner", 5
SERVER, RECORDED = "/api/v2/video", "bench-recorded"


class Api:
    """The API as an application's server asks it, on connections that are kept.

    Attributes:
        own: what it changes has this in its name: two clients do not write the same item at once.
    """

    def __init__(self, url: str, api_key: str, api_secret: str, *, own: str) -> None:
        self.own = own
        self._http = httpx.Client(
            base_url=url,
            params={"api_key": api_key},
            headers={"Authorization": server_token(api_secret), "stream-auth-type": "jwt"},
            timeout=30.0,
            trust_env=False,
        )

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer; anything but success ends the benchmark."""
        answer = self._http.request(method, path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


class Operation(NamedTuple):
    """One row of the tables."""

    name: str
    ask: Callable[[Api], object]


_numbers = itertools.count()


def path(call_id: str) -> str:
    """The path of a call."""
    return f"{SERVER}/call/{CALL_TYPE}/{call_id}"


def _own_call(api: Api) -> str:
    return path(f"bench-{api.own}")


def _create(api: Api) -> object:
    body = {"data": {"created_by_id": OWNER, "members": [{"user_id": OWNER}]}}
    return api.ask("POST", path(f"bench-new-{next(_numbers)}"), body)


def _update_members(api: Api) -> object:
    user = f"member-{next(_numbers) % MEMBERS}"
    body = {"update_members": [{"user_id": user, "custom": {"seat": next(_numbers)}}]}
    return api.ask("POST", f"{_own_call(api)}/members", body)


def _update_users(api: Api) -> object:
    user = f"user-{api.own}"
    body = {"users": {user: {"id": user, "name": str(next(_numbers))}}}
    return api.ask("POST", "/api/v2/users", body)


def _update_call(api: Api) -> object:
    return api.ask("PATCH", _own_call(api), {"custom": {"number": next(_numbers)}})


def _update_type(api: Api) -> object:
    output_types = [f"{'audio' if next(_numbers) % 2 else 'video'}_only"]
    settings = {"individual_recording": {"mode": "available", "output_types": output_types}}
    return api.ask("PUT", f"{SERVER}/calltypes/bench-{api.own}", {"settings": settings})


OPERATIONS = (
    Operation("GetCall", lambda api: api.ask("GET", _own_call(api))),
    Operation("GetOrCreateCall, there", lambda api: api.ask("POST", _own_call(api), {})),
    Operation("GetOrCreateCall, new", _create),
    Operation("UpdateCall", _update_call),
    Operation("UpdateCallMembers", _update_members),
    Operation(
        "QueryCallMembers",
        lambda api: api.ask(
            "POST",
            f"{SERVER}/call/members",
            {"type": CALL_TYPE, "id": f"bench-{api.own}", "limit": 25},
        ),
    ),
    Operation(
        "QueryCalls, by id",
        lambda api: api.ask(
            "POST",
            f"{SERVER}/calls",
            {"filter_conditions": {"cid": {"$in": [f"{CALL_TYPE}:bench-{api.own}"]}}},
        ),
    ),
    Operation("ListRecordings", lambda api: api.ask("GET", f"{path(RECORDED)}/recordings")),
    Operation("UpdateUsers", _update_users),
    Operation("GetCallType", lambda api: api.ask("GET", f"{SERVER}/calltypes/bench-{api.own}")),
    Operation("ListCallTypes", lambda api: api.ask("GET", f"{SERVER}/calltypes")),
    Operation("UpdateCallType", _update_type),
)


def prepare(apis: Sequence[Api]) -> None:
    """Make what is asked for: each client's own call and call type, and a call to be recorded."""
    members = [{"user_id": f"member-{number}"} for number in range(MEMBERS)]
    users = {name: {"id": name} for name in (OWNER, *(each["user_id"] for each in members))}
    apis[0].ask("POST", "/api/v2/users", {"users": users})
    apis[0].ask("POST", path(RECORDED), {"data": {"created_by_id": OWNER}})
    for api in apis:
        api.ask("POST", _own_call(api), {"data": {"created_by_id": OWNER, "members": members}})
        api.ask("POST", f"{SERVER}/calltypes", {"name": f"bench-{api.own}"})


def start(api: Api, call_id: str) -> Any:
    """Start to record a call."""
    return api.ask("POST", f"{path(call_id)}/recordings/individual/start", {})


def stop(api: Api, call_id: str) -> Any:
    """Stop it."""
    return api.ask("POST", f"{path(call_id)}/recordings/individual/stop", {})
