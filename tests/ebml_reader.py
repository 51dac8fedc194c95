"""A strict Matroska reader for tests: it walks a file and refuses whatever is not exactly right.

Written from RFC 8794 and RFC 9559 with ids of its own, so that a wrong id in the writer shows.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

VOID = "Void"
ELEMENTS: dict[int, tuple[str, str]] = {
    0xEC: (VOID, "binary"),
    0x1A45DFA3: ("EBML", "master"),
    0x4286: ("EBMLVersion", "uint"),
    0x42F7: ("EBMLReadVersion", "uint"),
    0x42F2: ("EBMLMaxIDLength", "uint"),
    0x42F3: ("EBMLMaxSizeLength", "uint"),
    0x4282: ("DocType", "text"),
    0x4287: ("DocTypeVersion", "uint"),
    0x4285: ("DocTypeReadVersion", "uint"),
    0x18538067: ("Segment", "master"),
    0x114D9B74: ("SeekHead", "master"),
    0x4DBB: ("Seek", "master"),
    0x53AB: ("SeekID", "binary"),
    0x53AC: ("SeekPosition", "uint"),
    0x1549A966: ("Info", "master"),
    0x73A4: ("SegmentUUID", "binary"),
    0x2AD7B1: ("TimestampScale", "uint"),
    0x4489: ("Duration", "float"),
    0x4461: ("DateUTC", "date"),
    0x7BA9: ("Title", "text"),
    0x4D80: ("MuxingApp", "text"),
    0x5741: ("WritingApp", "text"),
    0x1654AE6B: ("Tracks", "master"),
    0xAE: ("TrackEntry", "master"),
    0xD7: ("TrackNumber", "uint"),
    0x73C5: ("TrackUID", "uint"),
    0x83: ("TrackType", "uint"),
    0x9C: ("FlagLacing", "uint"),
    0x23E383: ("DefaultDuration", "uint"),
    0x536E: ("Name", "text"),
    0x22B59C: ("Language", "text"),
    0x86: ("CodecID", "text"),
    0x63A2: ("CodecPrivate", "binary"),
    0x56AA: ("CodecDelay", "uint"),
    0x56BB: ("SeekPreRoll", "uint"),
    0xE0: ("Video", "master"),
    0x9A: ("FlagInterlaced", "uint"),
    0xB0: ("PixelWidth", "uint"),
    0xBA: ("PixelHeight", "uint"),
    0x7670: ("Projection", "master"),
    0x7671: ("ProjectionType", "uint"),
    0x7675: ("ProjectionPoseRoll", "float"),
    0xE1: ("Audio", "master"),
    0xB5: ("SamplingFrequency", "float"),
    0x9F: ("Channels", "uint"),
    0x1F43B675: ("Cluster", "master"),
    0xE7: ("Timestamp", "uint"),
    0xA3: ("SimpleBlock", "binary"),
    0x1C53BB6B: ("Cues", "master"),
    0xBB: ("CuePoint", "master"),
    0xB3: ("CueTime", "uint"),
    0xB7: ("CueTrackPositions", "master"),
    0xF7: ("CueTrack", "uint"),
    0xF1: ("CueClusterPosition", "uint"),
    0xF0: ("CueRelativePosition", "uint"),
    0x1254C367: ("Tags", "master"),
    0x7373: ("Tag", "master"),
    0x63C0: ("Targets", "master"),
    0x68CA: ("TargetTypeValue", "uint"),
    0x63C5: ("TagTrackUID", "uint"),
    0x67C8: ("SimpleTag", "master"),
    0x45A3: ("TagName", "text"),
    0x447A: ("TagLanguage", "text"),
    0x4487: ("TagString", "text"),
}
REPEATABLE = {
    VOID, "Seek", "TrackEntry", "Cluster", "SimpleBlock", "CuePoint", "CueTrackPositions",
    "Tag", "SimpleTag",
}  # fmt: skip
MANDATORY = {
    "Segment": {"SeekHead", "Info", "Tracks"},
    "Seek": {"SeekID", "SeekPosition"},
    "Info": {"TimestampScale", "MuxingApp", "WritingApp"},
    "Tracks": {"TrackEntry"},
    "TrackEntry": {"TrackNumber", "TrackUID", "TrackType", "CodecID"},
    "Video": {"PixelWidth", "PixelHeight"},
    "Audio": {"SamplingFrequency", "Channels"},
    "Cluster": {"Timestamp"},
    "Cues": {"CuePoint"},
    "CuePoint": {"CueTime", "CueTrackPositions"},
    "CueTrackPositions": {"CueTrack", "CueClusterPosition"},
    "Tags": {"Tag"},
    "Tag": {"Targets", "SimpleTag"},
    "SimpleTag": {"TagName", "TagString"},
}


class Malformed(Exception):
    """The file breaks a rule."""


@dataclass
class Element:
    name: str
    identifier: bytes
    start: int
    data_start: int
    end: int
    value: object = None
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        return [child for child in self.children if child.name == name]

    def one(self, name: str) -> Element:
        (child,) = self.all(name)
        return child

    def get(self, name: str, default: object = None) -> object:
        return self.one(name).value if self.all(name) else default


class Block(NamedTuple):
    track: int
    time_ms: int
    keyframe: bool
    frame: bytes


@dataclass
class Matroska:
    """A file that was found right."""

    header: Element
    segment: Element
    blocks: list[Block]
    cues: list[tuple[int, int]]
    """Time in ms and track number."""

    @property
    def info(self) -> Element:
        return self.segment.one("Info")

    @property
    def tracks(self) -> list[Element]:
        return self.segment.one("Tracks").all("TrackEntry")


def read_matroska(data: bytes) -> Matroska:
    """Read a finished file. Raises Malformed."""
    top = read_elements(data, 0, len(data))
    if [element.name for element in top] != ["EBML", "Segment"]:
        raise Malformed(f"the file holds {[element.name for element in top]}")
    header, segment = top
    if header.get("DocType") != "matroska":
        raise Malformed(f"the file is {header.get('DocType')!r}")
    _check_seek_head(segment)
    blocks_at = _read_blocks(data, segment)
    cues = _check_cues(segment, blocks_at)
    return Matroska(header, segment, list(blocks_at.values()), cues)


def read_elements(data: bytes, start: int, end: int, parent: str = "") -> list[Element]:
    """The elements that fill a range exactly."""
    elements = []
    while start < end:
        element = _read_element(data, start, end)
        elements.append(element)
        start = element.end
    names = Counter(element.name for element in elements)
    if twice := [name for name, n in names.items() if n > 1 and name not in REPEATABLE]:
        raise Malformed(f"{parent} has {twice} more than once")
    if missing := MANDATORY.get(parent, set()) - names.keys():
        raise Malformed(f"{parent} lacks {missing}")
    return elements


def _read_element(data: bytes, start: int, end: int) -> Element:
    id_length = _vint_length(data, start)
    identifier = data[start : start + id_length]
    name, kind = ELEMENTS.get(int.from_bytes(identifier, "big"), ("", ""))
    if not name:
        raise Malformed(f"unknown element {identifier.hex()} at {start}")
    size_start = start + id_length
    size_length = _vint_length(data, size_start)
    mask = (1 << 7 * size_length) - 1
    size = int.from_bytes(data[size_start : size_start + size_length], "big") & mask
    data_start = size_start + size_length
    if size == mask:
        raise Malformed(f"{name} at {start} has no known size")
    if data_start + size > end:
        raise Malformed(f"{name} at {start} ends at {data_start + size}, its parent at {end}")
    element = Element(name, identifier, start, data_start, data_start + size)
    if kind == "master":
        element.children = read_elements(data, data_start, element.end, name)
    else:
        element.value = _value(kind, data[data_start : element.end])
    return element


def _vint_length(data: bytes, at: int) -> int:
    if at >= len(data) or data[at] == 0:
        raise Malformed(f"no variable-size integer at {at}")
    return 9 - data[at].bit_length()


def _value(kind: str, payload: bytes) -> object:
    match kind:
        case "uint":
            return int.from_bytes(payload, "big")
        case "float":
            return struct.unpack(">d", payload)[0]
        case "date":
            return struct.unpack(">q", payload)[0]
        case "text":
            return payload.decode("utf-8")
        case _:
            return payload


def _check_seek_head(segment: Element) -> None:
    seek_head = segment.children[0]
    if seek_head.name != "SeekHead":
        raise Malformed(f"the segment begins with {seek_head.name}")
    found = {
        (seek.get("SeekID"), segment.data_start + int(str(seek.get("SeekPosition"))))
        for seek in seek_head.all("Seek")
    }
    wanted = {
        (child.identifier, child.start)
        for child in segment.children
        if child.name in ("Info", "Tracks", "Tags", "Cues")
    }
    if found != wanted:
        raise Malformed(f"the SeekHead says {found}, the segment holds {wanted}")


def _read_blocks(data: bytes, segment: Element) -> dict[int, Block]:
    """Every block by its place in the file."""
    numbers = {track.get("TrackNumber") for track in segment.one("Tracks").children}
    blocks = {}
    for cluster in segment.all("Cluster"):
        if cluster.children[0].name != "Timestamp":
            raise Malformed(f"the cluster at {cluster.start} begins without its timestamp")
        cluster_ms = int(str(cluster.get("Timestamp")))
        for element in cluster.all("SimpleBlock"):
            payload = data[element.data_start : element.end]
            track, relative_ms, flags = struct.unpack(">BhB", payload[:4])
            if track & 0x7F not in numbers or not track & 0x80 or flags & ~0x80:
                raise Malformed(f"the block at {element.start} has header {payload[:4].hex()}")
            blocks[element.start] = Block(
                track & 0x7F, cluster_ms + relative_ms, flags == 0x80, payload[4:]
            )
    return blocks


def _check_cues(segment: Element, blocks_at: dict[int, Block]) -> list[tuple[int, int]]:
    clusters = {cluster.start: cluster for cluster in segment.all("Cluster")}
    points = segment.one("Cues").children if segment.all("Cues") else []
    times = [int(str(point.get("CueTime"))) for point in points]
    if times != sorted(set(times)):
        raise Malformed(f"the cues are at {times}")
    cues = []
    for time_ms, point in zip(times, points, strict=True):
        for place in point.all("CueTrackPositions"):
            at = segment.data_start + int(str(place.get("CueClusterPosition")))
            if at not in clusters:
                raise Malformed(f"the cue at {time_ms} ms points to no cluster")
            block_at = clusters[at].data_start + int(str(place.get("CueRelativePosition")))
            block = blocks_at.get(block_at)
            if block is None or block[:3] != (place.get("CueTrack"), time_ms, True):
                raise Malformed(f"the cue at {time_ms} ms points to {block}")
            cues.append((time_ms, block.track))
    return cues
