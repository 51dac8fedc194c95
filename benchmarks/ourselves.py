"""What has no peer: both tracks and all outputs in one pass, real files, and hours of a call."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.contest import FLOOR, SHORT_S, ours
from benchmarks.loop import Loop
from benchmarks.measure import Commands, Cost, Run, measure, run
from benchmarks.programs import Programs
from benchmarks.sessions import write_session


class Length(NamedTuple):
    """A call of so many hours, remuxed once into all three outputs."""

    hours: int
    run: Run


def measure_outputs(
    folder: Path, programs: Programs, loops: tuple[Loop, Loop], seconds: int, rounds: int
) -> Mapping[str, Cost]:
    """Time the outputs of a participant with microphone and camera."""
    whole, short, files = folder / "whole", folder / "short", folder / "files"
    try:
        for session, length_s in ((whole, seconds), (short, SHORT_S)):
            write_session(session, loops, length_s, looped=False)
        three = ("--egress", "three")
        commands = {
            "audio_video": Commands(ours(whole), ours(short)),
            "all three in one pass": Commands(ours(whole, *three), ours(short, *three)),
            "all three, to files on disk, read back and hashed": Commands(
                ours(whole, *three, output=files), ours(short, *three, output=files)
            ),
            FLOOR: Commands(
                *(
                    [str(programs.floor), *sorted(map(str, s.rglob("*.rtpdump")))]
                    for s in (whole, short)
                )
            ),
        }
        return measure(programs.launch, commands, rounds)
    finally:
        for each in (whole, short, files):
            shutil.rmtree(each, ignore_errors=True)


def measure_length(
    folder: Path, programs: Programs, loops: tuple[Loop, Loop], hours: int
) -> Length:
    """Remux a long call, whose chunks are made as they are read."""
    session = folder / "long"
    try:
        write_session(session, loops, hours * 3600, looped=True)
        took = run(programs.launch, ours(session, "--looped", "--egress", "three"))
    finally:
        shutil.rmtree(session, ignore_errors=True)
    return Length(hours, took)
