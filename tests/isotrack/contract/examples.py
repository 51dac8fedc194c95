"""One complete instance of every answer and event: all that can be said is said."""

from __future__ import annotations

from datetime import timedelta

from isotrack.contract import (
    app,
    call_types,
    calls,
    errors,
    events,
    members,
    recordings,
    sessions,
    settings,
    users,
    websocket,
)
from isotrack.recording.events import (
    call_recording,
    recording_completed,
    recording_failed,
    recording_ready,
    recording_started,
    recording_stopped,
)
from isotrack.recording.outcomes import FailureReason, RecordingFailure
from isotrack.recording.tracks import Frozen, Source
from tests.builders import CALL, EGRESS, NOON, at, file

DAY = timedelta(days=1)
STORE = "https://isotrack-recordings.s3.eu-central-1.amazonaws.com/"
TOOK = "10.89ms"
EVENT_ID = "69df6660-b3cd-5b58-ab53-7150806c08b0"

USER = users.UserResponse(
    id="alice",
    name="Alice",
    image="https://example.com/alice.png",
    role="user",
    language="en",
    teams=("north",),
    teams_role={"north": "admin"},
    custom={"department": "sales"},
    created_at=NOON - DAY,
    updated_at=NOON - DAY,
    online=True,
    last_active=NOON,
    revoke_tokens_issued_before=NOON - 2 * DAY,
    deactivated_at=NOON + DAY,
    deleted_at=NOON + DAY,
)
OWN_USER = users.OwnUserResponse(**USER.model_dump(exclude={"shadow_banned"}))
FULL_USER = users.FullUserResponse(**USER.model_dump())

MEMBER = members.MemberResponse(
    user_id="alice",
    user=USER,
    role="host",
    custom={"seat": 1},
    created_at=NOON - DAY,
    updated_at=NOON - DAY,
    deleted_at=NOON + DAY,
)

PARTICIPANT = sessions.CallParticipantResponse(
    user_session_id="alice-2",
    user=USER,
    role="host",
    joined_at=at(30),
    left_at=at(60),
    previous_user_session_ids=("alice-1",),
)

SESSION = sessions.CallSessionResponse(
    id="session-1",
    participants=(PARTICIPANT,),
    participants_count_by_role={"host": 1},
    accepted_by={"alice": NOON},
    missed_by={"bob": NOON},
    rejected_by={"carol": NOON},
    started_at=NOON,
    ended_at=at(60),
    live_started_at=NOON,
    live_ended_at=at(60),
    timer_ends_at=at(90),
)

ASKED = settings.CallSettingsRequest.model_validate(
    {
        "audio": {"default_device": "earpiece", "noise_cancellation": {"mode": "available"}},
        "backstage": {"enabled": True, "join_ahead_time_seconds": 60},
        "broadcasting": {
            "enabled": True,
            "hls": {
                "quality_tracks": ["1080p", "720p"],
                "auto_on": True,
                "enabled": True,
                "layout": {
                    "name": "custom",
                    "detect_orientation": True,
                    "external_app_url": "https://example.com",
                    "external_css_url": "https://example.com/a.css",
                    "options": {"logo": True},
                },
            },
            "rtmp": {"enabled": True, "quality": "1080p", "layout": {"name": "grid"}},
        },
        "encryption": {"mode": "auto-on"},
        "frame_recording": {
            "mode": "auto-on",
            "capture_interval_in_seconds": 10,
            "quality": "360p",
        },
        "geofencing": {"names": ["european_union"]},
        "individual_recording": {
            "mode": "auto-on",
            "output_types": [
                "audio_only",
                "video_only",
                "audio_video",
                "screenshare_audio_only",
                "screenshare_video_only",
                "screenshare_audio_video",
            ],
        },
        "ingress": {
            "enabled": True,
            "audio_encoding_options": {"bitrate": 64_000, "channels": 2, "enable_dtx": True},
            "video_encoding_options": {
                "webcam": {
                    "source": {"fps": 30, "height": 720, "width": 1280},
                    "layers": [
                        {
                            "codec": "vp8",
                            "bitrate": 500_000,
                            "frame_rate_limit": 30,
                            "max_dimension": 1280,
                            "min_dimension": 720,
                        }
                    ],
                }
            },
        },
        "limits": {
            "max_duration_seconds": 3600,
            "max_participants": 10,
            "max_participants_exclude_owner": True,
            "max_participants_exclude_roles": ["admin"],
        },
        "raw_recording": {"mode": "auto-on", "audio_only": True},
        "recording": {
            "mode": "auto-on",
            "audio_only": True,
            "quality": "1080p",
            "layout": {"name": "spotlight"},
        },
        "ring": {
            "auto_cancel_timeout_ms": 20_000,
            "incoming_call_timeout_ms": 20_000,
            "missed_call_timeout_ms": 20_000,
        },
        "screensharing": {"target_resolution": {"width": 1920, "height": 1080, "bitrate": 0}},
        "session": {"inactivity_timeout_seconds": 300},
        "thumbnails": {"enabled": True},
        "transcription": {
            "mode": "auto-on",
            "closed_caption_mode": "auto-on",
            "language": "de",
            "speech_segment_config": {"max_speech_caption_ms": 500, "silence_duration_ms": 500},
            "translation": {"enabled": True, "languages": ["en"]},
        },
        "video": {"camera_facing": "back"},
    }
)
"""Every field of every section of settings, all of them other than ours."""

