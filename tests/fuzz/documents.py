"""Fuzz targets: JSON from outside, and a capture file as a user brings it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.media.track_format import TrackFormat
from isotrack.pipeline.formats import track_format
from isotrack.pipeline.guessing import guess_tracks
from isotrack.pipeline.importing import import_captures
from isotrack.pipeline.inspecting import inspect
from isotrack.pipeline.plan import plan
from isotrack.pipeline.remux import remux
from isotrack.pipeline.tabulating import tabulate
from isotrack.recording.announced import read_announced
from isotrack.recording.errors import CorruptInput, Invalid
from isotrack.recording.jobs import Job
from isotrack.recording.manifest import Manifest
from isotrack.recording.tracks import Track, TrackType
from isotrack.recording.validation import stored
from tests.captures import CaptureBytes
from tests.fuzz.choices import Choices
from tests.fuzz.files import check_file
from tests.sessions import Session, opus_call, vp8_call

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    127,
    2**31,
    2**32,
    2**63,
    10**40,
    1.5,
    1e308,
    "",
    "x",
    "x" * 70,
    "\0",
    "\udcff",
    "../../x",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00Z",
    "2026-01-01T00:00:00",
    "video/H264",
    "audio/PCMU",
    [],
    [[]],
    {},
    {"ssrc": 1},
)
"""What may stand anywhere in JSON."""

_LONGEST_MS = 1 << 50


def announced(data: bytes) -> None:
    """`tracks.json`: read, or refused with the place; what was read can be made a track."""
    message, tracks = "tracks.json", ()
    try:
        tracks = read_announced(data, "tracks.json").tracks
    except Invalid as error:
        message = str(error)
    assert message.startswith("tracks.json")
    assert len({(t.user_session_id, t.track_id) for t in tracks}) == len(tracks)


def changed(choices: Choices, document: Any) -> Any:
    """A document with some values exchanged, left out or doubled."""
    whole = {"": document}
    for _ in range(choices.number(1) % 4):
        node: Any = whole
        key: Any = ""
        for _ in range(choices.number(1) % 8):
            inner = node[key]
            if not isinstance(inner, dict | list) or not inner:
                break
            keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
            node, key = inner, keys[choices.number(1) % len(keys)]
        kind = choices.number(1) % 8
        if kind == 0 and node is not whole:
            del node[key]
        elif kind == 1 and isinstance(node, list):
            node.append(json.loads(json.dumps(node[key])))
        else:
            node[key] = json.loads(json.dumps(VALUES[choices.number(1) % len(VALUES)]))
    return whole[""]


def announced_values(data: bytes) -> None:
    """A `tracks.json` whose values are not what they should be."""
    announced(json.dumps(changed(Choices(data), _tracks())).encode())


def manifest(data: bytes) -> None:
    """A manifest: read or refused by name, whatever its bytes."""
    message = "manifest.json"
    try:
        stored(Manifest, data, "manifest.json")
    except CorruptInput as error:
        message = str(error)
    assert message.startswith("manifest.json")


def manifest_values(data: bytes) -> None:
    """A manifest whose values are not what they should be, and the call that it is of."""
    session = _session()
    store = MemoryStore()
    store.objects = dict(session.store.objects)
    body = json.dumps(changed(Choices(data), json.loads(store.get(session.manifest_key))))
    store.put(session.manifest_key, body.encode())
    try:
        jobs = plan(session.manifest_key, 1, store=store).jobs
    except CorruptInput:
        return
    for job in jobs:
        _remux(job, store)


def import_file(data: bytes) -> None:
    """A capture of any format: inspected, imported as what is guessed, and remuxed."""
    captures = [CaptureBytes("capture", data)]
    try:
        found = inspect(captures)
        assert tabulate(found)
        said = read_announced(json.dumps(guess_tracks(found)), "the guess")
        store = MemoryStore()
        manifests = import_captures(captures, said, store=store, checksum=crc32c_of).manifests
    except (CorruptInput, Invalid):
        return
    for key in manifests:
        for job in plan(key, 1, store=store).jobs:
            _remux(job, store)


def _remux(job: Job, store: MemoryStore) -> None:
    try:
        files = remux(job, raw=store, recordings=store, checksum=crc32c_of).files
    except CorruptInput:
        return
    for file in files:
        check_file(store, file, _LONGEST_MS)


def track(data: bytes) -> None:
    """A track as announced is one that can be read, or refused with a ValueError."""
    said = changed(Choices(data), json.loads(_session().tracks[0].track.model_dump_json()))
    try:
        form = track_format(Track.model_validate(said))
    except ValueError:
        return
    assert isinstance(form, TrackFormat)


@cache
def _session() -> Session:
    made = Session()
    made.capture(TrackType.AUDIO, opus_call(0.6), chunk_us=300_000)
    made.capture(
        TrackType.VIDEO,
        vp8_call(0.6),
        chunk_us=300_000,
        rtx={"payload_type": 97, "ssrc": 5},
        fec={"mechanism": "ulpfec", "payload_type": 98},
        layers=({"rid": "h", "ssrc": 1234, "rtx_ssrc": 5}, {"rid": "l", "ssrc": 1235}),
        header_extensions={"urn:3gpp:video-orientation": 3},
        fmtp={"x": "1"},
    )
    made.seal()
    return made


def _tracks() -> dict[str, Any]:
    return {
        "call_cid": "default:x",
        "recording_started_at": "2026-03-01T12:00:00Z",
        "output_types": ["audio_only"],
        "tracks": [
            {
                "user_id": "alice",
                "mime": "video/VP8",
                "payload_type": 96,
                "ssrc": [1, "0x2"],
                "rtx": {"payload_type": 97, "ssrc": 3},
                "layers": [{"rid": "h", "ssrc": 1}],
                "header_extensions": {"urn:ietf:params:rtp-hdrext:sdes:mid": 1},
                "fmtp": "a=1;b=2",
                "flow": "10.0.0.1:5004",
            },
            {"user_id": "bob", "mime": "opus/48000/2", "red": 63, "fec": {"mechanism": "ulpfec"}},
        ],
    }


def texts(make: Callable[[], Any]) -> list[bytes]:
    """A document as text."""
    return [json.dumps(make()).encode(), json.dumps(make(), indent=1).encode()]


def announced_seeds() -> list[bytes]:
    """`tracks.json` as text."""
    return texts(_tracks)


def manifest_seeds() -> list[bytes]:
    """A manifest as text."""
    session = _session()
    return [session.store.get(session.manifest_key)]


def change_seeds() -> list[bytes]:
    """Changes of each value, at many places."""
    return [
        bytes([1, depth, place, place * 7 % 11, place % 3, kind, kind % 8, value])
        for depth in range(1, 6)
        for place, kind, value in ((1, 3, 5), (4, 2, 13), (9, 0, 17), (6, 1, 20), (2, 5, 26))
    ]
