"""What is S3's own, beyond the contract of all stores."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from isotrack.adapters.s3 import S3Store
from isotrack.pipeline.ports import ObjectExists
from isotrack.recording.errors import DestinationError
from tests.isotrack.adapters.lost_answer import lose_the_first_answer

CHECK_VALUE = 0xE3069283  # of CRC-32C: what it makes of the nine digits


def test_create_sends_the_checksum_and_the_condition(bucket: str) -> None:
    client = boto3.client("s3")
    sent: list[dict[str, Any]] = []
    client.meta.events.register("before-call.s3.PutObject", lambda params, **_: sent.append(params))
    S3Store(bucket, client).create("k", b"123456789", crc32c=CHECK_VALUE)
    headers = sent[0]["headers"]
    assert headers["x-amz-checksum-crc32c"] == "4waSgw=="
    assert headers["If-None-Match"] == "*"
    assert not [name for name in headers if name.lower() == "x-amz-checksum-crc32"]


def test_create_knows_its_own_object_when_the_first_answer_was_lost(bucket: str) -> None:
    client = boto3.client("s3")
    client.meta.events.register("before-send.s3.PutObject", lose_the_first_answer())
    S3Store(bucket, client).create("manifest.json", b"ours")
    assert S3Store(bucket).get("manifest.json") == b"ours"


def test_create_is_told_of_another_object_though_an_answer_was_lost(bucket: str) -> None:
    client = boto3.client("s3")
    S3Store(bucket).put("manifest.json", b"theirs")
    client.meta.events.register("before-send.s3.PutObject", lose_the_first_answer())
    with pytest.raises(ObjectExists):
        S3Store(bucket, client).create("manifest.json", b"ours")
    assert S3Store(bucket).get("manifest.json") == b"theirs"


def test_content_types_are_kept(bucket: str) -> None:
    store, client = S3Store(bucket), boto3.client("s3")
    store.put("put", b"x", content_type="text/x-put")
    store.create("create", b"x", content_type="text/x-create")
    for key, size in (("small", 10), ("large", 6 << 20)):
        writer = store.writer(key, content_type=f"text/x-{key}")
        writer.write(bytes(size))
        writer.commit()
    for key in ("put", "create", "small", "large"):
        assert client.head_object(Bucket=bucket, Key=key)["ContentType"] == f"text/x-{key}"


def test_keys_go_on_from_page_to_page(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    store = S3Store(bucket)
    keys = [f"raw/{number:02d}" for number in range(10)]
    for key in keys:
        store.put(key, b"")
    assert len(boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]) == 3
    assert list(store.keys("raw/")) == keys


def test_a_stream_comes_in_pieces(bucket: str) -> None:
    store = S3Store(bucket)
    store.put("k", bytes(5_000_000))
    assert max(map(len, store.stream("k"))) <= 4 << 20
    assert len(list(store.stream("k"))) > 1


def test_a_bucket_that_is_not_there_is_for_its_owner_to_mend(bucket: str) -> None:
    store = S3Store("no-such-bucket")
    for attempt in (
        lambda: store.get("k"),
        lambda: store.put("k", b""),
        lambda: store.create("k", b""),
        lambda: list(store.stream("k")),
        lambda: list(store.keys("k")),
        lambda: store.writer("k", content_type="x/y").commit(),
    ):
        with pytest.raises(DestinationError, match="s3://no-such-bucket/k"):
            attempt()


def test_the_endpoint_of_the_environment_is_used(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:5000")
    link = urlsplit(S3Store(bucket).url("folder/a b.mkv", expires_seconds=90))
    assert (link.netloc, link.path) == ("localhost:5000", f"/{bucket}/folder/a%20b.mkv")
    assert parse_qs(link.query)["X-Amz-Expires"] == ["90"]
