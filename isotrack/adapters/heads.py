"""The head of a streamed object: the bytes that may still change when the rest is written."""

from __future__ import annotations

MAX_HEAD_SIZE = 5 << 20
"""Bytes at the start of an object that `commit` can replace: the smallest first part S3 takes."""


def check_head(key: str, head: bytes, written: int) -> None:
    """Refuse a head that is too long to be replaced.

    Raises:
        ValueError: it is longer than MAX_HEAD_SIZE, or than all that was written.
    """
    limit = min(MAX_HEAD_SIZE, written)
    if len(head) > limit:
        raise ValueError(f"{key!r}: a head of {len(head)} bytes where {limit} can be replaced")
