"""What S3 promises about writes, and moto does not keep.

- A write with `If-None-Match: *` is atomic: of several at once, one succeeds.
- A checksum that comes with a body is compared with it (`BadDigest`), and CRC32C is CRC32C.
- The parts of a multipart upload are given in ascending order (`InvalidPartOrder`); moto enforces
  the 5 MiB minimum and the 10,000 parts itself.
- An object makes one notification: unpatched, completing an upload makes two.
- The key in a notification keeps its slashes, as from AWS, where moto writes `%2F`.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote_plus

from fastcrc import crc32
from moto.s3 import models, notifications, responses
from moto.s3.exceptions import InvalidPartOrder, S3ClientError
from moto.s3.notifications import S3NotificationEvent

from infra.local.patches import s3_reads
from infra.local.patches.swap import swap

CHECKSUMS = ("CRC32", "CRC32C", "SHA1", "SHA256")


class BadDigest(S3ClientError):
    """The body is not what its checksum says."""

    code = "BadDigest"

    def __init__(self, algorithm: str) -> None:
        super().__init__(f"The {algorithm} you specified did not match the calculated checksum.")


def install() -> None:
    """Make writes, notifications and reads behave as those of S3."""
    _install_checksums()
    _install_create_only()
    _install_notifications()
    _install_part_order()
    s3_reads.install()


def _install_checksums() -> None:
    def compute_checksum(body: bytes, algorithm: str, encode_base64: bool = True) -> Any:
        if algorithm != "CRC32C":
            return original(body, algorithm, encode_base64)
        digest = crc32.iscsi(bytes(body)).to_bytes(4, "big")
        return models.base64.b64encode(digest) if encode_base64 else digest

    original = swap(models, "compute_checksum", compute_checksum)
    swap(responses, "compute_checksum", compute_checksum)

    def upload_part(self: Any) -> Any:
        _verify(self)
        return original_upload_part(self)

    original_upload_part = swap(responses.S3Response, "upload_part", upload_part)


def _verify(response: Any) -> None:
    """Raise BadDigest if the body of a request does not match a checksum in its headers."""
    for algorithm in CHECKSUMS:
        claimed = response.headers.get(f"x-amz-checksum-{algorithm.lower()}")
        if claimed and claimed != models.compute_checksum(response.body or b"", algorithm).decode():
            raise BadDigest(algorithm)


def _install_create_only() -> None:
    writing = threading.RLock()

    def put_object(self: Any) -> Any:
        _verify(self)
        with writing:
            return original_put(self)

    def _key_response_post(
        self: Any, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str
    ) -> Any:
        if "uploadId" not in query:
            return original_post(self, request, body, bucket_name, query, key_name)
        with writing:
            return original_post(self, request, body, bucket_name, query, key_name)

    original_put = swap(responses.S3Response, "put_object", put_object)
    original_post = swap(responses.S3Response, "_key_response_post", _key_response_post)


def _install_notifications() -> None:
    def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        # Completing an upload puts its object, which would be a second event for it.
        if event_name == S3NotificationEvent.OBJECT_CREATED_PUT_EVENT and key.multipart:
            return
        original(account_id, event_name, bucket, key)

    original = swap(notifications, "send_event", send_event)
    _replace_key_encoding()


def _replace_key_encoding() -> None:
    def with_slashes(
        string: Any, safe: Any = "/", encoding: str | None = None, errors: str | None = None
    ) -> str:
        return quote_plus(string, safe, encoding, errors)

    swap(notifications, "quote_plus", with_slashes)


def _install_part_order() -> None:
    def complete(self: Any, body: Any) -> Any:
        parts = list(body)
        numbers = [number for number, _ in parts]
        if numbers != sorted(set(numbers)):
            raise InvalidPartOrder
        return original(self, iter(parts))

    original = swap(models.FakeMultipart, "complete", complete)
