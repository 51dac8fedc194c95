"""Which SSRC of retransmissions belongs to which media: as announced, or as header extensions tell.

Retransmissions have an SSRC of their own (RFC 4588 section 5.3), and signaling often does not name
it. Then it is tied by its `repaired-rid` and `mid` (RFC 8852, RFC 8843), or to the only media there
is at that time; what could be of two streams is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets
from isotrack.rtp.rtx import restore

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

MAX_SOURCES = 32
"""SSRCs of media, and as many pairs, that are remembered: a sender of garbage has no more."""

_CURRENT_US = 2_000_000  # what was sent longer ago than this is not sent again
_NAMED_AT_FIRST = 256  # packets in which a sender that names its streams has done so


class RtxFormat(NamedTuple):
    """Retransmissions of a stream: what signaling said of them."""

    payload_type: int
    media_payload_type: int
    """What they stand for (`apt`): of the media, or of RED."""
    ssrc: int | None = None
    media_ssrc: int | None = None
    rid: str | None = None
    """Of the simulcast layer they belong to."""


@dataclass
class _Source:
    """An SSRC of media."""

    mid: bytes = b""
    rid: bytes = b""
    seen: int = 0
    newest_us: int = 0


class RtxPairing:
    """Restores the retransmissions of a track, chunk by chunk.

    Args:
        formats: what was announced: one for each payload type, SSRC or layer.
        extensions: ids of header extensions by URI.
    """

    def __init__(self, formats: Sequence[RtxFormat], extensions: Mapping[str, int]) -> None:
        self._formats = formats
        self._extensions = extensions
        self._media_type = {form.payload_type: form.media_payload_type for form in formats}
        self._is_rtx = np.zeros(128, np.bool_)
        self._is_rtx[list(self._media_type)] = True
        self._is_media = np.zeros(128, np.bool_)
        self._is_media[list(self._media_type.values())] = True
        self._sources: dict[int, _Source] = {}
        self._pairs: dict[tuple[int, int | None], tuple[int, int]] = {}
        for form in formats:
            if form.media_ssrc is not None:
                self._sources[form.media_ssrc] = _Source(rid=(form.rid or "").encode())
                if form.ssrc is not None:
                    pair = form.media_payload_type, form.media_ssrc
                    self._pairs[form.payload_type, form.ssrc] = pair
        self._announced = len(self._pairs)
        self.received = 0
        """Retransmissions, probes of padding alone not among them."""
        self.malformed = 0
        """Those too short to say what they stand for."""
        self.unpaired = 0
        """Those of an SSRC that could not be tied to one of media."""

    def restore(self, packets: Packets) -> Packets:
        """The packets, those sent again among them as they were at first."""
        self._learn_media(packets)
        is_rtx = self._is_rtx[packets.payload_type]
        if not is_rtx.any():
            return packets
        length = packets.payload_length[is_rtx]
        before = packets.count - length.size
        self._pair(packets, np.flatnonzero(is_rtx & (packets.payload_length >= 2)))
        restored = restore(packets, self._pairs)
        # A payload type with no pair at all is not `restore`'s to leave out.
        left = self._is_rtx[restored.payload_type]
        restored = restored.take(~left) if left.any() else restored
        self.received += int(np.count_nonzero(length))
        self.malformed += int(np.count_nonzero(length == 1))
        self.unpaired += int(np.count_nonzero(length > 1)) - (restored.count - before)
        return restored

    def _learn_media(self, packets: Packets) -> None:
        """Note who sends media, since when it has been known by which name, and until when."""
        for ssrc, rows in _by_ssrc(packets, np.flatnonzero(self._is_media[packets.payload_type])):
            source = self._sources.pop(ssrc, None) or _Source()
            self._sources[ssrc] = source  # the newest last
            if source.seen < _NAMED_AT_FIRST:
                source.mid = source.mid or self._name(packets, rows, MID)
                source.rid = source.rid or self._name(packets, rows, RID)
            source.seen += rows.size
            source.newest_us = int(packets.arrival_us[rows[-1]])
        for ssrc in list(self._sources)[:-MAX_SOURCES]:
            del self._sources[ssrc]

    def _pair(self, packets: Packets, rows: NDArray[np.int64]) -> None:
        """Tie the SSRCs of retransmissions that are new."""
        for payload_type, media_type in self._media_type.items():
            mine = rows[packets.payload_type[rows] == payload_type]
            for ssrc, sent in _by_ssrc(packets, mine):
                # SSRC 0 is that of bandwidth probes sent before there is media.
                if ssrc and (payload_type, ssrc) not in self._pairs:
                    media_ssrc = self._media_of(packets, sent, payload_type, ssrc)
                    if media_ssrc is not None:
                        self._pairs[payload_type, ssrc] = media_type, media_ssrc
        learned = list(self._pairs)[self._announced :]
        for pair in learned[:-MAX_SOURCES]:
            del self._pairs[pair]

    def _media_of(
        self, packets: Packets, rows: NDArray[np.int64], payload_type: int, ssrc: int
    ) -> int | None:
        """The SSRC whose packets these are, sent again; None if that cannot be told."""
        announced = [f for f in self._formats if (f.payload_type, f.ssrc) == (payload_type, ssrc)]
        rid = (announced[0].rid or "").encode() if announced else b""
        rid = rid or self._name(packets, rows, REPAIRED_RID)
        mid = self._name(packets, rows, MID)
        since_us = int(packets.arrival_us[rows[0]]) - _CURRENT_US
        current = {
            media_ssrc: source
            for media_ssrc, source in self._sources.items()
            if source.newest_us >= since_us and (not mid or source.mid in (b"", mid))
        }
        if rid:
            named = [each for each, source in current.items() if source.rid == rid]
            # Of two with one name the newer has taken the place of the other.
            if named:
                return named[-1]
            current = {each: source for each, source in current.items() if not source.rid}
        return next(iter(current)) if len(current) == 1 else None

    def _name(self, packets: Packets, rows: NDArray[np.int64], uri: str) -> bytes:
        """What the first packet says that has the header extension; empty if none does."""
        identifier = self._extensions.get(uri)
        if identifier is None:
            return b""
        offset, length = element(packets.take(rows[:_NAMED_AT_FIRST]), identifier)
        found = np.flatnonzero(length)[:1].tolist()
        return b"".join(packets.buffer[offset[i] :][: length[i]].tobytes() for i in found)


def _by_ssrc(packets: Packets, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The rows of each SSRC, as they first come; no more than `MAX_SOURCES` of them."""
    for _ in range(MAX_SOURCES):
        if not rows.size:
            return
        mine = packets.ssrc[rows] == packets.ssrc[rows[0]]
        yield int(packets.ssrc[rows[0]]), rows[mine]
        rows = rows[~mine]
