"""Begin to work on a manifest: one execution of the state machine, however often it is told."""

from __future__ import annotations

import base64
import hashlib
import json

from isotrack.pipeline.ports import Executions
from isotrack.recording import keys


def begin(manifest_key: str, revision: int, *, executions: Executions) -> bool:
    """Start the execution of a manifest; False when there was one before.

    Raises:
        Invalid: the key is not that of a manifest.
    """
    keys.session_ids(manifest_key)
    return executions.start(
        execution_name(manifest_key, revision), execution_input(manifest_key, revision)
    )


def execution_name(manifest_key: str, revision: int) -> str:
    """The same name for the same manifest, so that it runs once.

    A hash, since names cut short could be equal: 52 characters of the 80 Step Functions allows.
    """
    digest = hashlib.sha256(f"{manifest_key}|{revision}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def execution_input(manifest_key: str, revision: int) -> str:
    """What the state machine is run with: byte for byte the same for the same manifest."""
    return json.dumps({"manifest_key": manifest_key, "revision": revision}, separators=(",", ":"))
