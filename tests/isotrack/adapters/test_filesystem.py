"""What is the filesystem's own, beyond the contract of all stores."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from isotrack.adapters.filesystem import FilesystemStore
from isotrack.media.scattered import within
from isotrack.pipeline.ports import ObjectExists
from isotrack.recording.errors import DestinationError, Invalid


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", "a\0b",
     "a/.isotrack-part-1"],
)  # fmt: skip
def test_a_key_that_is_no_plain_path_under_the_root_is_refused(tmp_path: Path, key: str) -> None:
    store = FilesystemStore(tmp_path / "root")
    for attempt in (
        lambda: store.get(key),
        lambda: list(store.stream(key)),
        lambda: store.put(key, b"x"),
        lambda: store.create(key, b"x"),
        lambda: store.writer(key, content_type="x/y"),
        lambda: store.url(key, expires_seconds=1),
    ):
        with pytest.raises(Invalid):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_object_is_neither_listed_nor_left_behind(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    writer = store.writer("a/b.mkv", content_type="video/x-matroska")
    writer.write(b"some")
    assert len(list((tmp_path / "a").iterdir())) == 1
    assert list(store.keys("")) == []
    writer.abort()
    assert list((tmp_path / "a").iterdir()) == []


def test_a_create_that_came_second_leaves_no_file(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    store.create("k", b"first")
    with pytest.raises(ObjectExists):
        store.create("k", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["k"]


def test_a_url_opens_the_file(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    store.put("a b/ü#?.mkv", b"x")
    uri = store.url("a b/ü#?.mkv", expires_seconds=60)
    assert uri == f"{tmp_path.as_uri()}/a%20b/%C3%BC%23%3F.mkv"


def test_what_the_owner_of_the_disk_has_to_mend_names_the_file(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    store.put("file", b"x")
    with pytest.raises(DestinationError, match="file/below"):
        store.put("file/below", b"x")
    with pytest.raises(DestinationError, match="too long"):
        store.put("n" * 300, b"x")
    with pytest.raises(DestinationError, match="file/k: "):
        FilesystemStore(tmp_path / "file").put("k", b"x")


def test_everyone_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    FilesystemStore(tmp_path).put("k", b"x")
    assert (tmp_path / "k").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_that_may_not_grow_any_more_is_for_the_owner_of_the_disk(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = FilesystemStore(tmp_path).writer("file", content_type="video/x-matroska")
    body = np.zeros(5000, np.uint8)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
        for write in (
            lambda: writer.write_scattered(within(body, np.arange(5000), np.ones(5000, np.int64))),
            lambda: writer.write(body.data),
        ):
            with pytest.raises(DestinationError, match="file: File too large"):
                write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    writer.abort()
    assert list(tmp_path.iterdir()) == []
