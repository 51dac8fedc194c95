"""The same packets in the file each contender reads, and their session description."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import NamedTuple

from benchmarks.codecs import Codec
from benchmarks.framings import FRAMINGS, write_file
from benchmarks.loop import Loop
from benchmarks.payloads import nal_units
from benchmarks.sessions import write_session

_NAMES = {"vp8": "VP8", "vp9": "VP9", "h264": "H264", "h265": "H265", "av1": "AV1"}
_H265_SETS = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}


class Input(NamedTuple):
    """A run of one track's packets, in a folder with a file for each contender."""

    codec: Codec
    seconds: int
    root: Path

    @property
    def name(self) -> str:
        """Also its folder, and its path at the RTSP server."""
        return f"{self.codec.name}/{self.seconds}"

    @property
    def folder(self) -> Path:
        """Where it is; our chunks and manifests are below it."""
        return self.root / self.name

    @property
    def sdp(self) -> Path:
        return self.folder / "session.sdp"

    def packets(self, suffix: str) -> Path:
        """The packets in a framing."""
        return self.folder / f"packets.{suffix}"


def encoding_name(codec: Codec) -> str:
    """As SDP and GStreamer spell it."""
    return _NAMES.get(codec.name, codec.name.upper())


def write_input(given: Input, loop: Loop, first_frame: bytes) -> None:
    """Write all files of an input."""
    given.folder.mkdir(parents=True, exist_ok=True)
    for framing in FRAMINGS:
        write_file(given.packets(framing.suffix), loop, framing, given.seconds)
    given.sdp.write_text(_description(given.codec, first_frame), newline="\r\n")
    write_session(given.folder, [loop], given.seconds, looped=False)


def _description(codec: Codec, first_frame: bytes) -> str:
    """RFC 8866, parameter sets out of band as well (RFC 6184 section 8.1, RFC 7798 section 7.1)."""
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    name = codec.name if codec.name == "opus" else encoding_name(codec)
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m={codec.kind} 5004 RTP/AVP {codec.payload_type}",
        f"a=rtpmap:{codec.payload_type} {name}/{codec.clock_rate}{channels}",
    ]
    if parameters := format_parameters(codec, first_frame):
        lines.append(f"a=fmtp:{codec.payload_type} {parameters}")
    return "\n".join([*lines, "a=control:trackID=0", ""])


def format_parameters(codec: Codec, first_frame: bytes) -> str:
    """The `fmtp` of H.264 and H.265, made of their first frame."""
    if codec.name == "h264":
        sets = [unit for unit in nal_units(first_frame) if unit[0] & 31 in (7, 8)]
        coded = ",".join(base64.b64encode(unit).decode() for unit in sets)
        profile = sets[0][1:4].hex()
        return f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={coded}"
    if codec.name == "h265":
        named = [
            f"{_H265_SETS[unit[0] >> 1 & 63]}={base64.b64encode(unit).decode()}"
            for unit in nal_units(first_frame)
            if unit[0] >> 1 & 63 in _H265_SETS
        ]
        return ";".join(named)
    return ""
