"""Janus recordings (`.mjr`): the packets of one track, behind a header that says what they are.

    file:    "MJR00002" | length u16 | JSON     or "MJR00001", or "MEETECHO" with `audio`, `video`
    packet:  "MEET" | milliseconds u32 | length u16 | RTP     of MJR00002, since the first packet
             "MEETECHO" | length u16 | RTP                    of both others, without a time

Members of the JSON: `t` type (`a`, `v`, `d`), `c` codec, `f` fmtp, `x` header extensions by id,
`d` description, `s` when the file was made and `u` when its first packet came (Unix microseconds),
`e` true when payloads are end-to-end encrypted. The payload type is in the RTP alone.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from isotrack.rtp.datagrams import (
    NO_ADDRESS,
    CaptureError,
    Datagrams,
    Flow,
    datagrams,
    no_datagrams,
)
from isotrack.rtp.pacing import LOOK_AHEAD, Pacer
from isotrack.rtp.sequence import Unwrapper

MAGIC = (b"MJR0000", b"MEETECHO")

_TIMED_RECORD = struct.Struct(">4sIH")
_RECORD = struct.Struct(">8sH")
_KINDS = {"a": "audio", "v": "video", "d": "data", "audio": "audio", "video": "video"}
_CODEC_WITHOUT_NAME = {"audio": "opus", "video": "vp8"}  # of the oldest form, which knew no others


class MjrHeader(NamedTuple):
    """What the header says of the track."""

    kind: str
    """`audio`, `video` or `data`."""
    codec: str
    """Lower case; empty if it is not said."""
    fmtp: str
    description: str
    extensions: dict[str, int]
    """URI of each header extension to its id."""
    created_us: int | None
    first_frame_us: int | None
    encrypted: bool


class MjrReader:
    """Reads a Janus recording.

    Args:
        start_us: when the first packet came if the header does not say so, Unix microseconds.
        clock_rates: of payload types, as signaling said, for the forms that bear no times.
    """

    form = "mjr"

    def __init__(self, start_us: int, clock_rates: Mapping[int, int]) -> None:
        self.flows: list[Flow] = [NO_ADDRESS]
        self.skipped: Counter[str] = Counter()
        self.header: MjrHeader | None = None
        """None until it was read."""
        self.arrivals_made = False
        self._start_us = start_us
        self._clock_rates = clock_rates
        self._pacer: Pacer | None = None
        self._milliseconds = Unwrapper(32)
        self._rest = b""
        self._ended = False

    def feed(self, data: bytes) -> Datagrams:
        """The packets that are whole with these further bytes."""
        self._rest += data
        if self.header is None and not self._read_header():
            return no_datagrams()
        if self._pacer and len(self._rest) < LOOK_AHEAD:
            return no_datagrams()
        return self._read()

    def finish(self) -> Datagrams:
        """The packets held back; what is left after them is torn."""
        if self.header is None:
            raise CaptureError("mjr ends inside its header")
        last = self._read()
        if self._rest:
            self.skipped["torn"] += 1
        return last

    def _read_header(self) -> bool:
        data = self._rest
        if len(data) < 10 or len(data) < 10 + (size := int.from_bytes(data[8:10], "big")):
            return False
        magic, text = data[:8], data[10 : 10 + size]
        if not magic.startswith(MAGIC) or magic[7:] not in (b"1", b"2", b"O"):
            raise CaptureError(f"mjr begins with {magic!r}")
        self.header = _parse_header(text, as_json=magic != b"MEETECHO")
        self.arrivals_made = magic != b"MJR00002"
        first_us = self.header.first_frame_us or self.header.created_us
        self._start_us = self._start_us if first_us is None else first_us
        if self.arrivals_made:
            rates = dict(self._clock_rates)
            if self.header.codec in ("opus", "vp8", "vp9", "h264", "h265", "av1"):
                rate = 48_000 if self.header.codec == "opus" else 90_000
                rates = dict.fromkeys(range(96, 128), rate) | rates
            self._pacer = Pacer(self._start_us, rates)
        self._rest = data[10 + size :]
        return True

    def _read(self) -> Datagrams:
        data, self._rest = self._rest, b""
        assert self.header is not None
        if self._ended or self.header.kind == "data":
            if self.header.kind == "data":
                self.skipped["data_channel"] = 1
            return no_datagrams()
        record, magic = (_RECORD, b"MEETECHO") if self._pacer else (_TIMED_RECORD, b"MEET")
        rows: list[tuple[int, int, int, int]] = []
        times: list[int] = []
        at = 0
        while at + record.size <= len(data):
            mark, *time, size = record.unpack_from(data, at)
            if mark != magic:
                self.skipped["torn"] += 1
                self._ended = True
                break
            begin = at + record.size
            if begin + size > len(data):
                break
            rows.append((begin, size, len(rows), 0))  # the row's number, in place of its arrival
            times += time
            at = begin + size
        self._rest = b"" if self._ended else data[at:]
        found = datagrams(data, rows, self.skipped)
        if self._pacer:
            return self._pacer.time(found)
        passed = self._milliseconds(np.array(times, np.uint32)) - (1 << 32)
        return found._replace(arrival_us=self._start_us + 1000 * passed[found.arrival_us])


def _parse_header(text: bytes, *, as_json: bool) -> MjrHeader:
    if not as_json:
        kind = text.decode("ascii", "replace").strip("\0 ")
        if kind not in _KINDS:
            raise CaptureError(f"mjr is a recording of {kind!r}, neither audio nor video")
        return MjrHeader(kind, _CODEC_WITHOUT_NAME[kind], "", "", {}, None, None, False)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"mjr header is not JSON: {error}") from error
    if not isinstance(said, dict) or said.get("t") not in _KINDS:
        raise CaptureError("mjr header does not say what type of media it is (t)")
    return MjrHeader(
        kind=_KINDS[said["t"]],
        codec=_text(said, "c").lower(),
        fmtp=_text(said, "f"),
        description=_text(said, "d"),
        extensions=_extensions(said.get("x")),
        created_us=_time(said, "s"),
        first_frame_us=_time(said, "u"),
        encrypted=said.get("e") is True,
    )


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _time(said: dict[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) and 0 < value < 1 << 52 else None


def _extensions(said: object) -> dict[str, int]:
    if not isinstance(said, dict):
        return {}
    return {
        uri: int(identifier)
        for identifier, uri in said.items()
        if isinstance(uri, str) and identifier.isdecimal() and 1 <= int(identifier) <= 255
    }
