"""Who is in the calls that clients record: real media, until the test is done with them."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from pathlib import Path

from infra.local.demo.announcing import Announcer
from infra.local.demo.children import PublisherProcess
from infra.local.demo.part import Part
from infra.local.demo.scenario import Join, Leave, Participant, Publish
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Call, TrackType

LEAD_S = 0.3
FOREVER_MS = 120_000
"""Longer than any test needs them: they are told to leave."""


ANN = Participant(
    user_id="ann",
    user_session_id="ann-1",
    beep_hz=1_000,
    seed=21,
    actions=(
        Join(at_ms=0),
        Publish(at_ms=0, track=TrackType.AUDIO, codec="opus"),
        Publish(at_ms=0, track=TrackType.VIDEO, codec="vp8", width=160, height=90, fps=15),
        Publish(at_ms=0, track=TrackType.SCREENSHARE_AUDIO, codec="opus"),
        Publish(
            at_ms=0, track=TrackType.SCREENSHARE_VIDEO, codec="vp8", width=320, height=240, fps=5
        ),
        Leave(at_ms=FOREVER_MS),
    ),
)
"""Sends all that can be sent: files of all six kinds can be made of it."""

BEN = Participant(
    user_id="ben",
    user_session_id="ben-1",
    beep_hz=800,
    seed=22,
    actions=(
        Join(at_ms=0),
        Publish(at_ms=0, track=TrackType.AUDIO, codec="opus"),
        Leave(at_ms=FOREVER_MS),
    ),
)
"""Has no camera."""

FILES = frozenset({*(("ann", output) for output in OutputType), ("ben", OutputType.AUDIO_ONLY)})
"""What there is to record of Ann and Ben, when all six output types are asked for."""


class Gathering:
    """People in a call, each in a process of their own, sending until they leave."""

    def __init__(
        self, call: Call, people: Sequence[Participant], *, control_url: str, logs: Path
    ) -> None:
        self._call, self._people, self._control_url = call, people, control_url
        self._publishers = [
            PublisherProcess(person.user_id, queue.Queue(), logs / f"{person.user_session_id}.log")
            for person in people
        ]
        for publisher in self._publishers:
            publisher.wait_ready()
        zero_unix_ns = time.time_ns() + int(LEAD_S * 1e9)
        for person, publisher in zip(people, self._publishers, strict=True):
            publisher.play(
                Part(
                    call=call,
                    participant=person,
                    control_url=control_url,
                    zero_unix_ns=zero_unix_ns,
                )
            )

    def leave(self) -> None:
        """Everybody hangs up, and the SFU, which tells its agent of each, closes the call."""
        for publisher in self._publishers:
            publisher.stop()
        sessions = [(person.user_session_id, person.user_id) for person in self._people]
        announcers = [Announcer(self._control_url, self._call, *ids) for ids in sessions]
        for announcer in announcers:
            announcer.leave()
        announcers[0].end_call()
