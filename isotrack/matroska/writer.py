"""A Matroska file from front to back, as bytes for the caller to write (RFC 9559).

    EBML | Segment: SeekHead  Info  Tracks  Tags  Void  Cluster  Cluster ...  Cues
    '------------------- head() ---------------------'  '-- cluster() --'     '- finish()

What is known last has its room in the head: the segment's size, its duration, the place of the
Cues, the largest picture and how it is turned. So the head is written twice, with the same length,
and everything else once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from isotrack.matroska import ebml, ids
from isotrack.matroska.cues import CueIndex
from isotrack.matroska.tags import Tag, encode_tags
from isotrack.matroska.tracks import TrackEntry

TIMESTAMP_SCALE_NS = 1_000_000
"""One unit of all timestamps: a millisecond, so that a cluster can span half a minute."""

CLUSTER_HEADER_SIZE = 22
"""Bytes before the first block of a cluster: id (4), size (8), Timestamp (10)."""

_TIMESTAMP_SIZE = 10
_SEEK_SIZE = 21
_DURATION_SIZE = 11
_ROOM_FOR_EDITORS = 256
"""Bytes of Void after the tags, in which tag editors can write without moving the clusters."""


class MatroskaWriter:
    """Makes the bytes of one file; the caller writes them and the blocks between them.

    Nothing but the arguments is in the bytes: no clock, no chance.

    Args:
        tracks: at least one; their numbers differ.
        start_ns: wall time of timestamp 0, Unix nanoseconds.
        title: of the file; may be empty.
        tags: of the file and of its tracks.
        segment_uid: 16 bytes that no other file has.
        application: who wrote it.
    """

    def __init__(
        self,
        tracks: Sequence[TrackEntry],
        *,
        start_ns: int,
        title: str,
        tags: Sequence[Tag] = (),
        segment_uid: bytes,
        application: str = "Isotrack",
    ) -> None:
        if len(segment_uid) != 16:
            raise ValueError(f"a segment UID has 16 bytes, not {len(segment_uid)}")
        self._info = partial(_info, start_ns, title, segment_uid, application)
        sections = {
            ids.INFO: self._info(0),
            ids.TRACKS: _tracks(tracks),
            ids.TAGS: encode_tags(tags),
        }
        self._sections = {name: body for name, body in sections.items() if body}
        self._cues = CueIndex()
        self._empty = True
        self._position = len(self._segment_head(None))

    def head(self) -> bytes:
        """The first bytes of the file, good as they are until `finish` gives better ones."""
        return _prologue(ebml.UNKNOWN_SIZE) + self._segment_head(None)

    def cluster(
        self,
        timestamp_ms: int,
        blocks_size: int,
        cue_tracks: Sequence[tuple[int, int, int]] = (),
    ) -> bytes:
        """The header of the next cluster, right after which the caller writes its blocks.

        Args:
            timestamp_ms: of the cluster, from the start of the file.
            blocks_size: bytes of all its blocks together, their headers among them.
            cue_tracks: the blocks to be found by seeking: track number, timestamp relative to the
                cluster's in ms, and the block's offset in bytes from the cluster's first block.

        Returns:
            CLUSTER_HEADER_SIZE bytes.

        Raises:
            ValueError: a time or a size is negative, or a cue lies outside of the blocks.
        """
        if blocks_size < 0:
            raise ValueError(f"a cluster at {timestamp_ms} ms with {blocks_size} bytes of blocks")
        header = _cluster_header(timestamp_ms, blocks_size)
        for track, relative_ms, offset in cue_tracks:
            if not 0 <= offset < blocks_size:
                raise ValueError(f"a cue at byte {offset} of {blocks_size} bytes of blocks")
            self._cues.add(
                timestamp_ms + relative_ms, track, self._position, _TIMESTAMP_SIZE + offset
            )
        self._position += CLUSTER_HEADER_SIZE + blocks_size
        self._empty = False
        return header

    def finish(self, tracks: Sequence[TrackEntry], duration_ms: int) -> tuple[bytes, bytes]:
        """What ends the file: the tail to append, and the head to write over the first one.

        Args:
            tracks: those of the beginning, with what is known better now: the picture's size, its
                roll.
            duration_ms: end of the last frame; 0 when nothing is in the file.

        The tail is the Cues, or nothing when there are none. A file without a cluster gets an
        empty one there: FFmpeg opens no file that has none.

        Raises:
            ValueError: the duration is negative, or a track's element has another length now.
        """
        if duration_ms < 0:
            raise ValueError(f"a duration of {duration_ms} ms")
        better = {ids.INFO: self._info(duration_ms), ids.TRACKS: _tracks(tracks)}
        for name, body in better.items():
            if len(body) != len(self._sections[name]):
                raise ValueError("the head of a file has another length at its end")
            self._sections[name] = body
        cues = self._cues.encode()
        tail = _cluster_header(0, 0) if self._empty else cues
        segment_size = ebml.size(self._position + len(tail), 8)
        head = self._segment_head(self._position if cues else None)
        return tail, _prologue(segment_size) + head

    def _segment_head(self, cues_position: int | None) -> bytes:
        """The elements before the first cluster; always of the same length."""
        entries = len(self._sections) + 1  # and the Cues
        position = len(ebml.binary(ids.SEEK_HEAD, bytes(entries * _SEEK_SIZE)))
        seeks = []
        for identifier, body in self._sections.items():
            seeks.append(_seek(identifier, position))
            position += len(body)
        # A Void keeps the place of the Cues: a SeekHead may not point to what is not there.
        seeks.append(
            ebml.void(_SEEK_SIZE) if cues_position is None else _seek(ids.CUES, cues_position)
        )
        return b"".join(
            (
                ebml.master(ids.SEEK_HEAD, *seeks),
                *self._sections.values(),
                ebml.void(_ROOM_FOR_EDITORS),
            )
        )


def _prologue(segment_size: bytes) -> bytes:
    """The EBML header (RFC 9559, section 4.5) and the start of the segment."""
    header = ebml.master(
        ids.EBML,
        ebml.unsigned(ids.EBML_VERSION, 1),
        ebml.unsigned(ids.EBML_READ_VERSION, 1),
        ebml.unsigned(ids.EBML_MAX_ID_LENGTH, 4),
        ebml.unsigned(ids.EBML_MAX_SIZE_LENGTH, 8),
        ebml.string(ids.DOC_TYPE, "matroska"),
        ebml.unsigned(ids.DOC_TYPE_VERSION, 4),  # SeekPreRoll, CodecDelay
        ebml.unsigned(ids.DOC_TYPE_READ_VERSION, 2),  # SimpleBlock
    )
    return header + ebml.id_bytes(ids.SEGMENT) + segment_size


def _cluster_header(timestamp_ms: int, blocks_size: int) -> bytes:
    size = ebml.size(_TIMESTAMP_SIZE + blocks_size, 8)
    return ebml.id_bytes(ids.CLUSTER) + size + ebml.unsigned(ids.TIMESTAMP, timestamp_ms, 8)


def _seek(identifier: int, position: int) -> bytes:
    """One entry of the SeekHead, of _SEEK_SIZE bytes."""
    return ebml.master(
        ids.SEEK,
        ebml.binary(ids.SEEK_ID, ebml.id_bytes(identifier)),
        ebml.unsigned(ids.SEEK_POSITION, position, 8),
    )


def _info(
    start_ns: int, title: str, segment_uid: bytes, application: str, duration_ms: int
) -> bytes:
    return ebml.master(
        ids.INFO,
        ebml.binary(ids.SEGMENT_UUID, segment_uid),
        ebml.unsigned(ids.TIMESTAMP_SCALE, TIMESTAMP_SCALE_NS),
        # RFC 9559: no duration is zero.
        ebml.float64(ids.DURATION, duration_ms) if duration_ms else ebml.void(_DURATION_SIZE),
        ebml.date(ids.DATE_UTC, start_ns),
        ebml.utf8(ids.TITLE, title) if title else b"",
        ebml.utf8(ids.MUXING_APP, application),
        ebml.utf8(ids.WRITING_APP, application),
    )


def _tracks(tracks: Sequence[TrackEntry]) -> bytes:
    numbers = [track.number for track in tracks]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"a file has tracks of different numbers, not {numbers}")
    return ebml.master(ids.TRACKS, *(track.encode() for track in tracks))
