"""Packets to frames: an access unit is the packets of one RTP timestamp, whole or left out.

A video frame with a packet missing, and every frame that needs it, is left out until decoding can
go on: the picture freezes and never smears. Audio packets stand alone.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.audio import AudioCodec
from isotrack.codecs.dependency_descriptor import DependencyDescriptors
from isotrack.codecs.keyframes import PictureSize
from isotrack.codecs.media import Layers, Media
from isotrack.media.decodability import Decodability, Units
from isotrack.media.frames import Frames, group
from isotrack.media.loudness import LoudnessMeter
from isotrack.media.ordering import Ordered
from isotrack.media.orientation import OrientationReader
from isotrack.media.video_codecs import VideoCodec
from isotrack.rtp.audio_level import ABSENT, read_audio_levels
from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets


class Assembler(Protocol):
    """Turns the ordered packets of one stream into frames that can be decoded."""

    left_out: int
    """Frames that could not be used."""

    def push(self, ordered: Ordered) -> Frames:
        """The frames of these packets; they are whole access units."""

    @property
    def sizes(self) -> list[PictureSize]:
        """Each change of the picture's size so far; none of audio."""

    @property
    def configuration(self) -> bytes:
        """What a decoder needs to know before the first frame (video)."""


class VideoAssembler:
    """Assembles the frames of a video codec.

    Args:
        codec: of the stream.
        descriptor_id: id of the Dependency Descriptor among its header extensions, if it has one.
        orientation_id: that of the video orientation.
    """

    def __init__(
        self,
        codec: VideoCodec,
        descriptor_id: int | None = None,
        orientation_id: int | None = None,
    ) -> None:
        self._codec = codec
        self._descriptor_id = descriptor_id
        self._descriptors = DependencyDescriptors()
        self._orientation = None if orientation_id is None else OrientationReader(orientation_id)
        self._decodability = Decodability()
        self._dropped = False
        self.left_out = 0

    @property
    def sizes(self) -> list[PictureSize]:
        """Each change of the picture's size so far."""
        return self._codec.keyframes.sizes

    @property
    def configuration(self) -> bytes:
        """Matroska's CodecPrivate."""
        return self._codec.keyframes.configuration

    def push(self, ordered: Ordered) -> Frames:
        """The frames of these packets that can be decoded."""
        rasl = None if self._codec.leading is None else self._codec.leading.find(ordered.packets)
        # Header extensions first: payloads grow over them.
        layers = self._layers(ordered.packets)
        rotations = None if self._orientation is None else self._orientation.read(ordered)
        media = self._codec.depacketize(ordered.packets)
        if layers is not None:
            media = media._replace(layers=layers)
        units = _access_units(ordered, media)
        if self._codec.refine is not None:
            media, units = self._codec.refine(ordered, media, units)
        count = len(units.whole)
        frames = Frames(
            timestamp=units.timestamp,
            duration=np.zeros(count, np.int64),
            keyframe=np.zeros(count, np.bool_),
            after_loss=units.after_loss,
            rotation=rotations.at(units.timestamp) if rotations else np.zeros(count, np.int16),
            first_slice=group(media, units.first),
            slice_offset=media.slice_offset,
            slice_length=media.slice_length,
            buffer=media.buffer,
        )
        for i in (units.whole & units.keyframe).nonzero()[0].tolist():
            frames.keyframe[i] = self._codec.keyframes.read(
                frames.frame(i, self._codec.keyframes.needs),
                int(units.timestamp[i]),
                after_loss=bool(units.after_loss[i]),
            )
        kept, lost = self._decodability.kept(units, frames.keyframe, media.layers)
        if self._codec.leading is not None and rasl is not None:
            entry = frames.keyframe & kept
            kept = kept & ~self._codec.leading.undecodable(rasl, units, entry, kept)
        if np.count_nonzero(kept) == count and not self._dropped:
            return frames._replace(after_loss=lost)
        return self._without_dropped(frames._replace(after_loss=lost), units.shown & ~kept, kept)

    def _layers(self, packets: Packets) -> Layers | None:
        """What Dependency Descriptors say, where there are any."""
        if self._descriptor_id is None:
            return None
        offset, length = element(packets, self._descriptor_id)
        if not (offset >= 0).any():
            return None
        layering = self._descriptors.read(packets.buffer, offset, length).layering
        return lambda: layering

    def _without_dropped(
        self, frames: Frames, dropped: NDArray[np.bool_], kept: NDArray[np.bool_]
    ) -> Frames:
        """The frames kept, each told if something before it was left out."""
        if len(dropped) and (self._dropped or dropped.any()):
            self.left_out += int(dropped.sum())
            after_loss = frames.after_loss.copy()
            after_loss[1:] |= dropped[:-1]
            after_loss[0] |= self._dropped
            frames = frames._replace(after_loss=after_loss)
            self._dropped = bool(dropped[-1])
        return frames.take(kept)


