"""Changes to the slices of `Media`: left out, begun anew, followed by bytes of no packet."""

from __future__ import annotations

import numpy as np

from isotrack.codecs.media import Media

_BEFORE, _ITSELF, _BEHIND = range(3)


class SliceEditor:
    """Edits the slices of runs of packets; each run is given by its first and its last packet.

    New bytes go behind a copy of the packets' buffer, which is never written to.
    """

    def __init__(self, media: Media) -> None:
        self._media = media
        self._offset = media.slice_offset.copy()
        self._length = media.slice_length.copy()
        packets = np.arange(media.head.size + 1)
        self._first_slice: list[int] = np.searchsorted(media.slice_packet, packets).tolist()
        self._added = bytearray()
        self._places: list[tuple[int, int, int, int]] = []
        """Packet, before or behind it, offset and length of new bytes."""

    def start(self, first: int, last: int, count: int) -> bytes:
        """The first bytes of a run, `count` or as many as there are."""
        found = b""
        for i in self._slices(first, last):
            at = int(self._offset[i])
            end = at + min(int(self._length[i]), count - len(found))
            found += self._media.buffer[at:end].tobytes()
            if len(found) == count:
                break
        return found

    def size(self, first: int, last: int) -> int:
        """Bytes of a run in the packets."""
        run = self._slices(first, last)
        return int(self._length[run.start : run.stop].sum())

    def drop(self, first: int, last: int) -> None:
        """Leave a run out."""
        run = self._slices(first, last)
        self._length[run.start : run.stop] = 0

    def replace(self, first: int, last: int, count: int, start: bytes) -> None:
        """Put other bytes in the place of the first `count` of a run."""
        for i in self._slices(first, last):
            cut = min(count, int(self._length[i]))
            self._offset[i] += cut
            self._length[i] -= cut
            count -= cut
        self._add(first, _BEFORE, start)

    def append(self, packet: int, end: bytes) -> None:
        """Put bytes behind those of a packet."""
        self._add(packet, _BEHIND, end)

    def finish(self) -> Media:
        """The media with its slices changed."""
        media = self._media
        kept = np.flatnonzero(self._length)
        packet, offset, length = media.slice_packet[kept], self._offset[kept], self._length[kept]
        if not self._places:
            return media._replace(slice_packet=packet, slice_offset=offset, slice_length=length)
        added = np.array(self._places, np.int64).T
        packets = np.concatenate((packet, added[0]))
        rank = np.concatenate((np.full(packet.size, _ITSELF), added[1]))
        order = np.lexsort((rank, packets))
        return media._replace(
            buffer=np.concatenate((media.buffer, np.frombuffer(self._added, np.uint8))),
            slice_packet=packets[order],
            slice_offset=np.concatenate((offset, added[2]))[order],
            slice_length=np.concatenate((length, added[3]))[order],
        )

    def _slices(self, first: int, last: int) -> range:
        return range(self._first_slice[first], self._first_slice[last + 1])

    def _add(self, packet: int, place: int, written: bytes) -> None:
        at = self._media.buffer.size + len(self._added)
        self._places.append((packet, place, at, len(written)))
        self._added += written
