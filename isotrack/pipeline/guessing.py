"""What `tracks.json` would say of captures, guessed from what an inspection found.

Sources of one participant are found by their CNAME, else by the address they come from or the
names of their files, else by the time they begin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from isotrack.recording.inspection import InspectedSource, Inspection, Role, SentExtension

_FEWEST_PACKETS = 5
_MOST_LAYERS = 8
_TOGETHER_S = 10
_ASPECT_TOLERANCE = 0.03

AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
VIDEO_ORIENTATION: Final = "urn:3gpp:video-orientation"
ABS_CAPTURE_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
DEPENDENCY_DESCRIPTOR: Final = (
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

Group = list[InspectedSource]
"""The layers of one track, the largest first; nearly always one source."""


def guess_tracks(found: Inspection) -> dict[str, Any]:
    """A `tracks.json` for what was found; no tracks where nothing was recognized."""
    media = _media(found.sources)
    groups = list(_grouped(media))
    tracks: list[dict[str, Any]] = []
    for number, members in enumerate(_participants(groups), 1):
        taken: list[tuple[str, InspectedSource]] = []
        for group in members:
            track_type = _track_type(group[0], taken)
            taken.append((track_type, group[0]))
            tracks.append(_track(f"participant-{number}", track_type, group, found.sources))
    return {"tracks": tracks}


def _media(sources: Sequence[InspectedSource]) -> list[InspectedSource]:
    """Sources of media, each SSRC of a file once: a relay shows them on both of its sides."""
    found: dict[tuple[str, int], InspectedSource] = {}
    for source in sources:
        known = source.role in (Role.AUDIO, Role.VIDEO) and source.certainty != "none"
        if known and source.packets >= _FEWEST_PACKETS:
            other = found.get((source.file, source.ssrc))
            if other is None or other.packets < source.packets:
                found[source.file, source.ssrc] = source
    return list(found.values())


def _grouped(media: Sequence[InspectedSource]) -> Iterator[Group]:
    """Sources that are one track: the layers of simulcast are the same picture in several sizes."""
    left = sorted(media, key=lambda s: (s.width or 0, s.bitrate_bps), reverse=True)
    while left:
        group = [left.pop(0)]
        for other in list(left):
            if len(group) < _MOST_LAYERS and all(_is_layer(one, other) for one in group):
                group.append(other)
                left.remove(other)
        yield group


def _is_layer(one: InspectedSource, other: InspectedSource) -> bool:
    same = ("file", "flow", "cname", "mime_type")
    if any(getattr(one, name) != getattr(other, name) for name in same):
        return False
    if not (one.width and one.height and other.width and other.height) or not one.flow:
        return False
    aspect = (one.width / one.height) / (other.width / other.height)
    return (
        _payload_type(one) == _payload_type(other)
        and one.width != other.width
        and abs(aspect - 1) <= _ASPECT_TOLERANCE
        and _overlap(one, other)
    )


def _overlap(one: InspectedSource, other: InspectedSource) -> bool:
    return one.first_at < other.last_at and other.first_at < one.last_at


def _participants(groups: Sequence[Group]) -> list[list[Group]]:
    """The tracks of each participant, those who come first first."""
    found: dict[object, list[Group]] = {}
    for group in sorted(groups, key=lambda group: group[0].first_at):
        found.setdefault(_belonging(group[0]), []).append(group)
    members = list(found.values())
    lone = [some for some in members if len({group[0].role for group in some}) == 1]
    for some in lone:
        partner = _partner(some, [other for other in lone if other is not some])
        if partner is not None and some in members and partner in members:
            some += partner
            members.remove(partner)
    return members


def _belonging(source: InspectedSource) -> object:
    """What sources of one participant have in common."""
    if source.cname:
        return ("cname", source.cname)
    if source.flow:
        return ("address", source.file, source.flow.partition("->")[0])
    # Janus and others name files `...-audio-0.mjr` and `...-video-1.mjr`.
    stem = re.split(r"[-_.](?:audio|video)\b", source.file.rpartition("/")[2])[0]
    return ("file", stem)


def _partner(some: list[Group], others: Sequence[list[Group]]) -> list[Group] | None:
    """Who else sends the other kind from the same host from the same time on, if only one does."""
    first = some[0][0]
    near = [
        other
        for other in others
        if other[0][0].role != first.role
        and _host(other[0][0]) == _host(first)
        and not (first.cname and other[0][0].cname)
        and abs((other[0][0].first_at - first.first_at).total_seconds()) <= _TOGETHER_S
    ]
    return near[0] if len(near) == 1 else None


def _host(source: InspectedSource) -> str:
    return source.flow.partition("->")[0].rpartition(":")[0]


def _track_type(source: InspectedSource, taken: Sequence[tuple[str, InspectedSource]]) -> str:
    """A second picture at the same time is what is shared."""
    kind = source.role.value
    beside = [name for name, other in taken if name.endswith(kind) and _overlap(source, other)]
    return f"screenshare_{kind}" if beside == [kind] else kind


def _track(
    user_id: str, track_type: str, group: Group, sources: Sequence[InspectedSource]
) -> dict[str, Any]:
    """One track as `tracks.json` has it; what says nothing is left out."""
    source = group[0]
    payload_type = _payload_type(source)
    repairs = {
        (other.role, other.repairs): other
        for other in sources
        if other.file == source.file and other.repairs is not None
    }
    rtx = [repairs.get((Role.RTX, one.ssrc)) for one in group]
    fec = repairs.get((Role.FLEXFEC, source.ssrc))
    ulpfec = next((t for t in source.payload_types if t.format == "ulpfec"), None)
    red = next((t for t in source.payload_types if t.format == "red"), None)
    track: dict[str, Any] = {
        "user_id": user_id,
        "track_type": track_type,
        "mime": source.mime_type,
        "payload_type": payload_type,
        "clock_rate": source.clock_rate,
        "channels": source.channels if source.role is Role.AUDIO else None,
        "fmtp": source.fmtp or None,
        "ssrc": source.ssrc if len(group) == 1 else None,
        "layers": _layers(group, rtx) if len(group) > 1 else None,
        "rtx": _repair(rtx[0], with_ssrc=len(group) == 1),
        "red": {"payload_type": red.payload_type} if red else None,
        "fec": None,
        "header_extensions": dict(_extensions(source)) or None,
        "flow": source.flow or None,
        "file": PurePosixPath(source.file).name,
    }
    if fec is not None:
        sent = Counter({t.payload_type: t.packets for t in fec.payload_types})
        track["fec"] = {
            "mechanism": "flexfec-03",
            "payload_type": sent.most_common(1)[0][0],
            "ssrc": fec.ssrc,
        }
    elif ulpfec is not None:
        track["fec"] = {"mechanism": "ulpfec", "payload_type": ulpfec.payload_type}
    return {name: value for name, value in track.items() if value is not None}


def _payload_type(source: InspectedSource) -> int:
    """The payload type of the codec itself, that of RED aside."""
    name = (source.mime_type or "").partition("/")[2]
    sent = [t for t in source.payload_types if t.format == name]
    chosen = max(sent or source.payload_types, key=lambda t: t.packets)
    return chosen.payload_type


def _layers(group: Group, rtx: Sequence[InspectedSource | None]) -> list[dict[str, int]]:
    pairs = zip(group, rtx, strict=True)
    return [{"ssrc": one.ssrc} | ({"rtx_ssrc": two.ssrc} if two else {}) for one, two in pairs]


def _repair(source: InspectedSource | None, *, with_ssrc: bool) -> dict[str, int] | None:
    if source is None:
        return None
    sent = max(source.payload_types, key=lambda t: t.packets)
    return {"payload_type": sent.payload_type} | ({"ssrc": source.ssrc} if with_ssrc else {})


def _extensions(source: InspectedSource) -> Iterator[tuple[str, int]]:
    """The header extensions that show what they are by their sizes and values."""
    if source.extension_uris:
        yield from source.extension_uris.items()
        return
    candidates: dict[str, list[int]] = {}
    for sent in source.header_extensions:
        uri = _uri_of(source, sent)
        if uri is not None:
            candidates.setdefault(uri, []).append(sent.id)
    for uri, ids in candidates.items():
        if len(ids) == 1:
            yield uri, ids[0]


def _uri_of(source: InspectedSource, sent: SentExtension) -> str | None:
    sizes = (sent.smallest, sent.largest)
    often = sent.packets >= 0.9 * min(source.packets, 4096)
    if source.role is Role.AUDIO and sizes == (1, 1) and often and len(sent.first_bytes) > 3:
        return AUDIO_LEVEL
    if sizes in ((8, 8), (16, 16), (8, 16)):
        return ABS_CAPTURE_TIME
    if source.role is not Role.VIDEO:
        return None
    if sizes == (1, 1) and not often and 2 <= max(sent.first_bytes) <= 3:
        return VIDEO_ORIENTATION
    if sent.smallest == 3 and sent.largest > 4 and often:
        return DEPENDENCY_DESCRIPTOR
    return None
