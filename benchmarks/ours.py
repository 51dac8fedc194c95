"""Isotrack's engine as a program of its own: the contender that is measured.

    python -m benchmarks.ours SESSION --egress one|three [--output FOLDER] [--looped]

It runs `isotrack.pipeline.remux.remux`, the path that is shipped, over the chunks in a folder.
Without `--output` the files go into a store that discards them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.sessions import looped_store, manifest_key
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.filesystem import FilesystemStore
from isotrack.adapters.vectored import write_scattered
from isotrack.media.scattered import Scattered
from isotrack.pipeline.ports import ObjectMissing, ObjectStore
from isotrack.pipeline.remux import remux
from isotrack.recording.jobs import Job
from isotrack.recording.tracks import Source


class NullWriter:
    """An ObjectWriter into /dev/null, where the peers write to as well."""

    def __init__(self) -> None:
        self._file = Path(os.devnull).open("wb", buffering=0)  # noqa: SIM115

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._file.write(data)

    def write_scattered(self, data: Scattered) -> None:
        write_scattered(self._file.fileno(), data)

    def commit(self, head: bytes = b"") -> None:
        self._file.write(head)

    def abort(self) -> None:
        self._file.close()


class NullStore:
    """An ObjectStore that discards what is written; every object reads as empty."""

    read_ahead = 0

    def get(self, key: str) -> bytes:
        raise ObjectMissing(key)

    def read_into(self, key: str, buffer: memoryview) -> int:  # noqa: ARG002
        return 0

    def tail_into(self, key: str, buffer: memoryview) -> int:  # noqa: ARG002
        return 0

    def stream(self, key: str) -> Iterator[bytes]:  # noqa: ARG002
        return iter(())

    def put(self, key: str, body: bytes, *, content_type: str = "") -> None:
        pass

    def create(
        self, key: str, body: bytes, *, crc32c: int | None = None, content_type: str = ""
    ) -> None:
        pass

    def writer(self, key: str, *, content_type: str) -> NullWriter:  # noqa: ARG002
        return NullWriter()

    def delete(self, key: str) -> None:
        """Nothing is kept."""

    def keys(self, prefix: str) -> Iterator[str]:  # noqa: ARG002
        return iter(())

    def url(self, key: str, *, expires_seconds: int) -> str:  # noqa: ARG002
        return f"null:{key}"


def main() -> None:
    """Remux once and print the CPU time of just that."""
    parser = argparse.ArgumentParser()
    parser.add_argument("session", type=Path)
    parser.add_argument("--egress", default="one")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--looped", action="store_true", help="make the chunks as they are read")
    options = parser.parse_args()
    looped = looped_store(options.session) if options.looped else None
    raw = looped or FilesystemStore(options.session)
    recordings: ObjectStore = NullStore()
    if options.output is not None:
        recordings = FilesystemStore(options.output)
    key = manifest_key(options.egress)
    job = Job(manifest_key=key, revision=1, source=Source.PARTICIPANT)
    before = time.process_time()
    remuxed = remux(job, raw=raw, recordings=recordings, checksum=crc32c_of)
    if looped:
        looped.close()
    print(json.dumps({"work_s": time.process_time() - before, "files": len(remuxed.files)}))


if __name__ == "__main__":
    main()
