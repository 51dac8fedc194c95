"""What must hold of anything that was read, whatever it was read from."""

from __future__ import annotations

import numpy as np

from isotrack.codecs.media import Layering, Media
from isotrack.media.frames import Frames
from isotrack.rtp.datagrams import Datagrams
from isotrack.rtp.packet import Packets
from isotrack.rtp.records import FIXED_HEADER, Records


def inside(buffer: np.ndarray, offset: np.ndarray, length: np.ndarray) -> None:
    """Every stretch lies in the buffer."""
    assert offset.shape == length.shape
    assert (length >= 0).all()
    assert (offset >= 0).all()
    assert (offset + length <= buffer.size).all()


def sound_records(records: Records) -> None:
    """All columns are as long, and every packet is in the buffer."""
    count = records.offset.size
    assert {column.size for column in (*records[1:5], *records.headers)} == {count}
    inside(records.buffer, records.offset, records.length)
    # Records follow each other: no byte is of two packets.
    assert (records.offset[1:] >= records.offset[:-1] + records.length[:-1]).all()
    end = records.headers.payload_offset.astype(np.int64) + records.headers.payload_length
    assert (end <= records.length).all()


def sound_packets(packets: Packets) -> None:
    """All columns are as long, and headers and payloads are in the buffer."""
    assert {column.size for column in packets[1:]} == {packets.count}
    inside(packets.buffer, packets.payload_offset, packets.payload_length)
    inside(packets.buffer, packets.packet_offset, np.full(packets.count, FIXED_HEADER))
    assert (packets.payload_type < 128).all()


def sound_datagrams(datagrams: Datagrams, flows: int) -> None:
    """All columns are as long, every packet is in the buffer and of a flow that there is."""
    assert {column.size for column in datagrams[1:]} == {datagrams.count}
    inside(datagrams.buffer, datagrams.offset, datagrams.length)
    assert ((datagrams.flow >= 0) & (datagrams.flow < flows)).all()
    assert (datagrams.length > 0).all()


def sound_media(media: Media, packets: Packets) -> None:
    """Slices lie in the buffer, in the order of their packets, and are no more than came."""
    count = packets.count
    assert media.head.size == media.broken.size == media.keyframe.size == count
    assert media.slice_packet.size == media.slice_offset.size
    inside(media.buffer, media.slice_offset, media.slice_length)
    assert (media.slice_length >= 1).all()
    assert (np.diff(media.slice_packet) >= 0).all()
    if media.slice_packet.size:
        assert media.slice_packet[0] >= 0
        assert media.slice_packet[-1] < count
    # A length, a start code or a size for each unit, and never a payload twice.
    came = int(packets.payload_length.sum())
    assert int(media.slice_length.sum()) <= 8 * came + 64 * count
    if media.layering is not None:
        sound_layering(media.layering, count)


def sound_layering(layering: Layering, count: int) -> None:
    """A row for each packet."""
    assert {len(column) for column in layering} == {count}


def sound_frames(frames: Frames) -> None:
    """Slices lie in the buffer, each of one frame."""
    count = frames.count
    rows = (frames.duration, frames.keyframe, frames.after_loss, frames.rotation)
    assert {column.size for column in rows} <= {count}
    assert frames.first_slice.size == count + 1
    assert (np.diff(frames.first_slice) >= 1).all()
    assert frames.first_slice[0] == 0
    assert frames.first_slice[-1] == frames.slice_offset.size
    inside(frames.buffer, frames.slice_offset, frames.slice_length)
    assert (frames.duration >= 0).all()
