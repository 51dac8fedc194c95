"""A streamed S3 object whose first part is uploaded last.

S3 takes the parts of an upload in any order, so the first one, where a Matroska file's SeekHead
and duration are, is held back in memory until everything else is known.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from isotrack.adapters.checksums import crc32c_base64, crc32c_of
from isotrack.adapters.heads import MAX_HEAD_SIZE, check_head
from isotrack.adapters.s3_errors import UploadGone, s3_errors
from isotrack.media.scattered import Scattered

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_SIZE = 8 << 20
PARTS_OF_ONE_SIZE = 1_000
UPLOADS_AT_ONCE = 2
_PIECES = 1024  # joined before they are copied into a part: some are a few bytes long


def part_size(number: int) -> int:
    """Bytes of part `number` (from 2): 8 MiB, doubled every 1,000 parts.

    S3 takes 10,000 parts: together 7.8 TiB, more than the 5 TiB an object may have. The first
    8 GB are written in 8 MiB parts, 5 TiB need parts of 4 GiB.
    """
    return PART_SIZE << (number - 1) // PARTS_OF_ONE_SIZE


class _Part:
    """Room for one part: filled by the writer, read by an upload, then filled again."""

    def __init__(self) -> None:
        self.number = 0
        self.body = BytesIO()
        self.upload: Future[CompletedPartTypeDef] | None = None

    def begin(self, number: int) -> None:
        """Be that part, with nothing in it; the memory stays."""
        self.number = number
        self.body.seek(0)
        self.upload = None

    def fill(self, data: memoryview) -> int:
        """Take what there is room for; returns its length."""
        return self.body.write(data[: part_size(self.number) - self.body.tell()])

    @property
    def full(self) -> bool:
        """Whether S3 takes it as a part that is not the last."""
        return self.body.tell() == part_size(self.number)


class MultipartWriter:
    """An ObjectWriter into S3: parts 2 to n as they fill, part 1 at the end.

    In memory are the first 5 MiB, one part being filled and two being uploaded. When a write or a
    commit raises, `abort` is to be called. What a machine leaves that died before that is for the
    bucket's lifecycle rule (AbortIncompleteMultipartUpload).
    """

    def __init__(self, client: S3Client, bucket: str, key: str, content_type: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self._content_type = content_type
        self._upload_id = ""
        self._head = BytesIO()
        self._last_number = 1
        self._filling: _Part | None = None
        self._uploading: deque[_Part] = deque()
        self._uploaded: list[CompletedPartTypeDef] = []
        self._pool = ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="s3-part")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append; waits when two parts are being uploaded and a third is full."""
        view = memoryview(data).cast("B")
        held_back = self._head.write(view[: MAX_HEAD_SIZE - self._head.tell()])
        view = view[held_back:]
        while view:
            self._filling = self._filling or self._next_part()
            taken = self._filling.fill(view)
            view = view[taken:]
            if self._filling.full:
                self._send(self._filling)

    def write_scattered(self, data: Scattered) -> None:
        """Append bytes from where they lie, some thousand packets at a time."""
        for start in range(0, data.count, _PIECES):
            self.write(data.take(slice(start, start + _PIECES)).joined())

    def commit(self, head: bytes = b"") -> None:
        """Replace the first bytes, upload the first part and make the object visible."""
        check_head(f"s3://{self._bucket}/{self._key}", head, self._head.tell())
        self._head.seek(0)
        self._head.write(head)
        if self._last_number == 1:
            self._put()
        else:
            self._complete()
        self._pool.shutdown()

    def abort(self) -> None:
        """Remove the parts uploaded so far."""
        self._pool.shutdown(cancel_futures=True)  # a part that lands after the abort would stay
        self._head = BytesIO()
        self._uploading.clear()
        self._filling = None
        if self._upload_id:
            with suppress(UploadGone), s3_errors(self._bucket, self._key):
                self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=self._key, UploadId=self._upload_id
                )
            self._upload_id = ""

    def _next_part(self) -> _Part:
        """An empty part: a new one, or the oldest of those being uploaded when that is done."""
        if len(self._uploading) < UPLOADS_AT_ONCE + 1:
            part = _Part()
        else:
            part = self._uploading.popleft()
            self._wait_for(part)
        self._last_number += 1
        part.begin(self._last_number)
        return part

    def _send(self, part: _Part) -> None:
        if not self._upload_id:
            self._begin_upload()
        part.body.truncate()
        part.upload = self._pool.submit(self._upload, part.number, part.body)
        self._uploading.append(part)
        self._filling = None

    def _wait_for(self, part: _Part) -> None:
        if part.upload is not None:
            self._uploaded.append(part.upload.result())

    def _begin_upload(self) -> None:
        with s3_errors(self._bucket, self._key):
            answer = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                ContentType=self._content_type,
                ChecksumAlgorithm="CRC32C",
            )
        self._upload_id = answer["UploadId"]

    def _upload(self, number: int, body: BytesIO) -> CompletedPartTypeDef:
        body.seek(0)
        checksum = crc32c_base64(crc32c_of(body.getbuffer()))
        with s3_errors(self._bucket, self._key):
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=body,
                ChecksumCRC32C=checksum,
            )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32C": checksum}

    def _put(self) -> None:
        """An object no larger than the first part needs no upload in parts."""
        with s3_errors(self._bucket, self._key):
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=self._head.getvalue(),
                ContentType=self._content_type,
            )

    def _complete(self) -> None:
        if self._filling is not None:
            self._send(self._filling)
        while self._uploading:
            self._wait_for(self._uploading.popleft())
        parts = [self._upload(1, self._head), *self._uploaded]
        with s3_errors(self._bucket, self._key):
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": parts},
            )
