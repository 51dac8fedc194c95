"""How fast chunks become files, beside FFmpeg's muxer on the same media, in one run.

    python -m benchmarks.remux [--minutes 20]

The input is a synthetic participant session: VP8 720p30 at 2 Mbit/s in 1,130-byte packets and Opus
at 46 kbit/s, with counters that wrap early. Ours reads RTP chunks from a folder (headers, order,
loss, clocks, depacketizing) and writes Matroska. FFmpeg (libavformat, by PyAV) gets an easier job:
it copies the frames of the finished A/V file into a new one. Each is measured in a process of its
own: CPU time of the work without imports, and the process's peak memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.filesystem import FilesystemStore
from isotrack.pipeline.remux import remux
from isotrack.recording import keys
from isotrack.recording.jobs import Job
from isotrack.recording.manifest import Manifest
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import Source, TrackType
from isotrack.rtp.header import write_header
from tests.sessions import START_US, Datagram, Session, vp8_frame, vp8_payloads

ROUNDS = 3
"""Each is run so often; the least CPU time counts, since noise only adds."""


def make_session(folder: Path, minutes: int, outputs: tuple[OutputType, ...]) -> str:
    """Write the chunks and the manifest of a session; gives the manifest's key."""
    session = Session()
    session.store = FilesystemStore(folder)  # type: ignore[assignment]
    session.capture(TrackType.AUDIO, list(_audio(minutes)), chunk_us=10_000_000)
    session.capture(TrackType.VIDEO, list(_video(minutes)), chunk_us=10_000_000)
    session.seal(output_types=outputs)
    return session.manifest_key


def _audio(minutes: int) -> Iterator[Datagram]:
    for i in range(minutes * 3000):
        body = b"\xfc" + i.to_bytes(4) + bytes(110)
        yield _datagram(START_US + i * 20_000 + 12_000, i, i * 960, body, 111, 2, marker=False)


def _video(minutes: int) -> Iterator[Datagram]:
    sizes = np.random.default_rng(1).normal(8200, 1500, minutes * 1800).clip(500).astype(int)
    number = 0
    for i, size in enumerate(sizes.tolist()):
        key = i % 300 == 0
        size = 60_000 if key else size
        frame = vp8_frame(key, b"\x55" * (size - 10), width=1280, height=720)
        payloads = vp8_payloads(frame, -(-size // 1130))
        for j, payload in enumerate(payloads):
            at = START_US + i * 1_000_000 // 30 + 2_000 + j * 100
            last = j == len(payloads) - 1
            yield _datagram(at, number, i * 3000, payload, 96, 1, marker=last)
            number += 1


def _datagram(
    at: int, number: int, ticks: int, payload: bytes, payload_type: int, ssrc: int, *, marker: bool
) -> Datagram:
    timestamp = (0xFFF00000 + ticks) & 0xFFFFFFFF
    header = write_header(
        payload_type, (65000 + number) & 0xFFFF, timestamp, ssrc, marker, {4: bytes(7)}
    )
    return Datagram(at, header + payload)


def run_ours(session: Path, output: Path) -> Callable[[], object]:
    """Remux the session in `session` into `output`."""
    raw, recordings = FilesystemStore(session), FilesystemStore(output)
    (key,) = (k for k in raw.keys("raw/") if k.endswith(keys.MANIFEST_NAME))
    revision = Manifest.model_validate_json(raw.get(key)).revision
    job = Job(manifest_key=key, revision=revision, source=Source.PARTICIPANT)
    return lambda: remux(job, raw=raw, recordings=recordings, checksum=crc32c_of)


def run_ffmpeg(source: Path, output: Path) -> Callable[[], object]:
    """Copy the frames of the A/V file below `source` into a new file."""
    (file,) = source.rglob("*_audio_video_*.mkv")

    def copy() -> None:
        with av.open(str(file)) as read, av.open(str(output / "copy.mkv"), "w") as written:
            streams = {
                s.index: written.add_stream_from_template(s, opaque=True) for s in read.streams
            }
            for packet in read.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    written.mux(packet)

    output.mkdir(parents=True, exist_ok=True)
    return copy


def measure(name: str, source: Path, output: Path) -> dict[str, float]:
    """Run one contender in this process."""
    work = {"ours": run_ours, "ffmpeg": run_ffmpeg}[name](source, output)
    before = time.process_time()
    work()
    seconds = time.process_time() - before
    return {"cpu_s": seconds, "rss_mb": _peak_mb()}


def _peak_mb() -> float:
    """Peak memory of this process. Not getrusage's, which begins with that of the parent."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _measured(name: str, source: Path, output: Path) -> dict[str, float]:
    """Run one contender in processes of its own."""
    command = [sys.executable, "-m", "benchmarks.remux", "--contender", name]
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        done = subprocess.run(
            [*command, str(source), str(output)], check=True, capture_output=True, text=True
        )
        result: dict[str, float] = json.loads(done.stdout)
        if not best or result["cpu_s"] < best["cpu_s"]:
            best = result
    return best


def main() -> None:
    """Measure all contenders and print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--contender", nargs=3, metavar=("NAME", "SOURCE", "OUTPUT"))
    options = parser.parse_args()
    if options.contender:
        name, source, output = options.contender
        print(json.dumps(measure(name, Path(source), Path(output))))
        return
    with tempfile.TemporaryDirectory(prefix="isotrack-benchmark-") as temporary:
        folder = Path(temporary)
        make_session(folder / "one", options.minutes, (OutputType.AUDIO_VIDEO,))
        make_session(folder / "three", options.minutes, tuple(OutputType)[:3])
        one = _measured("ours", folder / "one", folder / "out-one")
        three = _measured("ours", folder / "three", folder / "out-three")
        peer = _measured("ffmpeg", folder / "out-one", folder / "out-ffmpeg")
    print(f"{options.minutes} min VP8 720p30 2 Mbit/s + Opus; ratio to FFmpeg copying frames")
    rows = {
        "isotrack: RTP -> audio_video": one,
        "isotrack: RTP -> all three outputs": three,
        "FFmpeg (PyAV): frames -> audio_video": peer,
    }
    for label, row in rows.items():
        speed = options.minutes * 60 / row["cpu_s"]
        print(
            f"{label:38} {row['cpu_s']:7.2f} s CPU {speed:8.0f} x real time "
            f"{row['rss_mb']:6.0f} MB {row['cpu_s'] / peer['cpu_s']:6.2f}"
        )


if __name__ == "__main__":
    main()
