"""What remux asks of its stores, and what it leaves there when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import moto
import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore, MemoryWriter
from isotrack.adapters.s3 import S3Store
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.survey import survey
from isotrack.recording.errors import DestinationError, Transient
from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import call, made
from tests.sessions import Session, opus_call, vp8_call


class FailingWriter(MemoryWriter):
    """Fails when so many bytes were written, or at the commit."""

    limit: int | None = None
    aborted: list[str]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.limit is not None and len(self._body) + len(data) > self.limit:
            raise DestinationError("the bucket is gone")
        super().write(data)

    def commit(self, head: bytes = b"") -> None:
        if self.limit is None:
            raise Transient("busy")
        super().commit(head)

    def abort(self) -> None:
        self.aborted.append(self._key)
        super().abort()


class FailingStore(MemoryStore):
    """A store whose writers fail."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self.limit = limit
        self.aborted: list[str] = []
        self.begun = 0

    def writer(self, key: str, *, content_type: str) -> MemoryWriter:
        writer = FailingWriter(self, key, content_type)
        writer.limit, writer.aborted = self.limit, self.aborted
        self.begun += 1
        return writer


@pytest.mark.parametrize("limit", [0, 30_000, None], ids=["at once", "in the middle", "at commit"])
def test_a_store_that_fails_is_left_with_no_object(limit: int | None) -> None:
    session, store = call(), FailingStore(limit)

    with pytest.raises((DestinationError, Transient)):
        made(session, store)

    assert store.objects == {}
    assert len(store.aborted) == store.begun > 0


class BusyStore(MemoryStore):
    """Busy once so many objects were read, or their ends."""

    def __init__(self, objects: dict[str, bytes], allowed: int) -> None:
        super().__init__()
        self.objects = objects
        self.allowed = allowed

    def get(self, key: str) -> bytes:
        self.allowed -= 1
        if self.allowed < 0:
            raise Transient("503 Slow Down")
        return super().get(key)


@pytest.mark.parametrize("allowed", [0, 3, 7, 10])
def test_a_busy_store_is_passed_on_to_be_tried_again(allowed: int) -> None:
    session, recordings = call(), MemoryStore()
    raw = BusyStore(session.store.objects, allowed)

    with pytest.raises(Transient):
        made(session, recordings, raw=raw)

    assert recordings.objects == {}


class Requests(NamedTuple):
    """What was asked of a bucket: the key, the range, the bytes that came."""

    key: str
    range: str | None
    size: int


@pytest.fixture
def bucket() -> Iterator[S3Store]:
    with moto.mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="raw")
        yield S3Store("raw", client)


def watched(store: S3Store) -> list[Requests]:
    """Every object that is got from now on."""
    requests: list[Requests] = []

    def note(parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        asked = context["isotrack"]
        size = parsed["ContentLength"]
        requests.append(Requests(asked["Key"], asked.get("Range"), size))

    def keep(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["isotrack"] = dict(params)

    events = store._client.meta.events
    events.register("provide-client-params.s3.GetObject", keep)
    events.register("after-call.s3.GetObject", note)
    return requests


def test_the_survey_fetches_the_ends_of_chunks_and_the_first_media(bucket: S3Store) -> None:
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(20, size=10_000), chunk_us=2_000_000)
    session.capture(TrackType.AUDIO, opus_call(20), chunk_us=2_000_000)
    session.seal()
    for key, body in session.store.objects.items():
        bucket.put(key, body)
    requests = watched(bucket)

    found = survey(session.tracks, ChunkReader(bucket, crc32c_of))

    assert found.kinds == {"video", "audio"}
    pictures = {chunk.key for chunk in session.tracks[0].chunks}
    ends = [each for each in requests if each.range is not None]
    wholes = {each.key for each in requests if each.range is None}
    video, audio = (track.chunks for track in session.tracks)
    assert sorted(each.key for each in ends) == [chunk.key for chunk in (*video, *audio)]
    assert (
        sum(each.size for each in ends if each.key in pictures)
        < sum(c.size_bytes for c in video) / 10
    )
    # Of the media only what is read ahead while the first two chunks show that it can be played:
    # what comes first may be late, and is waited for over two seconds.
    ahead = {chunk.key for chunk in video[: 2 + bucket.read_ahead]}
    assert wholes & pictures <= ahead < pictures
    sound = {chunk.key for chunk in audio[: 2 + bucket.read_ahead]}
    assert wholes - pictures <= sound < {chunk.key for chunk in audio}


def test_a_bucket_gives_the_files_that_memory_gives(bucket: S3Store) -> None:
    session, recordings = call(), MemoryStore()
    for key, body in session.store.objects.items():
        bucket.put(key, body)
    made(session)

    files = made(session, raw=bucket, store=recordings)

    for file in files:
        assert recordings.objects[file.key] == session.store.objects[file.key]