CALL_ANSWER = calls.CallResponse(
    type="default",
    id="standup",
    cid="default:standup",
    current_session_id="session-1",
    created_by=USER,
    created_at=NOON - DAY,
    updated_at=NOON,
    custom={"topic": "sales"},
    settings=ASKED.over(settings.DEFAULT_SETTINGS),
    egress=calls.EgressResponse(individual_recording=calls.Egress(status="running")),
    session=SESSION,
    starts_at=NOON,
    ended_at=at(60),
    team="north",
    channel_cid="messaging:standup",
)
STATE = calls.CallStateResponseFields(
    call=CALL_ANSWER,
    members=(MEMBER,),
    membership=MEMBER,
    own_capabilities=("start-individual-record-call",),
)
CALL_TYPE = call_types.CallTypeResponse(
    name="default",
    settings=ASKED.over(settings.DEFAULT_SETTINGS),
    grants={"host": ("start-recording",)},
    external_storage="ours",
    created_at=NOON - DAY,
    updated_at=NOON,
)
RECORDING = call_recording(file(), url=STORE + "file", sidecar_url=STORE + "sidecar")
ERROR = errors.APIError(
    duration=TOOK,
    code=4,
    StatusCode=400,
    message='UpdateCall failed with error: "custom: Input should be an object"',
    more_info="https://example.com",
    exception_fields={"custom": "Input should be an object"},
    unrecoverable=True,
)
FAILURE = FailureReason(
    code="NothingPlayable",
    message="screenshare: its one video track has no keyframe",
    user_id="alice",
    user_session_id="alice-1",
    source=Source.SCREENSHARE,
    retryable=False,
)

_STATE = {
    "call": CALL_ANSWER,
    "members": (MEMBER,),
    "membership": MEMBER,
    "own_capabilities": STATE.own_capabilities,
    "duration": TOOK,
}
_CALL_TYPE = {**CALL_TYPE.model_dump(), "duration": TOOK}

