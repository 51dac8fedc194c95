"""What an import has gathered of each track, and the manifests that commit it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from isotrack.pipeline.ports import ObjectExists, ObjectStore
from isotrack.pipeline.sealing import TrackSealer
from isotrack.recording import keys
from isotrack.recording.announced import AnnouncedTrack, AnnouncedTracks
from isotrack.recording.errors import Conflict
from isotrack.recording.manifest import CapturedTrack, Manifest, SealReason
from isotrack.recording.tracks import Call, Layer, ParticipantSession, Track
from isotrack.rtp.packet import Packets

AGENT_ID = "isotrack-import"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class GatheredTrack:
    """One announced track while its packets are gathered."""

    def __init__(self, announced: AnnouncedTrack, sealer: TrackSealer) -> None:
        self.announced = announced
        self.sealer = sealer
        self.packets = 0
        self.first_us: int | None = None
        self._seen: Counter[tuple[int, int]] = Counter()  # by payload type and SSRC

    def note(self, packets: Packets) -> None:
        """Count packets of it."""
        self.packets += packets.count
        first_us = int(packets.arrival_us.min())
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        kinds = packets.payload_type.astype(np.int64) << 32 | packets.ssrc
        for kind, count in zip(*np.unique(kinds, return_counts=True), strict=True):
            self._seen[int(kind) >> 32, int(kind) & 0xFFFFFFFF] += int(count)

    def track(self) -> Track:
        """The track as a manifest says it."""
        said = self.announced
        payload_type = said.payload_type if said.payload_type is not None else self._most_sent()
        media = {payload_type, said.red.payload_type if said.red else payload_type}
        seen = {ssrc for kind, ssrc in self._seen if kind in media} - said.repair_ssrcs
        layers = said.layers or tuple(
            Layer(ssrc=ssrc) for ssrc in (said.ssrc if len(said.ssrc) > 1 else ())
        )
        known = said.ssrc[0] if len(said.ssrc) == 1 else None
        # An SSRC that took the place of the one announced is found by the payload type.
        ssrc = known if not layers and seen <= {known} else None
        return Track(
            track_id=said.track_id or "",
            track_type=said.track_type,
            mime_type=said.mime_type,
            payload_type=payload_type,
            clock_rate=said.clock_rate,
            channels=said.channels,
            fmtp=said.fmtp,
            ssrc=ssrc,
            header_extensions=said.header_extensions,
            rtx=said.rtx,
            red=said.red,
            fec=said.fec,
            layers=layers,
            announced_at=said.announced_at or _time(self.first_us or 0),
            withdrawn_at=said.withdrawn_at,
        )

    def _most_sent(self) -> int:
        sent: Counter[int] = Counter()
        for (payload_type, ssrc), count in self._seen.items():
            sent[payload_type] += count if ssrc in self.announced.media_ssrcs else 0
        return max(sent, key=lambda kind: sent[kind], default=0)


def commit(
    announced: AnnouncedTracks, tracks: Sequence[GatheredTrack], store: ObjectStore
) -> Iterator[str]:
    """Write the announcements of tracks, then the manifest of each participant session."""
    first = min(t.first_us for t in tracks if t.first_us is not None)
    last = max(chunk.last_arrival_us for t in tracks for chunk in t.sealer.chunks)
    sessions: dict[str, list[GatheredTrack]] = {}
    for track in tracks:
        if track.packets:  # a track of which nothing came, or RTCP only, is none (edge case 56)
            sessions.setdefault(session_prefix(announced, track.announced), []).append(track)
    for prefix, members in sessions.items():
        captured = [
            CapturedTrack(track=member.track(), chunks=tuple(member.sealer.chunks))
            for member in members
        ]
        for one in captured:
            key = keys.track_json(prefix, one.track.track_id)
            store.put(key, one.track.model_dump_json().encode(), content_type="application/json")
        manifest = Manifest(
            call=_call(announced),
            call_session_id=announced.call_session_id or announced.call_id,
            egress_id=announced.egress_id,
            recording_started_at=announced.recording_started_at or _time(first),
            participant=_participant(members),
            tracks=tuple(captured),
            output_types=announced.output_types,
            sealed_at=_time(last),
            reason=SealReason.CALL_ENDED,
            agent_id=AGENT_ID,
        )
        try:
            body = manifest.model_dump_json().encode()
            store.create(keys.manifest(prefix), body, content_type="application/json")
        except ObjectExists as error:
            raise Conflict(f"{error}: import into another folder") from error
        yield keys.manifest(prefix)


def _participant(members: Sequence[GatheredTrack]) -> ParticipantSession:
    first_us = min(member.first_us or 0 for member in members)
    said = [m.announced.joined_at for m in members if m.announced.joined_at is not None]
    return ParticipantSession(
        user_id=members[0].announced.user_id,
        user_session_id=members[0].announced.user_session_id,
        joined_at=min(said, default=_time(first_us)),
    )


def _time(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _call(announced: AnnouncedTracks) -> Call:
    return Call(call_type=announced.call_type, call_id=announced.call_id)


def session_prefix(announced: AnnouncedTracks, track: AnnouncedTrack) -> str:
    """The folder of the participant session that a track is of, ending in a slash."""
    return keys.session_prefix(_call(announced), announced.egress_id, track.user_session_id)
