"""The results as the tables of `docs/api-latency.md`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.api.load import Latency
from benchmarks.api.watching import Watched
from benchmarks.report import processor, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "api-latency.md"
_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"


class Row(NamedTuple):
    """What was measured of one operation."""

    name: str
    latency: Latency
    per_second: float | None
    requests: Counter[str]


def write(rows: Sequence[Row], watched: Watched, clients: int) -> str:
    """The results in Markdown."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    machine = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {processor()}, {os.cpu_count()} cores, on which "
        "clients, functions, agent and moto run side by side. "
        f"Load of the last minute: {busy:.1f} a core."
    )
    head = ["", "p50", "p95", "requests/s", "DynamoDB requests"]
    body = [
        [
            row.name,
            f"{row.latency.p50:.0f} ms",
            f"{row.latency.p95:.0f} ms",
            f"{row.per_second:.0f}" if row.per_second is not None else "-",
            _requests(row.requests),
        ]
        for row in rows
    ]
    seen = [
        [name, f"{taken.p50:.0f} ms", f"{taken.p95:.0f} ms"]
        for name, taken in (
            ("StartRecording, until it is answered", watched.start),
            ("until `call.recording_started` is received", watched.started),
            ("StopRecording, until it is answered", watched.stop),
            ("until `call.recording_stopped` is received", watched.stopped),
        )
    ]
    return "\n\n".join(
        [
            machine,
            f"### Operations\n\nLatency of {rows[0].latency.samples} requests one after the other; "
            f"requests/s of {clients} clients at once.",
            table(head, body),
            "### Start and stop, watched over WebSocket\n\n"
            f"{watched.start.samples} recordings, one after the other.",
            table(["", "p50", "p95"], seen),
        ]
    )


def _requests(requests: Counter[str]) -> str:
    if not requests:
        return "0"
    kinds = ", ".join(f"{count} {action}" for action, count in sorted(requests.items()))
    return f"{requests.total()}: {kinds}"


def put_into_document(text: str) -> None:
    """Replace the results in the document by these."""
    pattern = re.compile(f"{_BEGIN}.*{_END}", re.DOTALL)
    before = DOCUMENT.read_text()
    DOCUMENT.write_text(pattern.sub(lambda _: f"{_BEGIN}\n\n{text}\n\n{_END}", before))
