"""What the bodies of requests may say, and how what they may not is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from isotrack.contract.app import UpdateAppRequest
from isotrack.contract.call_types import CreateCallTypeRequest, UpdateCallTypeRequest
from isotrack.contract.calls import (
    GetOrCreateCallRequest,
    QueryCallsRequest,
    UpdateCallRequest,
)
from isotrack.contract.members import QueryCallMembersRequest, UpdateCallMembersRequest
from isotrack.contract.recordings import (
    ListRecordingsQuery,
    StartRecordingRequest,
    StopRecordingRequest,
)
from isotrack.contract.users import (
    QueryUsersPayload,
    UpdateUsersPartialRequest,
    UpdateUsersRequest,
)
from isotrack.contract.websocket import WSAuthMessage
from isotrack.recording.errors import Invalid
from isotrack.recording.outputs import OutputType
from isotrack.recording.validation import requested

OPTIONAL: tuple[type[BaseModel], ...] = (
    GetOrCreateCallRequest,
    UpdateCallRequest,
    QueryCallsRequest,
    UpdateCallMembersRequest,
    UpdateCallTypeRequest,
    StartRecordingRequest,
    StopRecordingRequest,
    ListRecordingsQuery,
    UpdateAppRequest,
)
"""Requests that need not say anything."""


@pytest.mark.parametrize("model", OPTIONAL)
def test_a_body_may_be_empty_or_say_more_than_we_know(model: type[BaseModel]) -> None:
    assert requested(model, '{"no": {"such": "field"}}') == requested(model, "{}")


@pytest.mark.parametrize("model", OPTIONAL)
@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", '"x"', "\x00", "{" * 1000])
def test_a_body_that_is_no_object_is_refused(model: type[BaseModel], body: str) -> None:
    with pytest.raises(Invalid, match=r"^body: "):
        requested(model, body)


@pytest.mark.parametrize("model", OPTIONAL)
def test_null_is_as_good_as_nothing(model: type[BaseModel]) -> None:
    nothing = dict.fromkeys(model.model_fields)
    assert requested(model, json.dumps(nothing)) == requested(model, "{}")


def test_a_call_is_asked_for_with_all_that_libraries_send() -> None:
    request = requested(
        GetOrCreateCallRequest,
        json.dumps(
            {
                "members_limit": 10,
                "notify": False,
                "ring": False,
                "video": True,
                "data": {
                    "created_by_id": "alice",
                    "created_by": {"id": "alice", "name": "Alice", "role": "admin"},
                    "members": [{"user_id": "bob", "role": "host", "custom": {"seat": 1}}],
                    "custom": {"topic": "Monday"},
                    "starts_at": "2026-03-01T13:00:00+01:00",
                    "team": "north",
                    "video": True,
                    "channel_cid": "messaging:standup",
                    "settings_override": {
                        "individual_recording": {"mode": "auto-on", "output_types": ["audio_only"]}
                    },
                },
            }
        ),
    )
    assert request.data is not None
    assert request.data.starts_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert request.data.members is not None
    assert request.data.members[0].role == "host"
    assert request.data.settings_override is not None
    individual = request.data.settings_override.individual_recording
    assert individual is not None
    assert individual.output_types == (OutputType.AUDIO_ONLY,)


def test_users_are_sent_by_id() -> None:
    request = requested(
        UpdateUsersRequest,
        json.dumps({"users": {"alice": {"id": "alice", "role": "admin", "teams": ["north"]}}}),
    )
    assert request.users["alice"].teams == ("north",)


def test_tokens_are_revoked_by_a_moment_and_taken_back_by_null() -> None:
    request = requested(
        UpdateAppRequest, '{"revoke_tokens_issued_before": "2026-03-01T12:00:00.000001Z"}'
    )
    moment = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert request.revoke_tokens_issued_before == moment
    taken_back = requested(UpdateAppRequest, '{"revoke_tokens_issued_before": null}')
    assert taken_back.revoke_tokens_issued_before is None
    assert taken_back.model_fields_set == {"revoke_tokens_issued_before"}
    assert requested(UpdateAppRequest, "{}").model_fields_set == set()


def test_recordings_are_filtered_by_words_of_a_query() -> None:
    query = ListRecordingsQuery.model_validate(
        {
            "user_id": "alice",
            "user_session_id": "alice-1",
            "output_type": "screenshare_audio_video",
            "egress_id": "e-1",
            "limit": "10",
            "next": "token",
            "api_key": "isotrack",
        }
    )
    assert query.output_type is OutputType.SCREENSHARE_AUDIO_VIDEO
    assert query.limit == 10


FULL_MEMBERS = [{"user_id": str(number)} for number in range(101)]


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (GetOrCreateCallRequest, {"members_limit": 101}, "members_limit"),
        (GetOrCreateCallRequest, {"ring": "loudly"}, "ring"),
        (GetOrCreateCallRequest, {"data": []}, "data"),
        (GetOrCreateCallRequest, {"data": {"created_by_id": ""}}, "data.created_by_id"),
        (GetOrCreateCallRequest, {"data": {"created_by_id": "x" * 256}}, "data.created_by_id"),
        (GetOrCreateCallRequest, {"data": {"created_by_id": "a\nb"}}, "data.created_by_id"),
        (GetOrCreateCallRequest, {"data": {"created_by_id": 7}}, "data.created_by_id"),
        (GetOrCreateCallRequest, {"data": {"created_by": {}}}, "data.created_by.id"),
        (GetOrCreateCallRequest, {"data": {"members": FULL_MEMBERS}}, "data.members"),
        (GetOrCreateCallRequest, {"data": {"members": [{}]}}, "data.members.0.user_id"),
        (
            GetOrCreateCallRequest,
            {"data": {"members": [{"user_id": "a", "role": "a/b"}]}},
            "data.members.0.role",
        ),
        (GetOrCreateCallRequest, {"data": {"starts_at": "soon"}}, "data.starts_at"),
        (GetOrCreateCallRequest, {"data": {"custom": "text"}}, "data.custom"),
        (UpdateCallRequest, {"custom": {"a": "x" * 6000}}, "custom"),
        (UpdateCallRequest, {"starts_at": "2026-03-01"}, "starts_at"),
        (QueryCallsRequest, {"limit": -1}, "limit"),
        (QueryCallsRequest, {"next": ""}, "next"),
        (QueryCallsRequest, {"filter_conditions": "all"}, "filter_conditions"),
        (QueryCallsRequest, {"sort": [{"direction": 2}]}, "sort.0.direction"),
        (QueryCallsRequest, {"sort": [{}, {}, {}]}, "sort"),
        (UpdateCallMembersRequest, {"update_members": [{"user_id": ""}]}, "update_members.0."),
        (UpdateCallMembersRequest, {"remove_members": ["a", "\x7f"]}, "remove_members.1"),
        (QueryCallMembersRequest, {"id": "standup"}, "type"),
        (QueryCallMembersRequest, {"type": "default", "id": "x" * 65}, "id"),
        (UpdateUsersRequest, {}, "users"),
        (UpdateUsersRequest, {"users": {}}, "users"),
        (UpdateUsersRequest, {"users": {"alice": {}}}, "users.alice.id"),
        (UpdateUsersRequest, {"users": {"alice": {"id": "alice", "teams": "n"}}}, "users.alice."),
        (UpdateUsersPartialRequest, {"users": [{"set": {}}]}, "users.0.id"),
        (UpdateUsersPartialRequest, {"users": [{"id": "a", "unset": "x"}]}, "users.0.unset"),
        (QueryUsersPayload, {"offset": 1001}, "offset"),
        (CreateCallTypeRequest, {}, "name"),
        (CreateCallTypeRequest, {"name": "../x"}, "name"),
        (UpdateCallTypeRequest, {"grants": {"host": "all"}}, "grants.host"),
        (UpdateCallTypeRequest, {"grants": {"host": [7]}}, "grants.host.0"),
        (UpdateCallTypeRequest, {"grants": {"h": ["x" * 99] * 999}}, "grants"),
        (StartRecordingRequest, {"recording_external_storage": ""}, "recording_external_storage"),
        (ListRecordingsQuery, {"output_type": "hologram"}, "output_type"),
        (UpdateAppRequest, {"revoke_tokens_issued_before": 1.5}, "revoke_tokens_issued_before"),
        (WSAuthMessage, {"token": "t"}, "user_details"),
        (WSAuthMessage, {"token": "t" * 8193, "user_details": {"id": "a"}}, "token"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_field(
    model: type[BaseModel], body: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        requested(model, json.dumps(body))
    assert str(refused.value).startswith(field), str(refused.value)
