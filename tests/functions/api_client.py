"""Requests of the HTTP API as API Gateway passes them on, and a check of every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aws_lambda_powertools.utilities.typing import LambdaContext
from jsonschema import Draft202012Validator, FormatChecker

from events.generate import FOLDER
from events.openapi import openapi
from functions.api import handler
from isotrack.adapters import tokens

API_KEY = "isotrack"
API_SECRET = "s" * 64
SAMPLE = (FOLDER / "samples" / "api.start_recording.json").read_text("utf-8")
SERVER = tokens.server_token(API_SECRET)
AGENT = tokens.agent_token(API_SECRET, "sfu-1")
DESCRIPTION = openapi()


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def error(self) -> tuple[int, int, str]:
        """HTTP status, code and message of the envelope, after a look at the rest of it."""
        assert self.body["StatusCode"] == self.status, self.body
        assert re.fullmatch(r"\d+\.\d\dms", self.body["duration"])
        assert self.body["details"] == []
        assert isinstance(self.body["more_info"], str)
        assert "Traceback" not in self.body["message"]
        return self.status, self.body["code"], self.body["message"]


class Client:
    """Sends requests; by default as a server. Every answer has to be as the description says."""

    def __init__(self, context: LambdaContext) -> None:
        self._context = context

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = SERVER,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = API_KEY,
        encoded: bool = False,
    ) -> Answer:
        """Send a request.

        Args:
            method: of HTTP.
            path: as API Gateway gives it: decoded.
            body: to be sent as JSON; a string as it is.
            token: in the header `Authorization`.
            query: beside the API key.
            headers: beside those that clients send; None leaves a header out.
            api_key: in the query.
            encoded: the body is in base64.
        """
        event = json.loads(SAMPLE)
        http = event["requestContext"]["http"]
        http["path"], http["method"] = path, method
        event["rawPath"] = path
        asked = {**({"api_key": api_key} if api_key is not None else {}), **(query or {})}
        event["rawQueryString"] = urlencode(asked)
        event["queryStringParameters"] = asked
        event["body"] = body if isinstance(body, str) or body is None else json.dumps(body)
        event["isBase64Encoded"] = encoded
        given = {**event["headers"], "authorization": token, **(headers or {})}
        event["headers"] = {name: value for name, value in given.items() if value is not None}
        return self.forward(event)

    def forward(self, event: dict[str, Any]) -> Answer:
        """Send a request as it comes from API Gateway."""
        result = handler(event, self._context)
        answer = Answer(
            result["statusCode"], headers_of(result), json.loads(result["body"] or "{}")
        )
        if answer.status not in (204, 405):
            http = event["requestContext"]["http"]
            _check(http["method"], http["path"], answer)
        return answer

    def get(self, path: str, **how: Any) -> Answer:
        return self.send("GET", path, **how)

    def post(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.send("POST", path, body, **how)

    def put(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.send("PUT", path, body, **how)

    def patch(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.send("PATCH", path, body, **how)

    def delete(self, path: str, **how: Any) -> Answer:
        return self.send("DELETE", path, **how)


def headers_of(result: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a result, their names in lower case."""
    named = {**result.get("headers", {}), **result.get("multiValueHeaders", {})}
    return {
        name.lower(): ",".join(value) if isinstance(value, list) else value
        for name, value in named.items()
    }


def _check(method: str, path: str, answer: Answer) -> None:
    described = _described(method, path)
    if described is None:
        assert answer.status == 404
        return
    response = described["responses"].get(str(answer.status))
    assert response is not None, f"{method} {path} is not described to answer {answer.status}"
    _validator(response["content"]["application/json"]["schema"]["$ref"]).validate(answer.body)


@cache
def _validator(reference: str) -> Draft202012Validator:
    schema = {"$ref": reference, "components": DESCRIPTION["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _described(method: str, path: str) -> dict[str, Any] | None:
    for pattern, item in DESCRIPTION["paths"].items():
        matches = re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path, re.DOTALL)
        if matches and method.lower() in item:
            operation: dict[str, Any] = item[method.lower()]
            return operation
    return None
