"""The results as the tables of `README.md`."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.codecs import CODECS
from benchmarks.contest import FLOOR, OURS, Entry
from benchmarks.measure import Cost
from benchmarks.ourselves import Length
from benchmarks.results import PEERS, Results, ratio
from benchmarks.targets import targets_of

_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"
README = Path(__file__).with_name("README.md")


def write(results: Results) -> str:
    """The results in Markdown."""
    parts = [_machine(results), _targets(results), _summary(results)]
    parts += [_contest(codec, entries, results) for codec, entries in results.contests.items()]
    parts += [_outputs(codec, costs, results) for codec, costs in results.outputs.items()]
    parts.append(_lengths(results.lengths))
    return "\n\n".join(part for part in parts if part)


def put_into_readme(text: str) -> None:
    """Replace the results in the README by these."""
    readme = README.read_text()
    pattern = re.compile(f"{_BEGIN}.*{_END}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: f"{_BEGIN}\n\n{text}\n\n{_END}", readme))


def _machine(results: Results) -> str:
    busy = os.getloadavg()[2] / (os.cpu_count() or 1)
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {processor()}, {os.cpu_count()} cores, Linux "
        f"{platform.release().partition('-')[0]}; {results.seconds // 60} minutes of input, "
        f"{results.rounds} rounds, medians. Load of the last 15 minutes: {busy:.1f} a core.",
        *(["Others used the machine meanwhile: trust ratios more than times."] if busy > 1 else []),
        f"Python {platform.python_version()}, numpy {version('numpy')}; beside it "
        + ", ".join(results.versions)
        + ".",
    ]
    return "\n".join(lines)


def processor() -> str:
    """The name of this machine's processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown: words on the left, numbers on the right."""
    aligned = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, aligned, *rows))


def _targets(results: Results) -> str:
    rows = [target.row() for target in targets_of(results)]
    return "### Targets\n\n" + table(["target", "reached", "met"], rows)


def _summary(results: Results) -> str:
    rows = []
    for codec in results.contests:
        costs = results.costs(codec)
        ours = costs.get(OURS)
        speed = f"{results.seconds / ours.cpu_s:,.0f} x" if ours else "-"
        ratios = [ratio(costs.get(peer), ours) for peer in PEERS]
        floor = costs.get(FLOOR)
        inside = f"{ours.work_s * 1000:,.0f} ms" if ours else "-"
        rows.append([codec, inside, speed, *ratios, ratio(ours, floor)])
    head = [
        "",
        "ours, in `remux()`",
        "ours, real time",
        *(f"{peer} / ours" for peer in PEERS),
        "ours / floor",
    ]
    return "### CPU beyond start-up, as ratios\n\n" + table(head, rows)


def _contest(codec: str, entries: Sequence[Entry], results: Results) -> str:
    ours = next((entry.cost for entry in entries if entry.name == OURS), None)
    rows = []
    for name, output, cost in entries:
        if cost is None:
            rows.append([name, *["-"] * 6, output])
            continue
        speed = results.seconds / max(cost.cpu_s, 1e-6)
        rows.append(
            [
                name,
                f"{cost.cpu_s * 1000:,.0f} ms",
                f"{speed:,.0f} x",
                ratio(cost, ours),
                f"{cost.startup_s * 1000:,.0f} ms",
                f"{cost.wall_s * 1000:,.0f} ms",
                f"{cost.peak_mib:.0f} MiB",
                output,
            ]
        )
    head = ["", "CPU beyond start-up", "real time", "/ ours", "start-up CPU", "wall", "peak"]
    looped = CODECS[codec].loop_s
    title = f"### {codec} ({looped} s, repeated)\n\n"
    return title + table([*head, "frames beside ours"], rows)


def _outputs(codec: str, costs: Mapping[str, Cost], results: Results) -> str:
    floor = costs.get(FLOOR)
    rows = [
        [
            name,
            f"{cost.cpu_s * 1000:,.0f} ms",
            f"{results.seconds / max(cost.cpu_s, 1e-6):,.0f} x",
            f"{cost.work_s * 1000:,.0f} ms" if cost.work_s else "-",
            ratio(cost, floor),
            f"{cost.startup_s * 1000:,.0f} ms",
            f"{cost.peak_mib:.0f} MiB",
        ]
        for name, cost in costs.items()
    ]
    head = ["", "CPU beyond start-up", "real time", "in `remux()`", "/ floor", "start-up", "peak"]
    return f"### {codec} and opus of one participant\n\n" + table(head, rows)


def _lengths(lengths: Sequence[Length]) -> str:
    rows = [
        [
            f"{hours} h",
            f"{took.peak_mib:.0f} MiB ({took.peak_mib * 1.048576:.0f} MB)",
            f"{took.wall_s:.1f} s",
            f"{took.cpu_s:.1f} s",
        ]
        for hours, took in lengths
    ]
    head = ["vp8 and opus, all three outputs", "peak", "wall", "CPU, making the chunks included"]
    return "### Memory\n\n" + table(head, rows) if rows else ""
