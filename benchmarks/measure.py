"""Run commands in turn, and tell what each took beyond its start-up."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TIMEOUT_S = 300


class Failed(Exception):
    """A contender did not do its work: which, and what it said last."""


class Run(NamedTuple):
    """What one run of a program took."""

    wall_s: float
    cpu_s: float
    """User and system, all threads."""
    peak_mib: float
    work_s: float
    """CPU of the work alone, where the program tells it; else 0."""


class Cost(NamedTuple):
    """What a contender takes for an input, from several runs."""

    cpu_s: float
    """Beyond start-up: the median of long runs less the median of short ones."""
    startup_s: float
    """CPU of a short run, the median."""
    wall_s: float
    """Of a long run, the median."""
    peak_mib: float
    """Of the largest long run."""
    work_s: float


class Commands(NamedTuple):
    """How a contender is run on the whole input, and on three seconds of it."""

    whole: Sequence[str]
    short: Sequence[str]


def run(launcher: Path, command: Sequence[str]) -> Run:
    """Run a command once. Raises Failed."""
    report = launcher.with_suffix(".json")
    try:
        done = subprocess.run(
            [str(launcher), str(report), *command],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} did not end in {TIMEOUT_S} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise Failed(f"{command[0]} ended with {done.returncode}: {said[-200:]}")
    took = json.loads(report.read_text())
    last = done.stdout.strip().rpartition("\n")[2]
    work_s = json.loads(last)["work_s"] if last.startswith('{"work_s"') else 0.0
    return Run(took["wall_s"], took["cpu_s"], took["peak_kib"] / 1024, work_s)


def measure(launcher: Path, commands: Mapping[str, Commands], rounds: int) -> dict[str, Cost]:
    """Run all contenders in turn, so many rounds, so that a busy moment hits all alike."""
    runs: dict[str, list[tuple[Run, Run]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append((run(launcher, command.whole), run(launcher, command.short)))
    return {name: _cost(each) for name, each in runs.items()}


def _cost(runs: Sequence[tuple[Run, Run]]) -> Cost:
    whole, short = zip(*runs, strict=True)
    startup_s = statistics.median(each.cpu_s for each in short)
    return Cost(
        cpu_s=statistics.median(each.cpu_s for each in whole) - startup_s,
        startup_s=startup_s,
        wall_s=statistics.median(each.wall_s for each in whole),
        peak_mib=max(each.peak_mib for each in whole),
        work_s=statistics.median(each.work_s for each in whole),
    )
