"""What a file tells about itself in words (RFC 9559, section 5.1.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from isotrack.matroska import ebml, ids

_WHOLE_FILE = 50  # TargetTypeValue "MOVIE", "CONCERT", "EPISODE"
_TRACK = 30  # "TRACK"


class Tag(NamedTuple):
    """One SimpleTag: of the whole file, or of the track with that UID.

    Names are those of the Matroska tag registry where it has one (`TITLE`, `DATE_RECORDED`), else
    upper case with a prefix of ours (`ISOTRACK_CALL_CID`).
    """

    name: str
    value: str
    track_uid: int | None = None

    def encode(self) -> bytes:
        """The SimpleTag element, without its target."""
        return ebml.master(
            ids.SIMPLE_TAG,
            ebml.utf8(ids.TAG_NAME, self.name),
            ebml.string(ids.TAG_LANGUAGE, "und"),
            ebml.utf8(ids.TAG_STRING, self.value),
        )


def encode_tags(tags: Iterable[Tag]) -> bytes:
    """The Tags element, one Tag per target, in the order given; nothing when there is none."""
    by_target: dict[int | None, list[bytes]] = {}
    for tag in tags:
        by_target.setdefault(tag.track_uid, []).append(tag.encode())
    if not by_target:
        return b""
    return ebml.master(
        ids.TAGS,
        *(ebml.master(ids.TAG, _targets(uid), *simple) for uid, simple in by_target.items()),
    )


def _targets(track_uid: int | None) -> bytes:
    if track_uid is None:
        return ebml.master(ids.TARGETS, ebml.unsigned(ids.TARGET_TYPE_VALUE, _WHOLE_FILE))
    return ebml.master(
        ids.TARGETS,
        ebml.unsigned(ids.TARGET_TYPE_VALUE, _TRACK),
        ebml.unsigned(ids.TAG_TRACK_UID, track_uid, 8),
    )
