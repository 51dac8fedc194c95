"""Objects in an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from isotrack.adapters.checksums import crc32c_base64
from isotrack.adapters.s3_errors import s3_errors
from isotrack.adapters.s3_multipart import MultipartWriter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

_PIECE = 1 << 20
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5},
    max_pool_connections=16,
    connect_timeout=5,
    read_timeout=60,
    signature_version="s3v4",  # links that open objects in every region
)


class S3Store:
    """An ObjectStore over one bucket.

    Without a client it makes one of the environment: credentials, region and AWS_ENDPOINT_URL.
    """

    read_ahead = 4  # hides the latency of S3, holds 16 MiB of chunks at most

    def __init__(self, bucket: str, client: S3Client | None = None) -> None:
        self._bucket = bucket
        self._client: S3Client = client or boto3.client("s3", config=_CONFIG)

    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""
        with s3_errors(self._bucket, key):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def read_into(self, key: str, buffer: memoryview) -> int:
        """Read the object, or as much as there is room for. Raises ObjectMissing."""
        with s3_errors(self._bucket, key):
            return _fill(buffer, self._client.get_object(Bucket=self._bucket, Key=key)["Body"])

    def tail_into(self, key: str, buffer: memoryview) -> int:
        """Read the last bytes of the object, or all when there is room. Raises ObjectMissing."""
        wanted = f"bytes=-{len(buffer)}"
        with s3_errors(self._bucket, key):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] == "InvalidRange":  # there are no bytes at all
                    return 0
                raise
            return _fill(buffer, body)

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in pieces of 1 MiB of one answer. Raises ObjectMissing."""
        with s3_errors(self._bucket, key):
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            try:
                yield from body.iter_chunks(_PIECE)
            finally:
                body.close()

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""
        with s3_errors(self._bucket, key):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type
            )

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Write only if the key is free. Raises ObjectExists, and Transient at a wrong CRC32C."""
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": key,
            "Body": body,
            "ContentType": content_type,
            "IfNoneMatch": "*",
        }
        if crc32c is not None:
            request["ChecksumCRC32C"] = crc32c_base64(crc32c)
        with s3_errors(self._bucket, key):
            try:
                self._client.put_object(**request)
            except ClientError as error:
                if not self._was_ours(error, key, body):
                    raise

    def writer(self, key: str, *, content_type: str) -> MultipartWriter:
        """Start to write an object as a stream."""
        return MultipartWriter(self._client, self._bucket, key, content_type)

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        with s3_errors(self._bucket, key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix, in lexical order."""
        pages = self._client.get_paginator("list_objects_v2")
        with s3_errors(self._bucket, prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", ()))

    def url(self, key: str, *, expires_seconds: int) -> str:
        """A presigned link."""
        with s3_errors(self._bucket, key):
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=expires_seconds,
            )

    def _was_ours(self, error: ClientError, key: str, body: bytes) -> bool:
        """Whether the object that is in the way is our own.

        When S3's confirmation of a create is lost, botocore sends it again, and finds that the
        first attempt had been done.
        """
        retried = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        refused = error.response.get("Error", {}).get("Code") == "PreconditionFailed"
        return refused and retried and self.get(key) == body


def _fill(buffer: memoryview, body: Any) -> int:  # whose readinto is wrong in the stubs
    """Read an answer, or as much as there is room for, and be done with it."""
    done = 0
    try:
        while done < len(buffer) and (count := body.readinto(buffer[done:])):
            done += count
    finally:
        body.close()
    return done
