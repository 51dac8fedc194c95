"""`make demo`: play a call into Isotrack on this machine, and show the files that come of it."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from infra.local.demo.children import ChildFailed
from infra.local.demo.premiere import premiere
from infra.local.demo.rehearsal import Outcome, RehearsalFailed
from infra.local.demo.scenario import Scenario
from infra.local.demo.show import Show, events_table, files_table, how_to_open
from infra.local.demo.stage import stage
from infra.local.stack import StackError
from isotrack.adapters.ffmpeg import probe
from isotrack.recording import keys
from isotrack.recording.errors import Invalid, RecordingError

LOG_COLUMNS = 120
"""Width of the tables where there is no terminal: in a log, a file, CI."""

INTERRUPTED = 130
"""The exit status of a shell's command that was interrupted."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument("--speed", type=float, default=1.0, help="play so much faster than life")
    parser.add_argument("--output", type=Path, default=Path("recordings"), help="where files go")
    parser.add_argument("--scenario", type=Path, help="a call of your own, as JSON")
    arguments = parser.parse_args()
    if not 0.1 <= arguments.speed <= 20:
        parser.error(f"--speed {arguments.speed} is not between 0.1 and 20")
    return arguments


def _scenario(path: Path | None) -> Scenario:
    if path is None:
        return premiere(f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    try:
        return Scenario.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Invalid(f"{path} is no scenario: {first['msg']} at {place or 'its top'}") from error


def _play(scenario: Scenario, folder: Path, *, speed: float, console: Console) -> Outcome:
    with (
        tempfile.TemporaryDirectory(prefix="isotrack-demo-") as spool,
        Show(console) as show,
        stage(Path(spool), logs=folder / "logs", speed=speed, audience=show) as rehearsal,
    ):
        return rehearsal.play(scenario, output=folder)


def _run(arguments: argparse.Namespace, console: Console) -> None:
    scenario = _scenario(arguments.scenario)
    folder = arguments.output.resolve() / keys.encode(scenario.call.call_id)
    outcome = _play(scenario, folder, speed=arguments.speed, console=console)
    console.print(files_table((file, probe(file.path)) for file in outcome.files))
    console.print(events_table(outcome.receipts))
    console.print(how_to_open(outcome.files), highlight=False, soft_wrap=True)


def main() -> int:
    """Run the demo; the exit status says whether every step of it went well."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(arguments, console)
    except KeyboardInterrupt:
        console.print("The demo was interrupted; everything it started has ended.")
        return INTERRUPTED
    except (ChildFailed, OSError, RecordingError, RehearsalFailed, StackError) as error:
        sentence = str(error).splitlines()[0].rstrip(":.")
        console.print(f"[red]The demo failed:[/] {escape(sentence)}.", soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
