"""What a participant's process is told on standard input, and what it tells on standard output."""

from __future__ import annotations

from infra.local.demo.scenario import Participant
from isotrack.recording.tracks import Call, Frozen

READY = "ready"
"""The first line of a participant's process: it waits for its part."""


class Part(Frozen):
    """All that a participant's process must know."""

    call: Call
    participant: Participant
    control_url: str
    zero_unix_ns: int
    speed: float = 1.0


class Notice(Frozen):
    """What a participant just did, or how it went when they are done."""

    user_id: str
    at_ms: int
    did: str
    packets_sent: int = 0
    latest_ms: int = 0
