"""Objects as files under a folder."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from isotrack.adapters.checksums import verify_crc32c
from isotrack.adapters.heads import check_head
from isotrack.adapters.vectored import write_scattered
from isotrack.media.scattered import Scattered
from isotrack.pipeline.ports import ObjectExists, ObjectMissing
from isotrack.recording.errors import DestinationError, Invalid, Transient

_PIECE = 1 << 20
_UNFINISHED = ".isotrack-part-"
"""How the name of a file begins that nobody may see yet."""

_ODD = {"", ".", ".."}
"""Names that no part of a key has."""

_MISSING = {errno.ENOENT, errno.EISDIR, errno.ENOTDIR}
_PASSING = {errno.EAGAIN, errno.EBUSY, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE}


class FilesystemStore:
    """An ObjectStore whose keys are paths under `root`.

    A file appears under its key in one step, complete and on the disk: it is written beside its
    place and then renamed. Keys that would leave the root, or that a path cannot say, are Invalid.
    """

    read_ahead = 0  # the kernel reads ahead

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""
        path = self._path(key)
        with _blame(path, missing=key):
            return path.read_bytes()

    def read_into(self, key: str, buffer: memoryview) -> int:
        """Read the object, or as much as there is room for. Raises ObjectMissing."""
        return self._read(key, buffer, at_end=False)

    def tail_into(self, key: str, buffer: memoryview) -> int:
        """Read the last bytes of the object, or all when there is room. Raises ObjectMissing."""
        return self._read(key, buffer, at_end=True)

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in pieces of 1 MiB. Raises ObjectMissing."""
        path = self._path(key)
        with _blame(path, missing=key), path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""
        writer = self.writer(key, content_type=content_type)
        with ExitStack() as undo:
            undo.callback(writer.abort)
            writer.write(body)
            writer.commit()
            undo.pop_all()

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",  # noqa: ARG002
    ) -> None:
        """Write only if the key is free. Raises ObjectExists, and Transient at a wrong CRC32C."""
        path = self._path(key)
        verify_crc32c(str(path), body, crc32c)
        writer = FileWriter(path)
        with ExitStack() as undo:
            undo.callback(writer.abort)
            writer.write(body)
            writer.commit_if_free()
            undo.pop_all()

    def writer(self, key: str, *, content_type: str) -> FileWriter:  # noqa: ARG002
        """Start to write an object as a stream; a file has no content type but its ending."""
        return FileWriter(self._path(key))

    def delete(self, key: str) -> None:
        """Remove the file, if there is one; the folders it was in stay."""
        path = self._path(key)
        with suppress(ObjectMissing), _blame(path, missing=key):
            path.unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix, in lexical order."""
        folder_name = prefix.rpartition("/")[0]
        if folder_name and not _is_plain(folder_name):
            return iter(())  # no key begins like that
        return iter(sorted(key for key in self._walk(folder_name) if key.startswith(prefix)))

    def url(self, key: str, *, expires_seconds: int) -> str:  # noqa: ARG002
        """The file's URI, which does not expire."""
        return self._path(key).as_uri()

    def _path(self, key: str) -> Path:
        return Path(self._name(key))

    def _name(self, key: str) -> str:
        """The path of an object; a string, since chunks are many and a Path takes its time."""
        if not _is_plain(key):
            raise Invalid(f"{key!r} is no key of a file under {self._root}")
        return f"{self._root}/{key}"

    def _read(self, key: str, buffer: memoryview, *, at_end: bool) -> int:
        """Read the first or the last bytes, with no object around the file: chunks are many."""
        path = self._name(key)
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                size = os.lseek(descriptor, 0, os.SEEK_END) if at_end else 0
                at, done = max(size - len(buffer), 0), 0
                while count := os.preadv(descriptor, [buffer[done:]], at + done):
                    done += count
                return done
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _blamed(error, path, missing=key) from error

    def _walk(self, folder_name: str) -> Iterator[str]:
        """The key of every finished file in a folder and those below."""
        folder = self._root / folder_name
        with _blame(folder):
            for parent, _, names in os.walk(folder, onerror=_raise_unless_missing):
                relative = Path(parent).relative_to(self._root)
                for name in names:
                    if not name.startswith(_UNFINISHED):
                        yield (relative / name).as_posix()


class FileWriter:
    """An ObjectWriter into a file beside its final place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(_UNFINISHED + secrets.token_hex(8))
        with _blame(path):
            _make_folder(path.parent)
            self._file = self._part.open("xb", buffering=0)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append."""
        with _blame(self._path):
            self._write(data)

    def write_scattered(self, data: Scattered) -> None:
        """Append bytes from where they lie."""
        with _blame(self._path):
            write_scattered(self._file.fileno(), data)

    def commit(self, head: bytes = b"") -> None:
        """Replace the first bytes and make the file visible."""
        with _blame(self._path):
            self._seal(head)
            self._part.replace(self._path)
            _sync_folder(self._path.parent)

    def commit_if_free(self) -> None:
        """Make the file visible unless there is one already. Raises ObjectExists."""
        with _blame(self._path):
            self._seal(b"")
            try:
                self._path.hardlink_to(self._part)  # fails where a rename would overwrite
            except FileExistsError:
                raise ObjectExists(f"{self._path} is there already") from None
            self._part.unlink()
            _sync_folder(self._path.parent)

    def abort(self) -> None:
        """Remove what was written."""
        with _blame(self._path):
            self._part.unlink(missing_ok=True)
        with suppress(OSError):  # a full disk refuses the last bytes, which nobody wants any more
            self._file.close()

    def _seal(self, head: bytes) -> None:
        check_head(str(self._path), head, self._file.tell())
        self._file.seek(0)
        self._write(head)
        os.fsync(self._file.fileno())
        self._file.close()

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        left = memoryview(data)
        while left:  # a disk that fills up takes a part, and nothing the next time
            left = left[self._file.write(left) :]


def _is_plain(key: str) -> bool:
    """Whether a key is a path that stays in its root and is its only spelling."""
    segments = key.split("/")
    plain = _ODD.isdisjoint(segments) and "\0" not in key
    return plain and not segments[-1].startswith(_UNFINISHED)


def _raise_unless_missing(error: OSError) -> None:
    if error.errno not in _MISSING:
        raise error


def _make_folder(folder: Path) -> None:
    """Make a folder and those it is in, on the disk as the files will be."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Put a rename on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _blame(path: Path | str, *, missing: str | None = None) -> Iterator[None]:
    """Say in the domain's errors what the file system refused, and where."""
    try:
        yield
    except OSError as error:
        raise _blamed(error, path, missing) from error


def _blamed(error: OSError, path: Path | str, missing: str | None) -> Exception:
    """The domain's error for one of the file system."""
    if missing is not None and error.errno in _MISSING:
        return ObjectMissing(f"{path}: no such file")
    if error.errno in _PASSING:
        return Transient(f"{path}: {error.strerror}")
    return DestinationError(f"{path}: {error.strerror}")
