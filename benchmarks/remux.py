"""How fast packets become files, beside the programs that others use for it, in one run.

    make bench                                     all of it, into benchmarks/README.md
    python -m benchmarks.remux --quick             less of it, to the terminal

What is measured and how: `README.md`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.codecs import CODECS, Codec, Frame
from benchmarks.contest import Contest, Entry
from benchmarks.encoding import encoded
from benchmarks.loop import Loop, make_loop
from benchmarks.measure import Cost
from benchmarks.ourselves import Length, measure_length, measure_outputs
from benchmarks.peers import Peer
from benchmarks.peers.ffmpeg import FFmpeg, Libavformat
from benchmarks.peers.gstreamer import GStreamer
from benchmarks.peers.janus import Janus
from benchmarks.programs import Programs, build
from benchmarks.results import Results
from benchmarks.rtsp import serve

_QUICK = ("vp8", "h264", "opus")
_MINUTES = 20


def main() -> None:
    """Measure and report."""
    options = _options()
    quick: bool = options.quick
    names: list[str] = options.codecs or list(_QUICK if quick else CODECS)
    seconds, rounds = (180, 2) if quick else (options.minutes * 60, options.rounds)
    hours = (1,) if quick else (1, 24)
    kept = Path(tempfile.gettempdir()) / "isotrack-benchmark"
    folder = Path(tempfile.mkdtemp(prefix="isotrack-benchmark-"))
    try:
        programs = build(folder / "programs")
        with serve(folder) as rtsp:
            peers = _peers(programs, rtsp)
            contest = Contest(folder, programs, peers, seconds, rounds)
            loops: dict[str, Loop] = {}
            contests: dict[str, Sequence[Entry]] = {}
            for codec in map(CODECS.__getitem__, names):
                _say(f"{codec.name}: encoding")
                loops[codec.name], first = _loop(codec, kept)
                _say(f"{codec.name}: comparing and timing")
                contests[codec.name] = contest.hold(codec, loops[codec.name], first)
        outputs, lengths = _ourselves(folder, programs, loops, seconds, rounds, hours)
        versions = list(dict.fromkeys(peer.version() for peer in peers))
        text = report.write(Results(seconds, rounds, versions, contests, outputs, lengths))
    finally:
        shutil.rmtree(folder)
    print(text)
    if not (quick or options.codecs or options.minutes != _MINUTES):
        report.put_into_readme(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the remux engine beside its peers.")
    parser.add_argument("--quick", action="store_true", help="3 minutes, 3 codecs, 1 hour, no file")
    parser.add_argument("--codecs", nargs="+", choices=CODECS, help="only these; writes no file")
    parser.add_argument("--minutes", type=int, default=_MINUTES, help="other than 20: no file")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    return parser.parse_args()


def _peers(programs: Programs, rtsp: str) -> list[Peer]:
    return [
        Libavformat(programs.libavformat),
        FFmpeg(rtsp),
        GStreamer("rfc4571"),
        GStreamer("pcap"),
        Janus(),
    ]


def _loop(codec: Codec, kept: Path) -> tuple[Loop, Frame]:
    frames = encoded(codec, kept)
    return make_loop(codec, frames), frames[0]


def _ourselves(
    folder: Path,
    programs: Programs,
    loops: Mapping[str, Loop],
    seconds: int,
    rounds: int,
    hours: Sequence[int],
) -> tuple[Mapping[str, Mapping[str, Cost]], Sequence[Length]]:
    """What is measured of sound and picture together, where both are among the codecs."""
    outputs = {}
    for name in ("vp8", "h264"):
        if name in loops and "opus" in loops:
            _say(f"{name} and opus: timing the outputs")
            both = (loops[name], loops["opus"])
            outputs[name] = measure_outputs(folder, programs, both, seconds, rounds)
    lengths = []
    for each in hours if "vp8" in outputs else ():
        _say(f"{each} h of vp8 and opus")
        lengths.append(measure_length(folder, programs, (loops["vp8"], loops["opus"]), each))
    return outputs, lengths


def _say(what: str) -> None:
    print(f"benchmark: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
