"""The `isotrack` command: the verbs of the pipeline on local files, and tokens."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from isotrack.adapters.blackening import black_pictures
from isotrack.adapters.captures import captures_of
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.filesystem import FilesystemStore
from isotrack.adapters.mounted import MountedStore
from isotrack.adapters.turning import picture_turners
from isotrack.pipeline.guessing import guess_tracks
from isotrack.pipeline.importing import import_captures
from isotrack.pipeline.inspecting import inspect
from isotrack.pipeline.plan import plan, read_manifest
from isotrack.pipeline.remux import remux
from isotrack.pipeline.tabulating import tabulate
from isotrack.recording import keys
from isotrack.recording.announced import read_announced
from isotrack.recording.errors import RecordingError
from isotrack.recording.files import RecordingFile
from isotrack.recording.options import HIGHEST, RemuxOptions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _VERBS[options.verb](options)
    except (OSError, RecordingError) as error:
        print(f"isotrack: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="isotrack", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    verb = verbs.add_parser(
        "remux",
        help="make the recording files of captured chunks",
        description="Make the MKV files of every participant session found in a folder of "
        "captured chunks: the same files, byte for byte, that the Lambda functions make.",
    )
    verb.add_argument("input", type=Path, help="a folder with manifest.json in it or below it")
    verb.add_argument("-o", "--output", type=Path, default=Path("recordings"), metavar="DIR")
    _add_remux_options(verb)
    _add_import(verbs)
    _add_inspect(verbs)
    verb = verbs.add_parser(
        "token",
        help="sign a token with the API secret in ISOTRACK_API_SECRET",
        description="Print a token, signed with the API secret in the environment variable "
        "ISOTRACK_API_SECRET: for a capture agent to report with, or for your own server.",
    )
    whose = verb.add_mutually_exclusive_group(required=True)
    whose.add_argument("--agent", metavar="ID", help="of the agent with this ISOTRACK_AGENT_ID")
    whose.add_argument("--server", action="store_true", help="of a server: may do everything")
    return parser


def _add_remux_options(verb: argparse.ArgumentParser) -> None:
    """How the files are to be made: what is not given is as the manifest says."""
    verb.add_argument(
        "--layer", metavar="RID", help=f"of simulcast: `{HIGHEST}` that is alive, or only that rid"
    )
    verb.add_argument(
        "--video-gaps", choices=["hold", "black"], help="what is seen while no video comes"
    )
    verb.add_argument(
        "--tracks-span",
        choices=["presence", "media"],
        dest="track_span",
        help="all tracks begin and end together, or each with its media",
    )
    verb.add_argument(
        "--orientation",
        choices=["upright", "metadata"],
        help="turn the pictures of a camera that is turned in mid-call, or only say so",
    )


def _overridden(options: RemuxOptions, arguments: argparse.Namespace) -> RemuxOptions:
    """The options of a manifest, and in their place those given on the command line."""
    given = {name: value for name in RemuxOptions.model_fields if (value := vars(arguments)[name])}
    return options.model_copy(update=given)


def _add_import(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser(
        "import",
        help="turn captures of other tools into a folder of captured chunks",
        description="Turn pcap, pcapng, rtpdump, Janus mjr and RFC 4571 files into a folder that "
        "`remux` reads. Without --tracks, what is in them is guessed, and the guess is printed.",
    )
    verb.add_argument("files", type=Path, nargs="+", metavar="FILE")
    verb.add_argument("-t", "--tracks", type=Path, metavar="FILE", help="tracks.json: what is in")
    verb.add_argument("-o", "--output", type=Path, default=Path("imported"), metavar="DIR")


def _add_inspect(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser(
        "inspect",
        help="say what is in captures: tracks, codecs, loss, clocks",
        description="Print what is in pcap, pcapng, rtpdump, Janus mjr and RFC 4571 files.",
    )
    verb.add_argument("files", type=Path, nargs="+", metavar="FILE")
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all that was found, as JSON")
    form.add_argument("--tracks-json", action="store_true", help="print a tracks.json to edit")
    form.add_argument("-t", "--tracks", type=Path, metavar="FILE", help="write it to a file")


def _import(options: argparse.Namespace) -> int:
    captures = captures_of(options.files)
    if options.tracks is None:
        guess = json.dumps(guess_tracks(inspect(captures)), indent=1)
        print("isotrack: no --tracks: guessed what is in the captures:", file=sys.stderr)
        print(guess, file=sys.stderr)
        announced = read_announced(guess, "the guess")
    else:
        announced = read_announced(options.tracks.read_bytes(), str(options.tracks))
    store = FilesystemStore(options.output)
    imported = import_captures(captures, announced, store=store, checksum=crc32c_of)
    for (session, track_id), packets in imported.packets.items():
        note = "" if packets else "  (nothing of it is in the captures)"
        print(f"{session}  {track_id}  {packets} packets{note}")
    dropped = {reason: count for reason, count in imported.dropped.items() if count}
    if dropped:
        listed = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        print(f"isotrack: not of any track: {listed}", file=sys.stderr)
    for manifest in imported.manifests:
        print(options.output / manifest)
    return 0


def _inspect(options: argparse.Namespace) -> int:
    found = inspect(captures_of(options.files))
    if options.json:
        print(found.model_dump_json(indent=1))
    elif options.tracks_json or options.tracks:
        guess = json.dumps(guess_tracks(found), indent=1) + "\n"
        if options.tracks:
            options.tracks.write_text(guess)
        else:
            sys.stdout.write(guess)
    else:
        sys.stdout.write(tabulate(found))
    return 0


def _token(options: argparse.Namespace) -> int:
    from isotrack.adapters import tokens  # here, since remuxing files needs no PyJWT

    secret = os.environ.get("ISOTRACK_API_SECRET", "")
    if not secret:
        print("isotrack: ISOTRACK_API_SECRET is not set", file=sys.stderr)
        return 1
    print(
        tokens.server_token(secret) if options.server else tokens.agent_token(secret, options.agent)
    )
    return 0


def _remux(options: argparse.Namespace) -> int:
    source, output = options.input, options.output
    manifests = sorted(source.rglob(keys.MANIFEST_NAME)) if source.is_dir() else []
    if not manifests:
        print(f"isotrack: there is no {keys.MANIFEST_NAME} in {source}", file=sys.stderr)
        return 1
    failures = 0
    for manifest in manifests:
        try:
            failures += _remux_session(manifest.parent, output, options)
        except RecordingError as error:  # one bad session never takes the others with it
            failures += 1
            print(f"isotrack: {manifest.parent}: {error}", file=sys.stderr)
    return 1 if failures else 0


def _remux_session(folder: Path, output: Path, arguments: argparse.Namespace) -> int:
    """Make the files of one participant session; gives how many of its sources failed."""
    files = FilesystemStore(folder)
    manifest = read_manifest(keys.MANIFEST_NAME, files)
    session = keys.session_prefix(
        manifest.call, manifest.egress_id, manifest.participant.user_session_id
    )
    raw = MountedStore(files, session)
    place = (manifest.call, manifest.egress_id, manifest.participant.user_session_id)
    recordings = MountedStore(FilesystemStore(output), keys.recording_file(*place, ""))
    options = _overridden(manifest.options, arguments)
    failures = 0
    for job in plan(keys.manifest(session), manifest.revision, store=raw).jobs:
        try:
            remuxed = remux(
                job,
                raw=raw,
                recordings=recordings,
                checksum=crc32c_of,
                turners=picture_turners(),
                black_pictures=black_pictures(),
                options=options,
            )
        except RecordingError as error:
            failures += 1
            print(f"isotrack: {type(error).__name__}: {error}", file=sys.stderr)
        else:
            for file in remuxed.files:
                print(_line(output, file))
    return failures


def _line(output: Path, file: RecordingFile) -> str:
    sizes = ", ".join(f"{r.width}x{r.height}" for r in file.resolutions)
    about = " ".join((*file.codecs, sizes)).strip()
    seconds = file.duration_ms / 1000
    note = "" if file.complete else "  (something is missing: see the sidecar)"
    return f"{output / file.filename}  {seconds:.3f} s  {about}{note}"


_VERBS = {"import": _import, "inspect": _inspect, "remux": _remux, "token": _token}


if __name__ == "__main__":
    sys.exit(main())
