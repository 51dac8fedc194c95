"""What is in a file, frame by frame, and how the files of two contenders differ."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import av

from benchmarks.measure import Failed

_BESIDE: dict[str, Callable[[int], bool]] = {
    "h264": lambda head: head & 31 in (6, 7, 8, 9),
    "h265": lambda head: head >> 1 & 63 in (32, 33, 34, 35, 39, 40),
}
"""NAL units that are not of a picture: parameter sets, SEI, access unit delimiters."""

_TOLERANCE_MS = 2
"""Times are rounded to milliseconds, once or twice."""


class Content(NamedTuple):
    """The frames of a file's only track; of each, in order, three MD5s and two facts."""

    whole: list[bytes]
    """As it stands in the file."""
    units: list[bytes]
    """Its NAL units without zero bytes behind them; the same as `whole` in other codecs."""
    pictures: list[bytes]
    """Those NAL units that are of the picture itself."""
    ms: list[int]
    """Time from the first frame."""
    keyframe: list[bool]


def read_content(file: Path, codec: str) -> Content:
    """Demux a file. Raises Failed."""
    try:
        content = _demux(file, codec)
    except av.FFmpegError as error:
        raise Failed(f"{file.name} cannot be read: {error.strerror}") from error
    if not content.ms:
        raise Failed(f"{file.name} has no frames")
    return content._replace(ms=[at - content.ms[0] for at in content.ms])


def _demux(file: Path, codec: str) -> Content:
    content = Content([], [], [], [], [])
    beside = _BESIDE.get(codec)
    with av.open(str(file)) as container:
        for packet in container.demux(container.streams[0]):
            if packet.size == 0:
                continue
            body = bytes(packet)
            whole = units = pictures = hashlib.md5(body).digest()
            if beside is not None:
                found = [unit.rstrip(b"\0") for unit in _nal_units(body)]
                units = hashlib.md5(b"\0".join(found)).digest()
                found = [unit for unit in found if not beside(unit[0])]
                pictures = hashlib.md5(b"\0".join(found)).digest()
            content.whole.append(whole)
            content.units.append(units)
            content.pictures.append(pictures)
            content.ms.append(round(float((packet.pts or 0) * (packet.time_base or 0)) * 1000))
            content.keyframe.append(packet.is_keyframe)
    return content


def _nal_units(body: bytes) -> Iterator[bytes]:
    """The NAL units of a frame in Matroska or MP4, each after its length in four bytes."""
    at = 0
    while at + 4 < len(body):
        end = at + 4 + int.from_bytes(body[at : at + 4])
        yield body[at + 4 : end]
        at = end


def compare(ours: Content, theirs: Content) -> str:
    """In words for the table: `equal`, or what differs in theirs."""
    if ours.whole == theirs.whole:
        found = "equal"
    elif ours.units == theirs.units:
        found = "equal but for zero bytes behind NAL units"
    elif ours.pictures == theirs.pictures:
        found = "equal but for parameter sets in band"
    else:
        same = len(set(ours.pictures) & set(theirs.pictures))
        return f"DIFFERENT: {len(theirs.whole)} frames, ours {len(ours.whole)}, {same} in both"
    apart_ms = max(abs(a - b) for a, b in zip(ours.ms, theirs.ms, strict=True))
    if apart_ms > _TOLERANCE_MS:
        found += f"; times up to {apart_ms} ms apart"
    if ours.keyframe != theirs.keyframe:
        found += f"; {sum(theirs.keyframe)} keyframes marked of {sum(ours.keyframe)}"
    return found
