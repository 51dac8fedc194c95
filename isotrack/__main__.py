"""The `isotrack` command: the verbs of the pipeline on local files, and tokens."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.filesystem import FilesystemStore
from isotrack.adapters.mounted import MountedStore
from isotrack.pipeline.plan import plan, read_manifest
from isotrack.pipeline.remux import remux
from isotrack.recording import keys
from isotrack.recording.errors import RecordingError
from isotrack.recording.files import RecordingFile


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "token":
            return _token(options)
        return _remux(options.input, options.output)
    except OSError as error:
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


def _remux(source: Path, output: Path) -> int:
    manifests = sorted(source.rglob(keys.MANIFEST_NAME)) if source.is_dir() else []
    if not manifests:
        print(f"isotrack: there is no {keys.MANIFEST_NAME} in {source}", file=sys.stderr)
        return 1
    failures = 0
    for manifest in manifests:
        try:
            failures += _remux_session(manifest.parent, output)
        except RecordingError as error:  # one bad session never takes the others with it
            failures += 1
            print(f"isotrack: {manifest.parent}: {error}", file=sys.stderr)
    return 1 if failures else 0


def _remux_session(folder: Path, output: Path) -> int:
    """Make the files of one participant session; gives how many of its sources failed."""
    files = FilesystemStore(folder)
    manifest = read_manifest(keys.MANIFEST_NAME, files)
    session = keys.session_prefix(
        manifest.call, manifest.egress_id, manifest.participant.user_session_id
    )
    raw = MountedStore(files, session)
    place = (manifest.call, manifest.egress_id, manifest.participant.user_session_id)
    recordings = MountedStore(FilesystemStore(output), keys.recording_file(*place, ""))
    failures = 0
    for job in plan(keys.manifest(session), manifest.revision, store=raw).jobs:
        try:
            remuxed = remux(job, raw=raw, recordings=recordings, checksum=crc32c_of)
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


if __name__ == "__main__":
    sys.exit(main())
