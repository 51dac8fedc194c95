"""Captures of other projects, imported, and what was found in them without Isotrack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from isotrack.adapters.captures import captures_of
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.formats import track_format
from isotrack.pipeline.importing import Imported, import_captures
from isotrack.pipeline.plan import plan
from isotrack.pipeline.remux import remux
from isotrack.recording.announced import read_announced
from isotrack.recording.files import RecordingFile
from isotrack.recording.manifest import CapturedTrack, Manifest
from isotrack.recording.sidecar import Sidecar
from isotrack.rtp.dump import read_dump
from tests.sessions import Datagram, Seen, read_track
from tests.vectors import CUTS, VECTORS

ROUNDING_MS = 1
"""Times in Matroska are whole milliseconds."""


class Source(NamedTuple):
    """Where a capture is among all of them, where the cut of it is, and what is in it."""

    whole: str
    cut: str
    golden_of_cut: str
    mime: str
    payload_type: int = 96
    channels: int = 1
    frames_in_cut: int | None = None
    """Where the golden file of the cut is that of the whole, and does not count packets."""
    bent_ms: int = ROUNDING_MS
    """How far the file's times may be from RTP's, since all that is known of the clock is
    arrival."""


SOURCES = {
    "str0m_vp8": Source("str0m/vp8.pcap", "codecs/str0m_vp8.pcap", "codecs/str0m_vp8.json", "vp8"),
    "membrane_vp8": Source(
        "membrane/vp8/input_vp8.pcap",
        "media/membrane_vp8.pcap",
        "media/membrane_vp8.json",
        "vp8",
        frames_in_cut=107,
    ),
    "membrane_demo_h264": Source(
        "membrane/rtp_plugin/demo_rtp.pcap",
        "codecs/membrane_demo_h264.pcap",
        "codecs/membrane_demo_h264.json",
        "h264",
    ),
    "membrane_srtp_h264": Source(
        "membrane/rtp_plugin/srtp_decrypted.pcap",
        "media/membrane_srtp_h264.pcap",
        "media/membrane_srtp_h264.json",
        "h264",
        frames_in_cut=245,
        bent_ms=6,  # its last second and a half was sent at once
    ),
    "talk_video": Source(
        "libwebrtc/talk-testdata/video.rtpdump",
        "codecs/talk_video.rtpdump",
        "codecs/talk_video.json",
        "h264",
        payload_type=97,
    ),
    "talk_voice": Source(
        "libwebrtc/talk-testdata/voice.rtpdump",
        "codecs/talk_voice.rtpdump",
        "codecs/talk_voice.json",
        "pcmu",
        payload_type=0,
    ),
    "webrtc_ve_pcmu_jitter": Source(
        "libwebrtc/voice_engine/stereo_pcmu_jitter.rtp",
        "codecs/stereo_pcmu_jitter.rtp",
        "codecs/stereo_pcmu_jitter.json",
        "pcmu",
        payload_type=125,
        channels=2,
        bent_ms=10,  # a network with jitter of 80 ms
    ),
    "webrtc_vp9": Source(
        "libwebrtc/rtpdump-corpus/vp9.rtpdump",
        "rtp/vp9.rtpdump",
        "rtp/webrtc_vp9.json",
        "vp9",
        payload_type=124,
    ),
}


class Folder:
    """What imports of captures have written, and the files made of it."""

    def __init__(self, captures: Sequence[Path], tracks: Sequence[dict[str, Any]]) -> None:
        self.store = MemoryStore()
        told = {"tracks": tracks}
        self.imported: Imported = import_captures(
            captures_of(captures),
            read_announced(json.dumps(told), "the test"),
            store=self.store,
            checksum=crc32c_of,
        )

    @property
    def tracks(self) -> list[CapturedTrack]:
        """Of the only participant."""
        (key,) = self.imported.manifests
        return list(Manifest.model_validate_json(self.store.get(key)).tracks)

    def frames(self, captured: CapturedTrack) -> list[Seen]:
        """The frames of a track's chunks."""
        datagrams = []
        for chunk in captured.chunks:
            records = read_dump(self.store.get(chunk.key))
            ends = records.offset + records.length
            rows = zip(records.arrival_us, records.offset, ends, records.is_rtcp, strict=True)
            datagrams += [
                Datagram(int(us), records.buffer[at:end].tobytes(), bool(is_rtcp))
                for us, at, end, is_rtcp in rows
            ]
        return read_track(track_format(captured.track), datagrams).frames

    def remux(self) -> tuple[RecordingFile, Sidecar, bytes]:
        """The only file, what is said of it, and its bytes."""
        (key,) = self.imported.manifests
        (job,) = plan(key, 1, store=self.store).jobs
        (file,) = remux(job, raw=self.store, recordings=self.store, checksum=crc32c_of).files
        sidecar = Sidecar.model_validate_json(self.store.get(file.sidecar_key))
        return file, sidecar, self.store.get(file.key)


class Case(NamedTuple):
    """A capture, imported, and what is known of it."""

    folder: Folder
    source: Source
    frames: list[dict[str, Any]]
    """Those that all packets of are in the capture."""
    summary: dict[str, Any]
    """Of the whole capture; empty of a cut."""

    @property
    def clock_rate(self) -> int:
        return 8000 if self.source.mime == "pcmu" else 90_000

    def time_ms(self, index: int) -> float:
        """When a frame plays, from the first one on."""
        ticks: int = self.frames[index]["ts"] - self.frames[0]["ts"]
        return ticks * 1000 / self.clock_rate


def load(name: str, *, whole: bool) -> Case:
    """Import a capture, or the cut of it."""
    source = SOURCES[name]
    root = VECTORS if whole and VECTORS is not None else CUTS
    golden = f"golden/{name}.json" if whole else source.golden_of_cut
    told = json.loads((root / golden).read_text())
    track = {
        "user_id": "alice",
        "mime": source.mime,
        "payload_type": source.payload_type,
        "channels": source.channels,
    }
    folder = Folder([root / (source.whole if whole else source.cut)], [track])
    (packets,) = folder.imported.packets.values()
    ends = np.cumsum([frame.get("pkts", 1) for frame in told["frames"]])
    count = int(np.searchsorted(ends, packets, "right"))
    frames = told["frames"][: count if whole else source.frames_in_cut or count]
    return Case(folder, source, frames, told["summary"] if whole else {})


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()[:16]