ANSWERS: tuple[Frozen, ...] = (
    ERROR,
    app.UpdateAppResponse(duration=TOOK),
    calls.GetCallResponse.model_validate(_STATE),
    calls.GetOrCreateCallResponse.model_validate({**_STATE, "created": True}),
    calls.UpdateCallResponse.model_validate(_STATE),
    calls.QueryCallsResponse(calls=(STATE,), next="n", prev="p", duration=TOOK),
    calls.EndCallResponse(duration=TOOK),
    call_types.CreateCallTypeResponse.model_validate(_CALL_TYPE),
    call_types.UpdateCallTypeResponse.model_validate(_CALL_TYPE),
    call_types.GetCallTypeResponse.model_validate(_CALL_TYPE),
    call_types.ListCallTypeResponse(call_types={"default": CALL_TYPE}, duration=TOOK),
    call_types.DeleteCallTypeResponse(duration=TOOK),
    members.UpdateCallMembersResponse(members=(MEMBER,), duration=TOOK),
    members.QueryCallMembersResponse(members=(MEMBER,), next="n", prev="p", duration=TOOK),
    recordings.StartRecordingResponse(egress_id=EGRESS, duration=TOOK),
    recordings.StopRecordingResponse(duration=TOOK),
    recordings.ListRecordingsResponse(recordings=(RECORDING,), next="n", duration=TOOK),
    recordings.DeleteRecordingResponse(duration=TOOK),
    users.UpdateUsersResponse(users={"alice": FULL_USER}, duration=TOOK),
    users.QueryUsersResponse(users=(FULL_USER,), duration=TOOK),
)

CALL_EVENTS: tuple[Frozen, ...] = (
    events.CallCreatedEvent(
        created_at=NOON, call_cid=CALL.cid, event_id=EVENT_ID, call=CALL_ANSWER, members=(MEMBER,)
    ),
    events.CallUpdatedEvent(
        created_at=NOON,
        call_cid=CALL.cid,
        event_id=EVENT_ID,
        call=CALL_ANSWER,
        capabilities_by_role={"host": ("start-individual-record-call",)},
    ),
    events.CallEndedEvent(
        created_at=NOON,
        call_cid=CALL.cid,
        event_id=EVENT_ID,
        call=CALL_ANSWER,
        user=USER,
        reason="over",
    ),
    events.CallSessionStartedEvent(
        created_at=NOON,
        call_cid=CALL.cid,
        event_id=EVENT_ID,
        session_id="session-1",
        call=CALL_ANSWER,
    ),
    events.CallSessionEndedEvent(
        created_at=NOON,
        call_cid=CALL.cid,
        event_id=EVENT_ID,
        session_id="session-1",
        call=CALL_ANSWER,
    ),
    events.CallSessionParticipantJoinedEvent(
        created_at=NOON,
        call_cid=CALL.cid,
        event_id=EVENT_ID,
        session_id="session-1",
        participant=PARTICIPANT,
    ),
    events.CallSessionParticipantLeftEvent(
        created_at=NOON,
        call_cid=CALL.cid,
        event_id=EVENT_ID,
        session_id="session-1",
        participant=PARTICIPANT,
        duration_seconds=30,
        reason="left",
    ),
    events.CallMemberAddedEvent(
        created_at=NOON, call_cid=CALL.cid, event_id=EVENT_ID, call=CALL_ANSWER, members=(MEMBER,)
    ),
    events.CallMemberUpdatedEvent(
        created_at=NOON, call_cid=CALL.cid, event_id=EVENT_ID, call=CALL_ANSWER, members=(MEMBER,)
    ),
    events.CallMemberRemovedEvent(
        created_at=NOON, call_cid=CALL.cid, event_id=EVENT_ID, call=CALL_ANSWER, members=("bob",)
    ),
)

RECORDING_EVENTS: tuple[Frozen, ...] = (
    recording_started(CALL.cid, EGRESS, NOON),
    recording_stopped(CALL.cid, EGRESS, NOON),
    recording_ready(file(), url=STORE + "file", sidecar_url=STORE + "sidecar", created_at=NOON),
    recording_failed(RecordingFailure(call=CALL, egress_id=EGRESS, reason=FAILURE), NOON),
    recording_completed(
        CALL.cid,
        EGRESS,
        revision=1,
        manifest_key="recordings/default/standup/recording.json",
        manifest_url=STORE + "manifest",
        participant_session_count=1,
        file_count=1,
        failures=(FAILURE,),
        created_at=NOON,
    ),
)

CONNECTION_EVENTS: tuple[Frozen, ...] = (
    websocket.ConnectedEvent(connection_id="c-1", created_at=NOON, me=OWN_USER),
    websocket.ConnectionErrorEvent(connection_id="c-1", created_at=NOON, error=ERROR),
    websocket.HealthCheckEvent(connection_id="c-1", created_at=NOON),
)
