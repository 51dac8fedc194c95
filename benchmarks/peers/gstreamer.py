"""GStreamer: its RTP depayloaders and its Matroska muxer, in two pipelines that differ in front."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.inputs import Input, encoding_name

_DEPAYLOADERS = {
    "vp8": "rtpvp8depay",
    "vp9": "rtpvp9depay",
    "h264": "rtph264depay ! h264parse",
    "h265": "rtph265depay ! h265parse",
    "opus": "rtpopusdepay",
    "pcmu": "rtppcmudepay",
    "pcma": "rtppcmadepay",
    "g722": "rtpg722depay",
}


class GStreamer:
    """`gst-launch-1.0`.

    The jitter buffer is there since without it files came out unreadable; `mode=none` makes it take
    the senders' timestamps, not the time at which it reads.

    Args:
        framing: `rfc4571` or `pcap`.
    """

    writes_by_suffix = False

    def __init__(self, framing: str) -> None:
        self._framing = framing

    @property
    def name(self) -> str:
        return f"GStreamer ({self._framing})"

    def version(self) -> str:
        found = subprocess.run(
            ["gst-launch-1.0", "--gst-version"], check=True, capture_output=True, text=True
        )
        return found.stdout.strip()

    def suffix(self, codec: str) -> str | None:
        return "mkv" if codec in _DEPAYLOADERS else None

    def command(self, given: Input, output: Path) -> list[str]:
        codec = given.codec
        caps = (
            f"media={codec.kind},clock-rate={codec.clock_rate},encoding-name={encoding_name(codec)}"
        )
        caps += f",payload={codec.payload_type}"
        if self._framing == "pcap":
            front = f"pcapparse caps=application/x-rtp,{caps}"
        else:
            front = f"application/x-rtp-stream,{caps} ! rtpstreamdepay"
        sink = (
            "fakesink sync=false" if output == Path("/dev/null") else f"filesink location={output}"
        )
        pipeline = (
            f"filesrc location={given.packets(self._framing)} ! {front}"
            f" ! rtpjitterbuffer mode=none ! {_DEPAYLOADERS[codec.name]} ! matroskamux ! {sink}"
        )
        return ["gst-launch-1.0", "-q", *pipeline.split()]
