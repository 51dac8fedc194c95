"""A microphone and a camera: each gives the RTP payloads of one frame after another, encoded live.

A source counts its frames from the beginning of the call. A frame is due, and sent, as soon as it
can exist: a picture when it is taken, a packet of sound when its last sample was heard. Whatever
else delays a packet is the link's.
"""

from __future__ import annotations

import random
from typing import Protocol

import numpy as np

from infra.local.demo.clocks import DeviceClock
from infra.local.demo.picture import Painter
from infra.local.demo.scenario import Publish
from infra.local.demo.sound import beeps
from isotrack.adapters.ffmpeg import (
    AUDIO_FRAME_SAMPLES,
    AUDIO_RATE_HZ,
    AudioEncoder,
    VideoEncoder,
)
from isotrack.codecs import h264, vp8

MAX_PAYLOAD = 1_150
"""Bytes of an RTP payload: with all headers it stays under the 1,200 that browsers keep to."""

VIDEO_RATE_HZ = 90_000
KEYFRAME_INTERVAL_US = 5_000_000

_SECOND_US = 1_000_000


class Source(Protocol):
    """Where the frames of a track come from."""

    @property
    def clock_rate(self) -> int:
        """Ticks of RTP time in a second (Hz)."""

    def due_us(self) -> int:
        """The time of the call at which the next frame is complete."""

    def rtp_ticks(self) -> int:
        """RTP time of the next frame, not yet offset and not wrapped."""

    def rtp_ticks_when_due(self) -> int:
        """RTP time at the moment at which the next frame is complete."""

    def skip(self) -> None:
        """Let the next frame pass unseen: the track is muted."""

    def take(self) -> list[bytes]:
        """Take and encode the next frame: its RTP payloads in order."""

    def want_keyframe(self) -> None:
        """Make the next frame one that can be decoded on its own."""

    def turn(self) -> None:
        """The device is turned by a quarter."""


class Microphone:
    """Opus, one packet of 20 ms after another, counted on the device's own clock."""

    clock_rate = AUDIO_RATE_HZ

    def __init__(self, device: DeviceClock, publish: Publish, *, beep_hz: int) -> None:
        self._device = device
        self._beep_hz = beep_hz
        self._encoder = AudioEncoder(bitrate_bps=min(publish.bitrate_bps, 64_000))
        own_us = device.own_us(publish.at_ms * 1_000)
        self._sample = (
            -(-own_us * AUDIO_RATE_HZ // (_SECOND_US * AUDIO_FRAME_SAMPLES)) * AUDIO_FRAME_SAMPLES
        )

    def due_us(self) -> int:
        """The time at which the last sample of the next packet has been heard."""
        return int(self._device.call_us(self.rtp_ticks_when_due() * _SECOND_US / AUDIO_RATE_HZ))

    def rtp_ticks(self) -> int:
        """The number of its first sample."""
        return self._sample

    def rtp_ticks_when_due(self) -> int:
        """The number of the sample after its last."""
        return self._sample + AUDIO_FRAME_SAMPLES

    def skip(self) -> None:
        """Let 20 ms pass."""
        self._sample += AUDIO_FRAME_SAMPLES

    def take(self) -> list[bytes]:
        """One packet of 20 ms: beeps and silence."""
        numbers = np.arange(self._sample, self._sample + AUDIO_FRAME_SAMPLES, dtype=np.float64)
        own_us = numbers * _SECOND_US / AUDIO_RATE_HZ
        drift = self._device.call_us(1.0)
        self._sample += AUDIO_FRAME_SAMPLES
        return [self._encoder.encode(beeps(own_us * drift, self._beep_hz))]

    def want_keyframe(self) -> None:
        """Every Opus packet can be decoded on its own: nothing to do."""

    def turn(self) -> None:
        """Sound has no orientation: nothing to do."""


class Camera:
    """VP8 or H.264 pictures of a moving clock, taken on whole frame times of the call.

    A keyframe comes first, after a turn, when wanted, and every five seconds.
    """

    clock_rate = VIDEO_RATE_HZ

    def __init__(self, device: DeviceClock, publish: Publish, *, name: str, color: int) -> None:
        self._device = device
        self._publish = publish
        self._name, self._color = name, color
        self._frame = -(-publish.at_ms * publish.fps // 1_000)
        self._picture_id = random.Random(color).randrange(1 << 15)
        self._open(publish.width, publish.height)

    def _open(self, width: int, height: int) -> None:
        codec = self._publish.codec
        assert codec != "opus"  # the scenario's own rule: a picture has a picture codec
        self._size = width, height
        self._painter = Painter(self._name, width, height, color=self._color)
        self._encoder = VideoEncoder(
            codec, width, height, fps=self._publish.fps, bitrate_bps=self._publish.bitrate_bps
        )
        self._keyframe_due_us = 0

    def due_us(self) -> int:
        """The time at which the next picture is taken."""
        return self._frame * _SECOND_US // self._publish.fps

    def rtp_ticks(self) -> int:
        """The device's count of that time."""
        return self._device.own_us(self.due_us()) * VIDEO_RATE_HZ // _SECOND_US

    def rtp_ticks_when_due(self) -> int:
        """The same: a picture takes no time."""
        return self.rtp_ticks()

    def skip(self) -> None:
        """Let a picture pass; the next one taken is a keyframe."""
        self._frame += 1
        self.want_keyframe()

    def take(self) -> list[bytes]:
        """One picture, encoded and cut to packets."""
        now_us = self.due_us()
        keyframe = now_us >= self._keyframe_due_us
        if keyframe:
            self._keyframe_due_us = now_us + KEYFRAME_INTERVAL_US
        frame = self._encoder.encode(self._painter.paint(now_us), keyframe=keyframe)
        self._frame += 1
        if self._publish.codec == "h264":
            return h264.packetize(h264.split_annexb(frame), MAX_PAYLOAD)
        self._picture_id = (self._picture_id + 1) % (1 << 15)
        return vp8.packetize(frame, self._picture_id, MAX_PAYLOAD)

    def want_keyframe(self) -> None:
        """The next picture is a keyframe."""
        self._keyframe_due_us = 0

    def turn(self) -> None:
        """Width and height change places, and a new encoder begins."""
        width, height = self._size
        self._open(height, width)
