"""Every key of an object in our buckets is spelled here and nowhere else.

Ids come from outside: they are percent-encoded, dots first of all, so that no id can climb out of
its folder or collide with another.

    raw/{call_type}/{call_id}/{egress_id}/{user_session_id}/{track_id}/track.json
    raw/.../{track_id}/{seq:08d}.rtpdump
    raw/.../{user_session_id}/manifest.json
    recordings/{call_type}/{call_id}/{egress_id}/{user_session_id}/{filename}.mkv, .json
    recordings/.../{user_session_id}/r{revision}/{filename}.mkv, .json      files made again
    recordings/{call_type}/{call_id}/{egress_id}/recording.json
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from urllib.parse import quote, unquote

from pydantic import ValidationError

from isotrack.recording.errors import Invalid
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call

MANIFEST_NAME = "manifest.json"
RECORDING_NAME = "recording.json"
MAX_KEY_BYTES = 1024  # S3
MAX_FILENAME = 256  # the API's path limit for a file name


def encode(identifier: str) -> str:
    """Percent-encode an id so that it is one path segment, never `.` or `..`."""
    return quote(identifier, safe="").replace(".", "%2E")


def decode(segment: str) -> str:
    """The id that `encode` was given."""
    return unquote(segment)


def _join(*segments: str) -> str:
    key = "/".join(segments)
    if len(key) > MAX_KEY_BYTES:
        raise Invalid(f"the ids are too long together: an S3 key of {len(key)} bytes")
    return key


def egress_prefix(call: Call, egress_id: str) -> str:
    """The folder of everything captured for one recording, ending in a slash."""
    return _join("raw", *map(encode, (call.call_type, call.call_id, egress_id))) + "/"


def session_prefix(call: Call, egress_id: str, user_session_id: str) -> str:
    """The folder of everything captured of one participant session, ending in a slash."""
    return _join(egress_prefix(call, egress_id).rstrip("/"), encode(user_session_id)) + "/"


class SessionIds(NamedTuple):
    """Whose chunks a folder holds, as its name tells it."""

    call: Call
    egress_id: str
    user_session_id: str


def session_ids(manifest_key: str) -> SessionIds:
    """The ids that a manifest's key was made of. Raises Invalid when it is no such key."""
    segments = manifest_key.split("/")
    if len(segments) != 6 or segments[0] != "raw" or segments[5] != MANIFEST_NAME:
        raise Invalid(f"not the key of a manifest: {manifest_key!r}")
    call_type, call_id, egress_id, user_session_id = map(decode, segments[1:5])
    try:
        call = Call(call_type=call_type, call_id=call_id)
    except ValidationError as problem:
        raise Invalid(f"the key of a manifest names no call: {manifest_key!r}") from problem
    return SessionIds(call, egress_id, user_session_id)


def track_json(session: str, track_id: str) -> str:
    """The announcement of a track, in the folder of its participant session."""
    return _join(session.rstrip("/"), encode(track_id), "track.json")


def chunk(session: str, track_id: str, sequence: int) -> str:
    """A sealed run of a track's packets."""
    return _join(session.rstrip("/"), encode(track_id), f"{sequence:08d}.rtpdump")


def manifest(session: str) -> str:
    """The commit of a participant session."""
    return _join(session.rstrip("/"), MANIFEST_NAME)


def filename(
    call: Call, user_id: str, user_session_id: str, output: OutputType, start_ms: int
) -> str:
    """The name of a recording file, without its ending.

    Args:
        call: the call it was recorded in.
        user_id: who is in it.
        user_session_id: their stay in the call.
        output: what is in it.
        start_ms: start of the recording, Unix milliseconds: the same for all files of a recording.
    """
    ids = (call.call_type, call.call_id, user_id, user_session_id)
    name = "_".join(("individual", *map(encode, ids), output.value, str(start_ms)))
    if len(name) + len(".json") <= MAX_FILENAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"individual_{digest}_{output.value}_{start_ms}"


def recording_file(
    call: Call, egress_id: str, user_session_id: str, name: str, revision: int = 1
) -> str:
    """A recording file or its sidecar, by file name with its ending.

    A file that is made again keeps its name and goes into a folder of its own, so that links to
    the one before it go on opening just that.
    """
    ids = (call.call_type, call.call_id, egress_id, user_session_id)
    folder = () if revision == 1 else (f"r{revision}",)
    return _join("recordings", *map(encode, ids), *folder, name)


def recording_manifest(call: Call, egress_id: str) -> str:
    """The manifest of a whole recording: all files of all participants."""
    ids = map(encode, (call.call_type, call.call_id, egress_id))
    return _join("recordings", *ids, RECORDING_NAME)
