"""One codec's contest: the same packets to every contender, first compared, then timed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.codecs import Codec, Frame
from benchmarks.equality import Content, compare, read_content
from benchmarks.inputs import Input, write_input
from benchmarks.loop import Loop
from benchmarks.measure import Commands, Cost, Failed, measure, run
from benchmarks.peers import Peer
from benchmarks.programs import Programs

OURS, FLOOR = "Isotrack", "floor: read and copy"
DECODES = "decodes it"
"""What is said of a contender that remuxes nothing, and is timed all the same."""

SHORT_S = 3
_NULL = Path("/dev/null")


class Entry(NamedTuple):
    """A contender's result in one codec."""

    name: str
    output: str
    """How its file compares with ours, or why there is none."""
    cost: Cost | None
    """None where it did not run."""


class Contest:
    """Where inputs are made and contenders are run.

    Args:
        folder: for inputs and outputs; what is made in it is removed again.
        programs: the benchmark's own.
        peers: those beside us.
        seconds: length of the input.
        rounds: how often each is run.
    """

    def __init__(
        self, folder: Path, programs: Programs, peers: Sequence[Peer], seconds: int, rounds: int
    ) -> None:
        self._folder = folder
        self._programs = programs
        self._peers = peers
        self._seconds = seconds
        self._rounds = rounds

    def hold(self, codec: Codec, loop: Loop, first: Frame) -> list[Entry]:
        """Compare and time all contenders in one codec."""
        given = Input(codec, self._seconds, self._folder)
        short = Input(codec, SHORT_S, self._folder)
        for each in (given, short):
            write_input(each, loop, first.data)
        try:
            said = self._compare(given)
            commands = {FLOOR: Commands(self._floor(given), self._floor(short))}
            if said[OURS] == "":
                commands[OURS] = Commands(ours(given.folder), ours(short.folder))
            for peer in self._peers:
                if said[peer.name].startswith(("equal", DECODES)):
                    commands[peer.name] = self._commands(peer, given, short)
            # Start-up, which is subtracted, varies by as much as twenty minutes of sound take.
            rounds = self._rounds * (3 if codec.kind == "audio" else 1)
            costs = measure(self._programs.launch, commands, rounds)
        finally:
            shutil.rmtree(given.folder.parent)
        names = [OURS, *(peer.name for peer in self._peers), FLOOR]
        return [Entry(name, said.get(name, ""), costs.get(name)) for name in names]

    def _floor(self, given: Input) -> list[str]:
        chunks = sorted(str(path) for path in given.folder.rglob("*.rtpdump"))
        return [str(self._programs.floor), *chunks]

    def _commands(self, peer: Peer, given: Input, short: Input) -> Commands:
        """With output to nowhere, under a name whose ending says what to write."""
        suffix = peer.suffix(given.codec.name)
        nowhere = self._folder / f"nowhere.{suffix}"
        if peer.writes_by_suffix and not nowhere.is_symlink():
            nowhere.symlink_to(_NULL)
        sink = nowhere if peer.writes_by_suffix else _NULL
        return Commands(peer.command(given, sink), peer.command(short, sink))

    def _compare(self, given: Input) -> dict[str, str]:
        """How each one's file differs from ours, or from the first peer's where we make none."""
        said: dict[str, str] = {}
        output = self._folder / "output"
        reference = None
        try:
            run(self._programs.launch, ours(given.folder, output=output))
            (file,) = output.rglob("*.mkv")
            reference = read_content(file, given.codec.name)
            said[OURS] = ""
        except Failed as error:
            said[OURS] = f"makes no file: {error}"
        finally:
            shutil.rmtree(output, ignore_errors=True)
        for peer in self._peers:
            said[peer.name], content = self._compare_peer(peer, given, reference)
            reference = reference or content
        return said

    def _compare_peer(
        self, peer: Peer, given: Input, reference: Content | None
    ) -> tuple[str, Content | None]:
        suffix = peer.suffix(given.codec.name)
        if suffix is None:
            return "does not know the codec", None
        file = self._folder / f"output.{suffix}"
        file.unlink(missing_ok=True)
        try:
            run(self._programs.launch, peer.command(given, file))
            if suffix == "wav":
                return f"{DECODES}: more work, nothing to compare", None
            content = read_content(file, given.codec.name)
        except Failed as error:
            return f"fails: {error}", None
        finally:
            file.unlink(missing_ok=True)
        if reference is None:
            return "equal to itself: the others are compared with it", content
        return compare(reference, content), content


def ours(session: Path, *options: str, output: Path | None = None) -> list[str]:
    """The command that remuxes a session with Isotrack."""
    kept = [] if output is None else ["--output", str(output)]
    return [sys.executable, "-m", "benchmarks.ours", str(session), *options, *kept]
