"""A journal with a call that is recorded, and segments for its takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from capture_agent import spool
from capture_agent.announcements import TrackAnnouncement
from capture_agent.entries import (
    CallAnnounced,
    RecordingStarted,
    SessionAnnounced,
    TakeStarted,
    TrackAnnounced,
)
from capture_agent.journal import Journal
from capture_agent.state import Ports
from isotrack.recording.agents import DesiredEgress
from isotrack.recording.tracks import Call, ParticipantSession, Track
from tests.capture_agent.agents import VP8

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
ARRIVAL_NS = 1_795_341_600_000_000_000
CALL = Call(call_type="default", call_id="c1")
NAME = {"call": CALL, "call_session_id": "cs"}
ALICE = ParticipantSession(user_id="alice", user_session_id="s1", joined_at=AT)
PREFIX = "raw/default/c1/e1/s1"
DESIRED = DesiredEgress(**NAME, egress_id="e1", started_at=AT, output_types=())


def publish(journal: Journal, track_id: str) -> Track:
    """Alice publishes."""
    body = TrackAnnouncement(**VP8)
    described = body.model_dump(exclude={"rtcp_mux", "feedback"})
    track = Track(track_id=track_id, announced_at=AT, **described)
    ports = Ports(rtp=4000 + journal.state.next_take, rtcp=None)
    journal.write(
        TrackAnnounced(**NAME, user_session_id="s1", track=track, announcement=body, ports=ports)
    )
    return track


def take(journal: Journal, track: Track, number: int) -> None:
    """The recording captures a track."""
    journal.write(
        TakeStarted(
            **NAME,
            egress_id="e1",
            user_session_id="s1",
            track=track,
            number=number,
            first_segment=1,
        )
    )


def recorded_journal(folder: Path) -> Journal:
    """Alice publishes t1, which recording e1 captures as take 1."""
    journal = Journal(folder / "journal.jsonl")
    journal.write(
        CallAnnounced(**NAME, started_at=AT),
        SessionAnnounced(**NAME, participant=ALICE),
        RecordingStarted(desired=DESIRED),
    )
    take(journal, publish(journal, "t1"), 1)
    return journal


def write_segment(folder: Path, number: int, *records: tuple[int, bytes]) -> Path:
    """A closed segment of (take, datagram)."""
    head = np.zeros(1, spool.BATCH)
    head["magic"], head["records"] = spool.MAGIC, len(records)
    head["payload_bytes"] = sum(len(datagram) for _, datagram in records)
    headers = np.array(
        [(ARRIVAL_NS + n, take, 0, len(data), 0) for n, (take, data) in enumerate(records)],
        spool.HEADER,
    )
    path = spool.path(folder, number)
    path.write_bytes(head.tobytes() + headers.tobytes() + b"".join(data for _, data in records))
    return path
