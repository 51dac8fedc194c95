"""Packets to frames: an access unit is the packets of one RTP timestamp, whole or left out.

A video frame with a packet missing, and every frame that needs it, is left out until the next
whole keyframe: the picture freezes and never smears. Audio packets stand alone.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs import h264, opus, vp8
from isotrack.codecs.h264_pictures import carries_picture
from isotrack.codecs.keyframes import KeyframeReader
from isotrack.codecs.media import Media
from isotrack.media.frames import Frames, group
from isotrack.media.ordering import Ordered


class Assembler(Protocol):
    """Turns the ordered packets of one stream into frames that can be decoded."""

    left_out: int
    """Frames that could not be used."""

    def push(self, ordered: Ordered) -> Frames:
        """The frames of these packets; they are whole access units."""


class _Units(NamedTuple):
    """Access units and what is known of each: columns."""

    unit: NDArray[np.int64]
    """[packets] the access unit of each packet."""
    timestamp: NDArray[np.int64]
    whole: NDArray[np.bool_]
    keyframe: NDArray[np.bool_]
    after_loss: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    """[n] there is a picture in it, or a part of one."""


class VideoAssembler:
    """Assembles VP8 or H.264."""

    def __init__(self, codec: str, keyframes: KeyframeReader) -> None:
        self._codec = codec
        self._keyframes = keyframes
        self._depacketize = {"vp8": vp8.depacketize, "h264": h264.depacketize}[codec]
        self._decodable = False  # nothing can be decoded before the first keyframe
        self._dropped = False
        self.left_out = 0

    def push(self, ordered: Ordered) -> Frames:
        """The frames of these packets that can be decoded."""
        media = self._depacketize(ordered.packets)
        if self._codec == "h264":
            units = _access_units(ordered, media, carries_picture(ordered.packets), merge=True)
        else:
            units = _access_units(ordered, media, _gives_bytes(ordered, media), merge=False)
        frames = Frames(
            timestamp=units.timestamp,
            duration=np.zeros(len(units.whole), np.int64),
            keyframe=np.zeros(len(units.whole), np.bool_),
            after_loss=units.after_loss.copy(),
            first_slice=group(media, units.unit, len(units.whole)),
            slice_offset=media.slice_offset,
            slice_length=media.slice_length,
            buffer=media.buffer,
        )
        for i in np.flatnonzero(units.whole & units.keyframe).tolist():
            frames.keyframe[i] = self._keyframes.read(
                frames.frame(i), int(units.timestamp[i]), after_loss=bool(units.after_loss[i])
            )
        kept = self._decodable_frames(units, frames.keyframe)
        dropped = units.shown & ~kept
        self.left_out += int(dropped.sum())
        frames.after_loss[1:] |= dropped[:-1]
        frames.after_loss[:1] |= self._dropped
        self._dropped = bool(dropped[-1]) if len(dropped) else self._dropped
        return frames.take(kept)

    def _decodable_frames(self, units: _Units, entry: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whole frames, from each keyframe that can be entered at up to the next loss."""
        index = np.arange(1, len(units.whole) + 1)
        broken = (units.after_loss | ~units.whole | units.keyframe) & ~entry
        last_entry = np.maximum.accumulate(np.where(entry, index, 0 if self._decodable else -1))
        last_break = np.maximum.accumulate(np.where(broken, index, -1 if self._decodable else 0))
        decodable = last_entry > last_break
        if len(index):
            self._decodable = bool(decodable[-1])
        kept: NDArray[np.bool_] = units.whole & units.shown & decodable
        return kept


def _gives_bytes(ordered: Ordered, media: Media) -> NDArray[np.bool_]:
    """Mark the packets with more than a payload descriptor (edge case 82)."""
    gives: NDArray[np.bool_] = np.bincount(media.slice_packet, minlength=ordered.packets.count) > 0
    return gives


def _access_units(
    ordered: Ordered, media: Media, picture: NDArray[np.bool_], *, merge: bool
) -> _Units:
    """Group packets into access units, and tell which have all of their packets.

    The head is there when the first packet begins a frame; the tail when the last one bears the
    marker or the next unit follows without a gap (edge cases 60 to 66).

    Args:
        ordered: the packets.
        media: what is in them.
        picture: the packets that carry a picture.
        merge: parameter sets with a timestamp of their own belong to the picture that follows
            (edge case 106), so a unit without a picture ends where that picture ends.
    """
    if not len(picture):
        none = np.zeros(0, np.bool_)
        return _Units(np.zeros(0, np.int64), np.zeros(0, np.int64), none, none, none, none)
    changes = np.diff(ordered.timestamp, prepend=-1) != 0
    first = np.flatnonzero(changes)
    if merge:
        shown = np.logical_or.reduceat(picture, first)
        first = first[np.concatenate(([True], shown[:-1]))]
    last = np.append(first[1:], len(picture)) - 1
    lost = ordered.lost_before[:-1] > 0
    damaged = np.where(changes, ~media.head, lost) | media.broken
    contiguous = ordered.lost_before[last + 1] == 0
    return _Units(
        unit=np.searchsorted(first, np.arange(len(picture)), side="right") - 1,
        # The picture's own time: where parameter sets came before it, that of its last packet.
        timestamp=ordered.timestamp[last],
        whole=~np.logical_or.reduceat(damaged, first) & (ordered.packets.marker[last] | contiguous),
        keyframe=np.logical_or.reduceat(media.keyframe, first),
        after_loss=np.logical_or.reduceat(lost & changes, first),
        shown=np.logical_or.reduceat(picture, first),
    )


class OpusAssembler:
    """Every valid Opus packet is a frame."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self.left_out = 0

    def push(self, ordered: Ordered) -> Frames:
        """The packets that are valid Opus, with the time they play (RFC 6716, section 3.1)."""
        packets = ordered.packets
        samples = opus.durations(packets.buffer, packets.payload_offset, packets.payload_length)
        frames = Frames(
            timestamp=ordered.timestamp,
            duration=samples * self._clock_rate // opus.CLOCK_RATE,
            keyframe=np.ones(packets.count, np.bool_),
            after_loss=ordered.lost_before[:-1] > 0,
            first_slice=np.arange(packets.count + 1),
            slice_offset=packets.payload_offset,
            slice_length=packets.payload_length,
            buffer=packets.buffer,
        )
        valid = samples > 0
        self.left_out += int((~valid).sum())
        return frames.take(valid)


SUPPORTED_CODECS = frozenset({"opus", "vp8", "h264"})
"""Lower-case encoding names of what can be remuxed."""
