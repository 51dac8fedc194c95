from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.recording import keys
from isotrack.recording.errors import Invalid
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call

CALL = Call(call_type="default", call_id="standup")
HOSTILE = ["../../etc", ".", "..", "a/b", "a b", "100%", "ü", "a_b", "a:b", "\u2028"]
ids = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)


def test_the_keys_of_a_session_lie_in_its_folder() -> None:
    session = keys.session_prefix(CALL, "egress-1", "alice-1")
    assert session == "raw/default/standup/egress-1/alice-1/"
    assert keys.manifest(session) == f"{session}manifest.json"
    assert keys.track_json(session, "cam") == f"{session}cam/track.json"
    assert keys.chunk(session, "cam", 7) == f"{session}cam/00000007.rtpdump"


def test_a_recording_file_lies_in_the_folder_of_its_session() -> None:
    key = keys.recording_file(CALL, "egress-1", "alice-1", "x.mkv")
    assert key == "recordings/default/standup/egress-1/alice-1/x.mkv"


def test_a_file_made_again_lies_beside_the_one_before_it() -> None:
    key = keys.recording_file(CALL, "egress-1", "alice-1", "x.mkv", 2)
    assert key == "recordings/default/standup/egress-1/alice-1/r2/x.mkv"


def test_the_manifest_of_a_recording_lies_beside_its_sessions() -> None:
    key = keys.recording_manifest(CALL, "egress-1")
    assert key == "recordings/default/standup/egress-1/recording.json"
    session = keys.recording_file(CALL, "egress-1", "recording.json", "x.mkv")
    assert not session.startswith(key)  # whatever a session is called


def test_all_that_was_captured_for_a_recording_lies_in_its_folder_and_nothing_else() -> None:
    folder = keys.egress_prefix(CALL, "egress-1")
    assert folder == "raw/default/standup/egress-1/"
    assert keys.session_prefix(CALL, "egress-1", "alice-1").startswith(folder)
    assert not keys.session_prefix(CALL, "egress-10", "alice-1").startswith(folder)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_id_is_one_path_segment(hostile: str) -> None:
    session = keys.session_prefix(Call(call_type=hostile, call_id="c"), hostile, hostile)
    assert session.count("/") == 5
    assert not {".", "..", ""} & set(session.rstrip("/").split("/"))


@given(identifier=ids)
def test_an_encoded_id_decodes_to_itself(identifier: str) -> None:
    assert keys.decode(keys.encode(identifier)) == identifier


@given(call_type=ids, call_id=ids, egress_id=ids, session=ids)
def test_a_manifest_key_gives_back_the_ids_it_was_made_of(
    call_type: str, call_id: str, egress_id: str, session: str
) -> None:
    call = Call(call_type=call_type, call_id=call_id)
    try:
        key = keys.manifest(keys.session_prefix(call, egress_id, session))
    except Invalid:
        return  # longer than S3 takes
    assert keys.session_ids(key) == (call, egress_id, session)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "manifest.json",
        "raw/default/standup/e/alice/track.json",
        "raw/default/standup/e/alice/cam/manifest.json",
        "recordings/default/standup/e/alice/manifest.json",
        "raw//standup/e/alice/manifest.json",
        f"raw/{'t' * 65}/standup/e/alice/manifest.json",
    ],
)
def test_what_is_no_key_of_a_manifest_is_refused_by_name(key: str) -> None:
    with pytest.raises(Invalid, match="manifest"):
        keys.session_ids(key)


def test_a_key_longer_than_s3_takes_is_refused() -> None:
    wide = "\u00fc" * 64  # six bytes each, percent-encoded
    with pytest.raises(Invalid, match="too long"):
        keys.session_prefix(Call(call_type=wide, call_id=wide), wide, wide)


def test_a_file_name_says_whose_file_it_is() -> None:
    name = keys.filename(CALL, "alice", "alice-1", OutputType.AUDIO_ONLY, 1_700_000_000_123)
    assert name == "individual_default_standup_alice_alice-1_audio_only_1700000000123"


def test_file_names_of_long_ids_are_short_and_still_differ() -> None:
    def name(user: str) -> str:
        return keys.filename(CALL, user, "s" * 64, OutputType.AUDIO_VIDEO, 1)

    one, other = name("u" * 254 + "1"), name("u" * 254 + "2")
    assert one != other
    assert len(one + ".json") <= 256
    assert one.startswith("individual_")
    assert one.endswith("_audio_video_1")
