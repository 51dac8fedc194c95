from __future__ import annotations

import pytest
from pydantic import ValidationError

from isotrack.recording.tracks import Call, ParticipantSession, Source, Track, TrackType
from tests.builders import NOON, track


@pytest.mark.parametrize(
    ("track_type", "source", "kind"),
    [
        ("audio", Source.PARTICIPANT, "audio"),
        ("video", Source.PARTICIPANT, "video"),
        ("screenshare_audio", Source.SCREENSHARE, "audio"),
        ("screenshare_video", Source.SCREENSHARE, "video"),
    ],
)
def test_a_track_type_belongs_to_a_source_and_is_of_a_kind(
    track_type: str, source: Source, kind: str
) -> None:
    assert TrackType(track_type).source is source
    assert TrackType(track_type).kind == kind


def test_a_call_is_named_by_type_and_id() -> None:
    assert Call(call_type="default", call_id="standup").cid == "default:standup"


@pytest.mark.parametrize("identifier", ["", "x" * 65, "a\nb", "a\x00b", "a\x7fb"])
def test_an_id_that_is_empty_too_long_or_has_control_characters_is_refused(
    identifier: str,
) -> None:
    with pytest.raises(ValidationError, match="call_id"):
        Call(call_type="default", call_id=identifier)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="joined_at"):
        ParticipantSession(user_id="a", user_session_id="b", joined_at=NOON.replace(tzinfo=None))


def test_the_codec_of_a_track_is_its_encoding_name_in_lower_case() -> None:
    made = track(TrackType.VIDEO)
    assert made.mime_type == "video/vp8"
    assert made.codec == "vp8"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mime_type", "application/x"),
        ("mime_type", "video/"),
        ("payload_type", 128),
        ("clock_rate", 0),
        ("channels", 9),
        ("ssrc", 1 << 32),
        ("header_extensions", {"urn:x": 0}),
        ("header_extensions", {"urn:x": 256}),
    ],
)
def test_a_track_that_cannot_be_is_refused_by_field(field: str, value: object) -> None:
    fields = track(TrackType.VIDEO).model_dump(mode="json") | {field: value}
    with pytest.raises(ValidationError, match=field):
        Track.model_validate(fields)


def test_a_value_of_the_domain_does_not_change() -> None:
    call = Call(call_type="default", call_id="standup")
    with pytest.raises(ValidationError, match="frozen"):
        call.call_id = "other"  # type: ignore[misc]
