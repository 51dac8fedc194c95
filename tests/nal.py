"""NAL units for tests: with lengths before them, with start codes, and written bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import av

from isotrack.matroska.tracks import TrackEntry
from isotrack.matroska.writer import MatroskaWriter
from tests.isotrack.matroska.recording import SEGMENT_UID, START_NS, Frame, write_cluster


def avcc(*units: bytes) -> bytes:
    """A frame as Matroska holds it: every NAL unit behind its length."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def annexb(*units: bytes) -> bytes:
    """A frame as a byte stream."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


class BitWriter:
    """Writes a NAL unit bit by bit."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, count: int, value: int) -> None:
        """A number of so many bits."""
        self.bits += f"{value:0{count}b}"

    def ue(self, *values: int) -> None:
        """Unsigned Exp-Golomb codes."""
        for value in values:
            code = f"{value + 1:b}"
            self.bits += "0" * (len(code) - 1) + code

    def nal(self) -> bytes:
        """What was written, with trailing bits and emulation prevention."""
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        plain = int(bits, 2).to_bytes(len(bits) // 8, "big")
        escaped = bytearray()
        for byte in plain:
            if byte <= 3 and escaped[-2:] == b"\0\0":
                escaped.append(3)
            escaped.append(byte)
        return bytes(escaped)


def decode(codec: str, frames: Iterable[bytes], configuration: bytes = b"") -> list[av.VideoFrame]:
    """The pictures of frames in the order they are shown, `pts` the place in decoding order.

    One thread, and an error where something is wrong, instead of concealment.
    """
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"err_detect": "explode"}
    if configuration:
        decoder.extradata = configuration
    pictures = []
    for place, frame in enumerate(frames):
        packet = av.Packet(frame)
        packet.pts = packet.dts = place
        pictures += decoder.decode(packet)
    return pictures + decoder.decode(None)


def mux(track: TrackEntry, frames: Sequence[Frame]) -> bytes:
    """A file of one cluster, its blocks in the order given."""
    writer = MatroskaWriter([track], start_ns=START_NS, title="", segment_uid=SEGMENT_UID)
    writer.head()
    cluster = write_cluster(writer, 0, frames, {track.number})
    tail, head = writer.finish([track], max(frame.time_ms for frame in frames) + 40)
    return head + cluster + tail
