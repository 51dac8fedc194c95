"""Which track of a capture a packet belongs to.

As BUNDLE has it (RFC 8843 section 9.2): an SSRC that was announced is its track's; else the MID in
a header extension tells, and is remembered for the SSRC (edge cases 18, 19, 21); else the payload
type, where only one track can have it. What could be of two tracks is of none (edge case 20).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from isotrack.recording.announced import AnnouncedTrack
from isotrack.rtp.datagrams import Flow
from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets

MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"

NO_TRACK = -1


class Matcher:
    """Matches the packets of one file.

    Args:
        tracks: all that are announced.
        path: of the file.
        flows: of the file, by number; may grow.
    """

    def __init__(self, tracks: Sequence[AnnouncedTrack], path: str, flows: Sequence[Flow]) -> None:
        self._tracks = tracks
        self._flows = flows
        self._here = [i for i, track in enumerate(tracks) if track.matches_file(path)]
        self._bound: dict[tuple[int, int], int] = {}
        self._mid_ids = sorted({e for i in self._here if (e := _mid_id(tracks[i]))})
        self.unmatched: Counter[str] = Counter()
        """Packets of no track, by reason: `ambiguous` or `unannounced`."""

    def track_of_ssrc(self, ssrc: int) -> int:
        """The track that an SSRC is known to belong to, for RTCP; `NO_TRACK` if none."""
        known = (track for (_, bound), track in self._bound.items() if bound == ssrc)
        announced = (i for i in self._here if ssrc in _ssrcs(self._tracks[i]))
        return next(known, next(announced, NO_TRACK))

    def match(self, packets: Packets, flow: NDArray[np.int64]) -> NDArray[np.int64]:
        """The track of each packet, by index; `NO_TRACK` of those that are of none."""
        tracks = np.full(packets.count, NO_TRACK, np.int64)
        keys = flow << 40 | packets.ssrc.astype(np.int64) << 8 | packets.payload_type
        mids = self._mids(packets)
        keys, groups = np.unique(keys >> 8, return_inverse=True)
        for group in range(len(keys)):
            rows = np.flatnonzero(groups == group)
            self._match_source(packets, flow, rows, mids, tracks)
        return tracks

    def _match_source(
        self,
        packets: Packets,
        flow: NDArray[np.int64],
        rows: NDArray[np.int64],
        mids: dict[int, str],
        tracks: NDArray[np.int64],
    ) -> None:
        """Match the packets of one SSRC on one flow."""
        source = (int(flow[rows[0]]), int(packets.ssrc[rows[0]]))
        start = 0
        named = [(place, mids[row]) for place, row in enumerate(rows.tolist()) if row in mids]
        for place, mid in [*named, (len(rows), "")]:
            if place > start:
                self._match_run(packets, rows[start:place], source, tracks)
                start = place
            track = self._track_of_mid(mid, source[0]) if mid else NO_TRACK
            if track != NO_TRACK:
                self._bound[source] = track

    def _match_run(
        self,
        packets: Packets,
        rows: NDArray[np.int64],
        source: tuple[int, int],
        tracks: NDArray[np.int64],
    ) -> None:
        """Match packets of one SSRC between two MIDs."""
        if source in self._bound:
            tracks[rows] = self._bound[source]
            return
        for payload_type in np.unique(packets.payload_type[rows]).tolist():
            mine = rows[packets.payload_type[rows] == payload_type]
            # Probes before the media begins have SSRC 0 and nothing in them (edge case 17).
            empty = source[1] == 0 and not packets.payload_length[mine].any()
            found = [] if empty else self._candidates(source, payload_type)
            if len(found) == 1:
                tracks[mine] = self._bound[source] = found[0]
            else:
                self.unmatched["ambiguous" if found else "unannounced"] += mine.size
        if source in self._bound:  # what shares the SSRC shares its numbering (edge case 15)
            others = rows[tracks[rows] == NO_TRACK]
            tracks[others] = self._bound[source]
            self.unmatched["unannounced"] -= others.size

    def _candidates(self, source: tuple[int, int], payload_type: int) -> list[int]:
        """The tracks that a packet may be of, by its SSRC, else by its payload type."""
        flow, ssrc = source
        here = [i for i in self._here if self._tracks[i].matches_flow(*self._flows[flow][:2])]
        announced = [i for i in here if ssrc in _ssrcs(self._tracks[i])]
        return announced or [
            i for i in here if payload_type in _open_payload_types(self._tracks[i])
        ]

    def _track_of_mid(self, mid: str, flow: int) -> int:
        ends = self._flows[flow][:2]
        found = (i for i in self._here if self._tracks[i].mid == mid)
        return next((i for i in found if self._tracks[i].matches_flow(*ends)), NO_TRACK)

    def _mids(self, packets: Packets) -> dict[int, str]:
        """The MIDs there are, by packet."""
        found: dict[int, str] = {}
        for identifier in self._mid_ids:
            offset, length = element(packets, identifier)
            for row in np.flatnonzero(offset >= 0).tolist():
                at = int(offset[row])
                text = packets.buffer[at : at + int(length[row])].tobytes()
                found.setdefault(row, text.decode("utf-8", "replace"))
        return found


def _mid_id(track: AnnouncedTrack) -> int | None:
    return track.header_extensions.get(MID_URI) if track.mid is not None else None


def _ssrcs(track: AnnouncedTrack) -> frozenset[int]:
    return track.media_ssrcs | track.repair_ssrcs


def _open_payload_types(track: AnnouncedTrack) -> set[int]:
    """The payload types whose SSRC is not announced: any that sends them may be the track's."""
    found: set[int] = set()
    if not track.media_ssrcs:
        found |= {track.payload_type} if track.payload_type is not None else set()
        found |= {track.red.payload_type} if track.red else set()
    rtx_known = any(layer.rtx_ssrc is not None for layer in track.layers)
    if track.rtx and track.rtx.ssrc is None and not rtx_known:
        found.add(track.rtx.payload_type)
    if track.fec and track.fec.ssrc is None:
        found.add(track.fec.payload_type)
    return found
