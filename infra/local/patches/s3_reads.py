"""Reading a range of an object reads that range, and nothing else.

Unpatched, each ranged GET reads the whole object into memory and cuts it (200 ms for 64 KiB of
256 MB), so that seeking in a video through a presigned URL takes minutes. Also, the ETag of an
object is computed under its lock: unpatched, it moves the file position under a concurrent read.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from infra.local.patches.swap import swap

# RFC 9110, section 14.1.2: first-last, first-, or -length
SINGLE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Span(NamedTuple):
    """Bytes of an object; `last` is part of it."""

    first: int
    last: int


class KeySlice:
    """moto's object (`FakeKey`), but for its body, which is one span of the real one."""

    def __init__(self, key: Any, span: Span) -> None:
        self._key = key
        self._span = span

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    @property
    def value(self) -> bytes:
        """The bytes of the span; no others are read."""
        with self._key.lock:
            self._key._value_buffer.seek(self._span.first)
            body: bytes = self._key._value_buffer.read(self._span.last - self._span.first + 1)
            return body


def satisfiable_span(header: str, size: int) -> Span | None:
    """The one span that a Range header asks for; None if it cannot be met or asks for several."""
    match = SINGLE_RANGE.fullmatch(header.strip())
    if match is None or not size:
        return None
    first, last = match.groups()
    if first:
        span = Span(int(first), min(int(last), size - 1) if last else size - 1)
    elif last and int(last):
        span = Span(max(size - int(last), 0), size - 1)
    else:
        return None
    return span if span.first <= span.last else None


def install() -> None:
    """Read ranges lazily, and compute ETags under the lock."""

    def get_object(self: Any) -> Any:
        header = self.headers.get("range")
        if not header or self._get_int_param("partNumber"):
            return original(self)
        key, not_modified = self._get_key()
        span = satisfiable_span(header, key.size)
        if not_modified or span is None:
            return original(self)  # which answers 304, 416 or the whole
        # The responder lives as long as the request: this attribute hides the method for it.
        self._get_key = lambda: (KeySlice(key, span), False)
        _, headers, body = original(self)
        headers["content-range"] = f"bytes {span.first}-{span.last}/{key.size}"
        headers["content-length"] = str(len(body))
        if len(body) < key.size:  # a checksum of the whole says nothing about a part
            for name in [each for each in headers if each.startswith("x-amz-checksum-")]:
                del headers[name]
        return 206, headers, body

    original = swap(S3Response, "get_object", get_object)
    original_etag = swap(FakeKey, "etag", property(lambda self: locked_etag(self, original_etag)))


def locked_etag(key: Any, original: property) -> Any:
    """The ETag of moto's object, computed, the first time, while nobody else reads it."""
    if key._etag is not None:
        return original.__get__(key)
    with key.lock:
        return original.__get__(key)
