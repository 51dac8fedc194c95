"""Requests made of `events/openapi.json`, valid and not: the API answers as the document says.

The same requests in every run: what chance finds is no surprise in CI, but a case to be added.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from getstream import Stream
from getstream.models import CallRequest, UserRequest
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from isotrack.adapters.tokens import server_token, user_token
from tests.clients.venue import Venue

pytestmark = pytest.mark.e2e

DOCUMENT = Path(__file__).parents[2] / "events" / "openapi.json"
EXAMPLES = 4
"""Requests of each kind for each operation."""
SHAPE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FREE = ["ListCallTypes", "QueryUsers"]
"""Operations of which a request is right whatever it says: no parameters, or any JSON in one."""
CALL_ID, OWNER = "described", "describer"


def _schema(mode: str) -> schemathesis.BaseSchema:
    config = schemathesis.Config.from_dict(
        {
            "generation": {
                "mode": mode,
                "deterministic": True,
                "max-examples": EXAMPLES,
                "database": "none",
                "with-security-parameters": False,  # the tests send their own
                "allow-extra-parameters": False,  # unknown ones are ignored, and not wrong
            },
            "phases": {
                "examples": {"enabled": False},
                "coverage": {"enabled": False},
                "stateful": {"enabled": False},
            },
        }
    )
    return schemathesis.openapi.from_path(DOCUMENT, config=config)


VALID, INVALID = _schema("positive"), _schema("negative")


@pytest.fixture(scope="module")
def call(venue: Venue) -> dict[str, str]:
    """The path of a call that is there."""
    with Stream(api_key=venue.api_key, api_secret=venue.api_secret, base_url=venue.url) as server:
        server.update_users({OWNER: UserRequest(id=OWNER)})
        server.video.call("default", CALL_ID).get_or_create(data=CallRequest(created_by_id=OWNER))
    return {"type": "default", "id": CALL_ID}


def _check(case: schemathesis.Case, venue: Venue, token: str, checks: list[Any]) -> None:
    case.call_and_validate(
        base_url=venue.url,
        headers={"Authorization": token},
        params={"api_key": venue.api_key},
        checks=checks,
    )


# UpdateApp revokes the tokens of all users, those of the other tests among them.
@VALID.exclude(operation_id="UpdateApp").parametrize()
def test_a_server_is_answered_as_described(case: schemathesis.Case, venue: Venue) -> None:
    _check(case, venue, server_token(venue.api_secret), [*SHAPE, ignored_auth])


@VALID.include(path_regex=r"/call/\{type\}/\{id\}").parametrize()
def test_the_owner_of_a_call_is_answered_as_described(
    case: schemathesis.Case, venue: Venue, call: dict[str, str]
) -> None:
    case.path_parameters.update(call)
    _check(case, venue, user_token(venue.api_secret, OWNER), SHAPE)


# Behind `/video` the same functions answer, and some requests have nothing that could be wrong.
@INVALID.exclude(path_regex="^/video/").exclude(operation_id=FREE).parametrize()
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_wrong_request_is_refused_as_described(case: schemathesis.Case, venue: Venue) -> None:
    _check(case, venue, server_token(venue.api_secret), [*SHAPE, negative_data_rejection])
