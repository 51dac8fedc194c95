"""Fetching recording files by the links in their events."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import httpx

from isotrack.recording.errors import CorruptInput, Transient
from isotrack.recording.events import CallRecording

_TIMEOUT_SECONDS = 30.0


class Fetched(NamedTuple):
    """A recording file on this machine, with its sidecar and what was announced about it."""

    announced: CallRecording
    path: Path
    sidecar: Path


def fetch(recording: CallRecording, folder: Path) -> Fetched:
    """Save a file and its sidecar in a folder.

    Raises:
        CorruptInput: a link is refused, or the file is not the one that was announced.
        Transient: nobody answers at a link.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(recording.filename).name
    sidecar = path.with_suffix(".json")
    digest = _save(recording.url, path)
    if digest != recording.sha256:
        raise CorruptInput(f"{path.name} has SHA-256 {digest}, announced was {recording.sha256}")
    _save(recording.sidecar_url, sidecar)
    return Fetched(recording, path, sidecar)


def _save(url: str, path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with (
            httpx.stream("GET", url, timeout=_TIMEOUT_SECONDS, trust_env=False) as answer,
            path.open("wb") as file,
        ):
            if answer.is_error:
                raise CorruptInput(f"the link to {path.name} answers {answer.status_code}")
            for piece in answer.iter_bytes():
                digest.update(piece)
                file.write(piece)
    except httpx.TransportError as error:
        raise Transient(f"the link to {path.name} does not open: {error}") from error
    return digest.hexdigest()
