"""The first part is uploaded last, and nothing is left behind."""

from __future__ import annotations

import random
import threading
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from isotrack.adapters.s3 import S3Store
from isotrack.adapters.s3_multipart import PART_SIZE, part_size
from isotrack.recording.errors import DestinationError, Transient
from tests.isotrack.adapters.lost_answer import lose_the_first_answer

MIB = 1 << 20
S3_SMALLEST_PART, S3_LARGEST_PART, S3_LARGEST_OBJECT = 5 * MIB, 5 << 30, 5 << 40


class Upload:
    """A client whose uploads of parts are watched, and refused where a test says so."""

    def __init__(self, refused: int = 0, code: str = "AccessDenied") -> None:
        self.client = boto3.client("s3")
        self.refused, self.code = refused, code
        self.order: list[int] = []
        self.sizes: dict[int, int] = {}
        self.bodies: set[int] = set()
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()
        events = self.client.meta.events
        events.register("before-parameter-build.s3.UploadPart", self._begin)
        events.register("after-call.s3.UploadPart", self._end)

    def _begin(self, params: dict[str, Any], **_: object) -> None:
        number, body = params["PartNumber"], params["Body"]
        if number == self.refused:
            raise ClientError({"Error": {"Code": self.code}}, "UploadPart")
        with self._lock:
            self.order.append(number)
            self.sizes[number] = len(body.getbuffer())
            self.bodies.add(id(body))
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)

    def _end(self, **_: object) -> None:
        with self._lock:
            self._running -= 1


def unfinished(bucket: str) -> list[Any]:
    return boto3.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def test_part_one_is_uploaded_last_and_all_parts_are_large_enough(bucket: str) -> None:
    upload = Upload()
    writer = S3Store(bucket, upload.client).writer("k", content_type="video/x-matroska")
    for _ in range(45):
        writer.write(bytes(MIB))
    writer.commit(b"head")
    assert upload.order[-1] == 1
    assert sorted(upload.order) == [1, 2, 3, 4, 5, 6]
    assert upload.sizes == {1: 5 * MIB, **dict.fromkeys(range(2, 7), 8 * MIB)}
    assert unfinished(bucket) == []


def test_only_the_last_part_may_be_small(bucket: str) -> None:
    upload = Upload()
    writer = S3Store(bucket, upload.client).writer("k", content_type="video/x-matroska")
    writer.write(bytes(5 * MIB + 8 * MIB + 1))
    writer.commit()
    assert upload.sizes == {1: 5 * MIB, 2: 8 * MIB, 3: 1}


def test_an_object_no_larger_than_part_one_is_put_at_once(bucket: str) -> None:
    upload = Upload()
    writer = S3Store(bucket, upload.client).writer("k", content_type="video/x-matroska")
    writer.write(bytes(5 * MIB))
    writer.commit(b"head")
    assert upload.order == []


def test_memory_is_bounded(bucket: str) -> None:
    upload = Upload()
    writer = S3Store(bucket, upload.client).writer("k", content_type="video/x-matroska")
    writer.write(bytes(5 * MIB + 7 * PART_SIZE))
    writer.commit()
    parts_and_head = 3 + 1
    assert len(upload.sizes) == 8
    assert len(upload.bodies) <= parts_and_head
    assert upload.most_at_once <= 2


def test_ten_thousand_parts_hold_the_largest_object_there_is() -> None:
    sizes = [part_size(number) for number in range(2, 10_001)]
    assert sum(sizes) > S3_LARGEST_OBJECT
    assert min(sizes) == PART_SIZE >= S3_SMALLEST_PART
    assert max(sizes) <= S3_LARGEST_PART
    assert part_size(999) == PART_SIZE
    assert part_size(1001) == 2 * PART_SIZE


def test_abort_removes_the_parts(bucket: str) -> None:
    writer = S3Store(bucket).writer("k", content_type="video/x-matroska")
    writer.write(bytes(30 * MIB))
    assert len(unfinished(bucket)) == 1
    writer.abort()
    assert unfinished(bucket) == []


def test_a_part_that_was_refused_is_told_and_can_be_cleaned_up(bucket: str) -> None:
    store = S3Store(bucket, Upload(refused=3).client)
    writer = store.writer("k", content_type="video/x-matroska")
    writer.write(bytes(5 * MIB + 2 * PART_SIZE))
    with pytest.raises(DestinationError, match=f"s3://{bucket}/k"):
        writer.commit()
    writer.abort()
    assert unfinished(bucket) == []
    assert list(store.keys("")) == []


def test_writing_on_after_a_refused_part_ends_before_long(bucket: str) -> None:
    writer = S3Store(bucket, Upload(refused=2).client).writer("k", content_type="x/y")
    parts_in_memory = 3
    for _ in range(parts_in_memory):
        writer.write(bytes(PART_SIZE))
    with pytest.raises(DestinationError):
        writer.write(bytes(PART_SIZE))
    writer.abort()
    assert unfinished(bucket) == []


def test_a_part_whose_answer_was_lost_is_sent_again_in_full(bucket: str) -> None:
    client = boto3.client("s3")
    client.meta.events.register("before-send.s3.UploadPart", lose_the_first_answer())
    body = random.Random(1).randbytes(5 * MIB + 2 * PART_SIZE)
    writer = S3Store(bucket, client).writer("k", content_type="video/x-matroska")
    writer.write(body)
    writer.commit()
    assert S3Store(bucket).get("k") == body


def test_an_upload_that_somebody_else_aborted_is_to_be_written_again(bucket: str) -> None:
    client = Upload(refused=1, code="NoSuchUpload").client
    writer = S3Store(bucket, client).writer("k", content_type="video/x-matroska")
    writer.write(bytes(5 * MIB + PART_SIZE))
    (upload,) = unfinished(bucket)
    with pytest.raises(Transient, match=f"s3://{bucket}/k"):
        writer.commit()
    client.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload["UploadId"])
    writer.abort()
