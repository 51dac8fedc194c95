"""Object stores by URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from isotrack.adapters.filesystem import FilesystemStore
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording.errors import Invalid


def open_store(url: str) -> ObjectStore:
    """The store of `s3://bucket` or `file:///path`.

    Raises:
        Invalid: the URL names no store.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise Invalid(f"the URL of a store has no query and no fragment: {url!r}")
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return FilesystemStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and parts.path in ("", "/"):
        from isotrack.adapters.s3 import S3Store  # here, so that files need no boto3

        return S3Store(parts.netloc)
    raise Invalid(f"a store is s3://bucket or file:///path, not {url!r}")
