from __future__ import annotations

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Lock
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from fastcrc import crc32

from infra.local.patches.s3_reads import KeySlice, Span, locked_etag, satisfiable_span

MIB = 1024 * 1024


@pytest.fixture
def bucket(stack):
    return stack.resources["Results"]


@pytest.fixture
def notified(stack):
    """A bucket whose new objects are told to the queue `Plain`, without a filter."""
    s3, name = stack.client("s3"), f"notified-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    arn = f"arn:aws:sqs:us-east-1:123456789012:{stack.resources['Plain'].split('/')[-1]}"
    s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    return name


def upload(s3, bucket: str, key: str, parts: dict[int, bytes]) -> None:
    """A multipart upload whose parts are completed in the order given."""
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    made = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(
                Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body
            )["ETag"],
        }
        for number, body in parts.items()
    ]
    s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": made}
    )


def test_of_many_create_only_writes_at_once_one_succeeds(stack, bucket, burst, raw_request):
    for _ in range(4):
        key = str(uuid.uuid4())
        bodies = [bytes([number]) * 1_000_000 for number in range(12)]
        # moto hashes the body between looking for the object and writing it.
        create = {"If-None-Match": "*", "X-Amz-Sdk-Checksum-Algorithm": "SHA256"}
        answers = burst(
            [raw_request("s3", "PUT", f"/{bucket}/{key}", create, body) for body in bodies]
        )
        statuses = [status for status, _ in answers]
        assert sorted(statuses) == [200] + [412] * 11
        kept = stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        assert kept == bodies[statuses.index(200)]


def test_a_body_that_does_not_match_its_checksum_is_refused(stack, bucket):
    s3 = stack.client("s3")
    right = base64.b64encode(crc32.iscsi(b"body").to_bytes(4, "big")).decode()
    s3.put_object(Bucket=bucket, Key="right", Body=b"body", ChecksumCRC32C=right)
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="wrong", Body=b"bode", ChecksumCRC32C=right)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket, Key="wrong")


def test_a_part_below_5_mib_is_refused_unless_it_is_the_last(stack, bucket):
    s3 = stack.client("s3")
    upload(s3, bucket, "parts", {1: b"a" * 5 * MIB, 2: b"b"})
    with pytest.raises(ClientError, match="EntityTooSmall"):
        upload(s3, bucket, "parts", {1: b"a" * (5 * MIB - 1), 2: b"b"})


def test_parts_out_of_order_are_refused(stack, bucket):
    with pytest.raises(ClientError, match="InvalidPartOrder"):
        upload(stack.client("s3"), bucket, "parts", {2: b"b" * 5 * MIB, 1: b"a" * 5 * MIB})


@pytest.mark.parametrize("key", ["raw/a b/ü%2F.json", "plain"])
def test_an_object_makes_one_notification_whose_key_keeps_its_slashes(stack, notified, drain, key):
    drain("Plain")  # the test event of S3
    stack.client("s3").put_object(Bucket=notified, Key=key, Body=b"body")
    (message,) = drain("Plain")
    (record,) = json.loads(message["Body"])["Records"]
    encoded = "raw/a+b/%C3%BC%252F.json" if "/" in key else key
    assert record["s3"]["object"]["key"] == encoded
    assert record["s3"]["object"]["size"] == 4


def test_a_multipart_upload_makes_one_notification(stack, notified, drain):
    drain("Plain")
    upload(stack.client("s3"), notified, "large", {1: b"a" * 5 * MIB, 2: b"b"})
    (message,) = drain("Plain")
    (record,) = json.loads(message["Body"])["Records"]
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert record["s3"]["object"]["size"] == 5 * MIB + 1


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=2-4", 2, 4), ("bytes=6-", 6, 9), ("bytes=-3", 7, 9), ("bytes=8-99", 8, 9)],
)
def test_a_range_reads_those_bytes(stack, bucket, header, first, last):
    s3 = stack.client("s3")
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789", ContentType="text/plain")
    answer = s3.get_object(Bucket=bucket, Key="digits", Range=header)
    assert answer["Body"].read() == b"0123456789"[first : last + 1]
    assert answer["ContentRange"] == f"bytes {first}-{last}/10"
    assert answer["ContentLength"] == last - first + 1
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentType"] == "text/plain"


def test_a_range_beyond_the_end_is_refused(stack, bucket):
    s3 = stack.client("s3")
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=bucket, Key="digits", Range="bytes=10-")


def test_ranges_read_at_once_do_not_disturb_each_other(stack, bucket):
    s3 = stack.client("s3")
    body = bytes(range(256)) * 4096
    s3.put_object(Bucket=bucket, Key="bytes", Body=body)

    def read(first: int) -> bool:
        answer = s3.get_object(Bucket=bucket, Key="bytes", Range=f"bytes={first}-{first + 999}")
        return bool(answer["Body"].read() == body[first : first + 1000])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(0, 40_000, 999)))


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 0)),
        ("bytes=-99", Span(0, 9)),
        ("bytes=5-4", None),
        ("bytes=-0", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
    ],
)
def test_the_span_of_a_range_header(header, span):
    assert satisfiable_span(header, 10) == span


def test_nothing_can_be_read_of_an_empty_object():
    assert satisfiable_span("bytes=0-", 0) is None


def test_a_slice_of_an_object_reads_nothing_else_of_it():
    reads = []

    class Buffer(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            reads.append((self.tell(), size))
            return super().read(size)

    key = SimpleNamespace(lock=Lock(), _value_buffer=Buffer(b"0123456789"), etag="tag")
    part = KeySlice(key, Span(3, 6))
    assert (part.value, part.etag) == (b"3456", "tag")
    assert reads == [(3, 4)]


def test_an_etag_is_computed_while_nobody_else_reads():
    class Key:
        def __init__(self) -> None:
            self.lock = Lock()
            self._etag: str | None = None

        @property
        def etag(self) -> str:
            held = self.lock.locked()
            self._etag = self._etag or f"computed with the lock held: {held}"
            return self._etag

    key = Key()
    assert locked_etag(key, Key.etag) == "computed with the lock held: True"
    with key.lock:  # once it is known, nobody has to wait for it
        assert locked_etag(key, Key.etag) == "computed with the lock held: True"
