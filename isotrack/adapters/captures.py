"""Captures as files of this machine."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from isotrack.rtp.captures import HEAD_BYTES, PacketReader, open_capture
from isotrack.rtp.datagrams import CaptureError, CaptureReader, Datagrams
from isotrack.rtp.demultiplex import looks_like_rtp
from isotrack.rtp.framing import looks_framed

_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"


class FileCapture:
    """One file, compressed by gzip or not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The path."""
        return self._path.as_posix()

    def read(self, clock_rates: Mapping[int, int]) -> tuple[CaptureReader, Iterator[Datagrams]]:
        """The reader of its format, and its packets."""
        with _open(self._path) as file:
            head = _read(file, HEAD_BYTES)
        reader = open_capture(head, _changed_us(self._path), clock_rates)
        return reader, self._batches(reader)

    def _batches(self, reader: CaptureReader) -> Iterator[Datagrams]:
        with _open(self._path) as file:
            while piece := _read(file, _PIECE):
                yield reader.feed(piece)
        yield reader.finish()


class PacketFiles:
    """Files of one RTP packet each, taken as one capture in the order of their numbers."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    @property
    def name(self) -> str:
        """The path of the first."""
        return self._paths[0].as_posix()

    def read(self, clock_rates: Mapping[int, int]) -> tuple[CaptureReader, Iterator[Datagrams]]:
        """Their packets."""
        reader = PacketReader(_changed_us(self._paths[0]), clock_rates)
        return reader, self._batches(reader)

    def _batches(self, reader: CaptureReader) -> Iterator[Datagrams]:
        for path in self._paths:
            yield reader.feed(path.read_bytes())
        yield reader.finish()


def captures_of(paths: Sequence[Path]) -> list[FileCapture | PacketFiles]:
    """The captures in files. Raises OSError."""
    single = sorted((path for path in paths if _is_packet(path)), key=_by_number)
    captures: list[FileCapture | PacketFiles] = [
        FileCapture(path) for path in paths if path not in single
    ]
    return captures + ([PacketFiles(single)] if single else [])


def _by_number(path: Path) -> list[tuple[int, str]]:
    """What files are sorted by that were numbered without leading zeros: `2` before `10`."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_packet(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(0x10000)
    return len(head) < 0x10000 and looks_like_rtp(head) and not looks_framed(head)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _read(file: IO[bytes], size: int) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CaptureError(f"gzip: {error}") from error


def _changed_us(path: Path) -> int:
    """When the file was last written to: the best that is known where packets bear no time."""
    return path.stat().st_mtime_ns // 1000