def _access_units(ordered: Ordered, media: Media) -> Units:
    """Group packets into access units, and tell which have all of their packets.

    The head is there when the first packet begins a frame; the tail when the last one bears the
    marker or the next unit follows without a gap (edge cases 60 to 66).

    Args:
        ordered: the packets.
        media: what is in them. Parameter sets with a timestamp of their own belong to the picture
            that follows (edge case 106): a unit without a picture ends where that picture ends.
    """
    picture, count = media.picture, ordered.packets.count
    if not count:
        none = np.zeros(0, np.bool_)
        return Units(np.zeros(1, np.int64), np.zeros(0, np.int64), none, none, none, none)
    changes = np.empty(count, np.bool_)
    changes[0] = True
    np.not_equal(ordered.timestamp[1:], ordered.timestamp[:-1], out=changes[1:])
    first = changes.nonzero()[0]
    if ordered.whole and _is_complete(media, first):
        return _complete_units(ordered, media, first)
    if picture is None:
        # Padding and descriptors without media give no bytes (edge case 82).
        picture = np.zeros(count, np.bool_)
        picture[media.slice_packet] = True
        shown = np.logical_or.reduceat(picture, first)
    else:
        shown = np.logical_or.reduceat(picture, first)
        if not shown.all():
            first = first[np.concatenate(([True], shown[:-1]))]
            shown = np.logical_or.reduceat(picture, first)
    last = np.append(first[1:], count) - 1
    lost = ordered.lost_before[:-1] > 0
    damaged = np.where(changes, ~media.head, lost) | media.broken
    whole = ordered.packets.marker[last] | (ordered.lost_before[last + 1] == 0)
    return Units(
        first=np.append(first, count),
        # The picture's own time: where parameter sets came before it, that of its last packet.
        timestamp=ordered.timestamp[last],
        whole=whole & ~np.logical_or.reduceat(damaged, first) if damaged.any() else whole,
        keyframe=np.logical_or.reduceat(media.keyframe, first),
        after_loss=np.logical_or.reduceat(lost & changes, first),
        shown=shown,
    )


def _is_complete(media: Media, first: NDArray[np.int64]) -> bool:
    """Whether every packet is sound, and every unit, beginning with these, has a picture."""
    if media.plain or media.picture is None:
        return media.plain
    shown = np.logical_or.reduceat(media.picture, first)
    return np.count_nonzero(shown) == len(first) and not np.count_nonzero(media.broken)


def _complete_units(ordered: Ordered, media: Media, first: NDArray[np.int64]) -> Units:
    """The same where nothing is missing: but for the heads of the units all is there."""
    count = len(first)
    return Units(
        first=np.append(first, ordered.packets.count),
        timestamp=ordered.timestamp[first],
        whole=media.head[first],
        keyframe=np.logical_or.reduceat(media.keyframe, first),
        after_loss=np.zeros(count, np.bool_),
        shown=np.ones(count, np.bool_),
    )


class AudioAssembler:
    """Every valid packet of sound is a frame.

    Args:
        codec: of the stream.
        level_id: id of the audio level among its header extensions, if it has one.
    """

    sizes: list[PictureSize] = []  # noqa: RUF012  # nothing is ever added
    configuration = b""

    def __init__(self, codec: AudioCodec, level_id: int | None = None) -> None:
        self._codec = codec
        self._level_id = level_id
        self.loudness = LoudnessMeter(codec.clock_rate)
        """What its packets say of their level."""
        self.left_out = 0

    def push(self, ordered: Ordered) -> Frames:
        """The packets that a decoder takes, with the time they play."""
        packets = ordered.packets
        duration = self._codec.durations(
            packets.buffer, packets.payload_offset, packets.payload_length
        )
        if self._level_id is not None:
            self._measure(ordered, duration, self._level_id)
        frames = Frames(
            timestamp=ordered.timestamp,
            duration=duration,
            keyframe=np.ones(packets.count, np.bool_),
            after_loss=ordered.lost_before[:-1] > 0,
            rotation=np.zeros(packets.count, np.int16),
            first_slice=np.arange(packets.count + 1),
            slice_offset=packets.payload_offset,
            slice_length=packets.payload_length,
            buffer=packets.buffer,
        )
        valid = duration > 0
        self.left_out += packets.count - int(np.count_nonzero(valid))
        return frames.take(valid)

    def _measure(self, ordered: Ordered, duration: NDArray[np.int64], level_id: int) -> None:
        """Note the levels; a redundant copy has none, but that of the packet that brought it."""
        packets = ordered.packets
        levels = read_audio_levels(packets.buffer, *element(packets, level_id))
        levels.level[packets.restored] = ABSENT
        self.loudness.add(ordered.timestamp, duration, levels)
