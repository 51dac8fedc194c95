"""One participant playing their part: frames, packets and announcements, in the call's time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from infra.local.demo.announcing import REFRESH_SECONDS, Announcer
from infra.local.demo.clocks import CallClock, DeviceClock
from infra.local.demo.network import LOCALHOST, Line, Pacer
from infra.local.demo.part import Notice, Part
from infra.local.demo.scenario import (
    Action,
    Join,
    Leave,
    Mute,
    Publish,
    Rotate,
    Unmute,
    Unpublish,
)
from infra.local.demo.sending import MID_EXTENSION_ID, MID_URI, RtpSender
from infra.local.demo.sources import Camera, Microphone, Source
from isotrack.recording.tracks import TrackType

AHEAD_US = 300_000
"""Frames are made this much before they are due (real time)."""

_PAYLOAD_TYPES = {"opus": 111, "vp8": 96, "h264": 102}
_FMTP = {
    "opus": {"minptime": "10", "useinbandfec": "1", "stereo": "1"},
    "vp8": {},
    "h264": {
        "level-asymmetry-allowed": "1",
        "packetization-mode": "1",
        "profile-level-id": "42e01f",
    },
}
_REPORT_INTERVAL_US = 1_000_000


class LiveTrack:
    """A published track: its source, its sender, its line, and whether it is muted."""

    def __init__(self, source: Source, sender: RtpSender, line: Line, track_id: str) -> None:
        self.source, self.sender, self.line, self.track_id = source, sender, line, track_id
        self.muted = False
        self._report_due_us = 0

    def play(self, pacer: Pacer, device: DeviceClock) -> None:
        """Make the next frame and have it sent when it is due."""
        due_us, ticks = self.source.due_us(), self.source.rtp_ticks()
        ticks_when_due = self.source.rtp_ticks_when_due()
        if self.muted:
            self.source.skip()
            return
        if self.line.keyframe_wanted():
            self.source.want_keyframe()
        packets = self.sender.packets(self.source.take(), ticks)
        for arrival_us, packet in self.line.arrivals(packets, due_us):
            pacer.at(arrival_us, partial(self.line.send_rtp, packet))
        if due_us >= self._report_due_us:
            self._report_due_us = due_us + _REPORT_INTERVAL_US
            report = self.sender.report(device.wall_us(due_us), ticks_when_due)
            pacer.at(self.line.arrival_us(due_us), partial(self.line.send_rtcp, report))


class Performance:
    """Plays one part from join to leave."""

    def __init__(self, part: Part) -> None:
        self._part = part
        person = part.participant
        self._clock = CallClock(part.zero_unix_ns, part.speed)
        self._device = DeviceClock(
            part.zero_unix_ns // 1_000,
            offset_ms=person.clock_offset_ms,
            drift_ppm=person.clock_drift_ppm,
        )
        self._pacer = Pacer(self._clock)
        self._announcer = Announcer(
            part.control_url, part.call, person.user_session_id, person.user_id
        )
        self._signaling = ThreadPoolExecutor(1, thread_name_prefix="signaling")
        self._signals: list[Future[None]] = []
        self._tracks: dict[TrackType, LiveTrack] = {}
        self._lines: list[Line] = []

    def run(self) -> None:
        """Play, in the time of the call, and return when all is sent and withdrawn."""
        stopped = threading.Event()
        refresher = threading.Thread(target=self._refresh, args=(stopped,), daemon=True)
        refresher.start()
        for action in self._part.participant.actions:
            self._play_until(action.at_ms * 1_000)
            self._await(action.at_ms * 1_000)
            self._act(action)
        self._pacer.finish()
        stopped.set()
        refresher.join()
        self._signaling.shutdown()
        for signaled in self._signals:
            signaled.result()
        self._tell("done", self._part.participant.left_ms)
        for line in self._lines:
            line.close()

    def _play_until(self, call_us: int) -> None:
        while self._tracks:
            track = min(self._tracks.values(), key=lambda track: track.source.due_us())
            if track.source.due_us() >= call_us:
                return
            self._await(track.source.due_us())
            track.play(self._pacer, self._device)

    def _await(self, call_us: int) -> None:
        self._clock.sleep_until(call_us - int(AHEAD_US * self._part.speed))

    def _act(self, action: Action) -> None:
        did: str = action.do
        match action:
            case Join():
                self._announcer.join()
            case Publish():
                self._publish(action)
                did = f"publish {action.track} ({action.codec})"
            case Mute(track=track):
                self._tracks[track].muted = True
            case Unmute(track=track):
                self._tracks[track].muted = False
            case Rotate(track=track):
                self._tracks[track].source.turn()
            case Unpublish(track=track):
                ended = self._tracks.pop(track)
                withdraw = partial(self._announcer.withdraw, ended.track_id)
                self._signal_at(action.at_ms, withdraw)
            case Leave():
                self._tracks.clear()
                self._signal_at(action.at_ms, self._announcer.leave)
        if isinstance(action, Mute | Unmute | Rotate | Unpublish):
            did = f"{action.do} {action.track}"
        self._pacer.at(action.at_ms * 1_000, partial(self._tell, did, action.at_ms))

    def _publish(self, publish: Publish) -> None:
        person = self._part.participant
        track_id = f"{publish.track}-{len(self._lines)}"
        seed = f"{person.seed}/{track_id}"
        source = self._source(publish)
        sender = RtpSender(
            payload_type=_PAYLOAD_TYPES[publish.codec],
            clock_rate=source.clock_rate,
            mid=str(len(self._lines)),
            cname=person.user_id,
            seed=seed,
        )
        line = Line(person.link, seed=seed)
        self._lines.append(line)
        self._announcer.publish(track_id, _announcement(publish, sender, source, line), line)
        self._tracks[publish.track] = LiveTrack(source, sender, line, track_id)

    def _source(self, publish: Publish) -> Source:
        person = self._part.participant
        shared = publish.track.source == "screenshare"
        if publish.track.kind == "audio":
            beep_hz = person.beep_hz * 3 // 2 if shared else person.beep_hz
            return Microphone(self._device, publish, beep_hz=beep_hz)
        name = f"{person.user_id} screen" if shared else person.user_id
        color = random.Random(f"{name} {person.seed}").randrange(1 << 16)
        return Camera(self._device, publish, name=name, color=color)

    def _signal_at(self, at_ms: int, say: Callable[[], None]) -> None:
        """Say it to the agent once all that was sent before has arrived."""
        after_us = at_ms * 1_000 + self._part.participant.link.delay_ms * 1_000
        self._pacer.at(after_us, partial(self._signal, say))

    def _signal(self, say: Callable[[], None]) -> None:
        """Say it in the background: the agent's answer must hold up no packet."""
        self._signals.append(self._signaling.submit(say))

    def _refresh(self, stopped: threading.Event) -> None:
        while not stopped.wait(REFRESH_SECONDS):
            self._signal(self._announcer.refresh)

    def _tell(self, did: str, at_ms: int) -> None:
        notice = Notice(
            user_id=self._part.participant.user_id,
            at_ms=at_ms,
            did=did,
            packets_sent=sum(line.packets_sent for line in self._lines),
            latest_ms=self._pacer.latest_ms,
        )
        print(notice.model_dump_json(), flush=True)


def _announcement(
    publish: Publish, sender: RtpSender, source: Source, line: Line
) -> dict[str, Any]:
    return {
        "track_type": publish.track,
        "mime_type": f"{publish.track.kind}/{publish.codec}",
        "payload_type": _PAYLOAD_TYPES[publish.codec],
        "clock_rate": source.clock_rate,
        "channels": 2 if publish.codec == "opus" else 1,
        "ssrc": sender.ssrc,
        "fmtp": _FMTP[publish.codec],
        "header_extensions": {MID_URI: MID_EXTENSION_ID},
        "feedback": {"host": LOCALHOST, "port": line.port},
    }
