"""rtpdump files of any length, read piece by piece; short ones exactly, by their trailer."""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np

from isotrack.rtp.datagrams import (
    NO_ADDRESS,
    CaptureError,
    Datagrams,
    Flow,
    no_datagrams,
    select_media,
)
from isotrack.rtp.dump import DumpError, read_dump
from isotrack.rtp.records import Records

READ_WHOLE = 16 << 20
"""Files up to this size, all of our chunks among them, are read at once by `dump.read_dump`."""

_RECORD_HEADER = 8
_MAX_RECORD = 0xFFFF


class DumpReader:
    """Reads an rtpdump file.

    A file too long to be read at once is read in runs of records, each under the file's own header.
    """

    form = "rtpdump"
    arrivals_made = False

    def __init__(self) -> None:
        self.flows: list[Flow] = [NO_ADDRESS]
        self.skipped: Counter[str] = Counter()
        self._pieces: list[bytes] = []
        self._size = 0
        self._header = b""
        self._order = ">"

    def feed(self, data: bytes) -> Datagrams:
        """The packets of the records that are whole, once it is clear that the file is long."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size <= READ_WHOLE:
            return self._read(b"")
        whole = b"".join(self._pieces)
        if not self._header:
            self._read_header(whole)
            whole = whole[len(self._header) :]
        end = self._last_end(whole)
        self._pieces, self._size = [whole[end:]], READ_WHOLE + 1
        return self._read(self._header + whole[:end])

    def finish(self) -> Datagrams:
        """All packets of a short file, or those left."""
        whole = self._header + b"".join(self._pieces)
        self._pieces = []
        return self._read(whole)

    def _read_header(self, whole: bytes) -> None:
        line = whole.find(b"\n", 0, 512) + 1
        if not line:
            raise CaptureError("rtpdump does not begin with a line")
        self._header = whole[: line + 16]
        record, packet = struct.unpack_from(">HH", whole, line + 16)
        if not (record >= _RECORD_HEADER and packet in (0, record - _RECORD_HEADER)):
            self._order = "<"

    def _last_end(self, records: bytes) -> int:
        """Where the last record ends that is whole; the end of all where none makes sense."""
        at = 0
        while at + _RECORD_HEADER <= len(records):
            (size,) = struct.unpack_from(f"{self._order}H", records, at)
            if size < _RECORD_HEADER:
                return len(records)
            if at + size > len(records):
                break
            at += int(size)
        return at

    def _read(self, dump: bytes) -> Datagrams:
        if not dump:
            return no_datagrams()
        try:
            records = read_dump(dump)
        except DumpError as error:
            raise CaptureError(str(error)) from error
        self.skipped["torn"] += not records.intact
        return self._datagrams(records)

    def _datagrams(self, records: Records) -> Datagrams:
        rows, is_rtcp = select_media(records.buffer, records.offset, records.length, self.skipped)
        return Datagrams(
            records.buffer,
            records.offset[rows],
            records.length[rows],
            records.arrival_us[rows],
            np.zeros(rows.size, np.int64),
            is_rtcp,
        )
