"""The demo on a terminal: what goes on, and in the end what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.demo.fetching import Fetched
from infra.local.demo.part import Notice
from infra.local.demo.receivers import Receipt
from isotrack.adapters.ffmpeg import FileSummary
from isotrack.recording.events import CallRecordingReady

LATE_MS = 250
"""Packets this late are worth a warning: the machine cannot keep up, and pictures stutter."""


class Show:
    """A rehearsal's audience that tells a person at a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[clock]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, clock="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def step(self, sentence: str) -> None:
        """Write the step down, and let it be seen that it is going on."""
        self._console.print(f"[bold]•[/] {escape(sentence)}")
        self._progress.reset(self._task, total=None, description=escape(sentence), clock="")

    def notice(self, notice: Notice) -> None:
        """Write down what a participant did, and when in the call."""
        at = f"{notice.at_ms / 1000:6.1f} s"
        done = notice.did == "done"
        did = f"sent {notice.packets_sent} packets" if done else notice.did
        self._console.print(f"  [dim]{at}[/]  {escape(notice.user_id):6} {escape(did)}")
        if done and notice.latest_ms > LATE_MS:
            self._console.print(
                f"  [yellow]warning: this machine could not keep up, {escape(notice.user_id)} sent"
                f" {notice.latest_ms} ms late; a smaller SPEED helps[/]"
            )

    def time(self, call_ms: int, duration_ms: int) -> None:
        """Move the bar."""
        clock = f"{max(0, call_ms) / 1000:.1f} of {duration_ms / 1000:.0f} s"
        self._progress.update(self._task, completed=call_ms, total=duration_ms, clock=clock)


def files_table(files: Iterable[tuple[Fetched, FileSummary]]) -> Table:
    """Every file as it was announced, with the codecs, sizes and length that are really in it."""
    table = Table(
        title="Files",
        title_justify="left",
        caption="start: on the timeline that all files share, from the start of the recording",
        caption_justify="left",
    )
    for column in ("participant", "output", "codecs", "resolutions"):
        table.add_column(column, no_wrap=column != "resolutions")
    for column in ("duration", "size", "start"):
        table.add_column(column, justify="right", no_wrap=True)
    for file, summary in sorted(files, key=lambda found: _order(found[0])):
        announced = file.announced
        table.add_row(
            escape(announced.user_id),
            announced.output_type + (" (fallback)" if announced.fallback else ""),
            " + ".join(summary.codecs),
            _resolutions(summary) or "-",
            f"{summary.duration_ms / 1000:.2f} s",
            f"{announced.size_bytes / 1000:,.0f} kB",
            f"{announced.timeline_offset_ms / 1000:+.3f} s",
        )
    return table


def _order(file: Fetched) -> tuple[str, str]:
    return file.announced.user_id, file.announced.output_type


def _resolutions(summary: FileSummary) -> str:
    shown = [f"{size.width}x{size.height}" for size in summary.sizes[:1]]
    for size in summary.sizes[1:]:
        shown.append(f"{size.width}x{size.height} from {size.at_ms / 1000:.1f} s")
    return ", ".join(shown)


def events_table(receipts: Sequence[Receipt]) -> Table:
    """Every event, and how often it came by each way."""
    table = Table(title="Events", title_justify="left")
    for column in ("event", "about", "created"):
        table.add_column(column, no_wrap=True)
    for column in ("webhook", "SQS"):
        table.add_column(column, justify="right")
    events = {receipt.event.event_id: receipt.event for receipt in receipts}
    for event_id, event in sorted(events.items(), key=lambda item: item[1].created_at):
        about = event.call_cid
        if isinstance(event, CallRecordingReady):
            about = f"{event.call_recording.user_id} {event.call_recording.output_type}"
        ways = [receipt.via for receipt in receipts if receipt.event.event_id == event_id]
        table.add_row(
            event.type,
            escape(about),
            f"{event.created_at:%H:%M:%S}",
            str(ways.count("webhook")),
            str(ways.count("sqs")),
        )
    return table


def how_to_open(files: Sequence[Fetched]) -> str:
    """One line that opens a file: the longest one, if it has both sound and pictures."""
    best = max(files, key=lambda file: (len(file.announced.codecs), file.announced.duration_ms))
    return f"Open one: mpv {_shortest(best.path)}   (or ffplay, or VLC)"


def _shortest(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
