"""The codecs that are measured, each as WebRTC uses it."""

from __future__ import annotations

from typing import NamedTuple

WIDTH, HEIGHT, FPS = 1280, 720, 30
BIT_RATE = 2_000_000
GOP_S = 10
"""Seconds from keyframe to keyframe: recorders of calls ask for one about so often."""


class Codec(NamedTuple):
    """A codec as WebRTC uses it: the encoder that makes it, and its words in SDP (RFC 8866)."""

    name: str
    """As in a mime type, lower case."""
    kind: str
    encoder: str
    options: dict[str, str]
    payload_type: int
    clock_rate: int
    channels: int
    ticks: int
    """Of the RTP clock, from frame to frame."""
    loop_s: int = 60
    """Seconds that are encoded; they are repeated for as long as an input is."""

    @property
    def ssrc(self) -> int:
        """Of its stream."""
        return 0x1501 if self.kind == "video" else 0x1502

    @property
    def picture_id_at(self) -> int | None:
        """Where in its payloads pictures are counted, in 15 bits below a bit that is set."""
        return {"vp8": 2, "vp9": 1}.get(self.name)


class Frame(NamedTuple):
    """An encoded frame or packet of sound."""

    data: bytes
    keyframe: bool


_VP8 = {"deadline": "realtime", "cpu-used": "-14", "lag-in-frames": "0"}
_VP9 = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "row-mt": "1"}
_X264 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "x264-params": "sliced-threads=0:slices=1:scenecut=0:repeat-headers=1:vbv-bufsize=2000"
    ":vbv-maxrate=2000",
}
_X265 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "x265-params": "log-level=none:scenecut=0:repeat-headers=1:info=0:vbv-bufsize=2000"
    ":vbv-maxrate=2000",
}
_AV1 = {"preset": "12", "svtav1-params": "rc=2:pred-struct=1:scd=0"}

CODECS = {
    codec.name: codec
    for codec in (
        Codec("vp8", "video", "libvpx", _VP8, 96, 90_000, 1, 3000),
        Codec("h264", "video", "libx264", _X264, 96, 90_000, 1, 3000),
        Codec("vp9", "video", "libvpx-vp9", _VP9, 96, 90_000, 1, 3000, 20),
        Codec("h265", "video", "libx265", _X265, 96, 90_000, 1, 3000, 20),
        Codec("av1", "video", "libsvtav1", _AV1, 96, 90_000, 1, 3000, 20),
        Codec("opus", "audio", "libopus", {"application": "voip"}, 111, 48_000, 2, 960),
        Codec("pcmu", "audio", "pcm_mulaw", {}, 0, 8_000, 1, 160),
        Codec("pcma", "audio", "pcm_alaw", {}, 8, 8_000, 1, 160),
        Codec("g722", "audio", "g722", {}, 9, 8_000, 1, 160),
    )
}
