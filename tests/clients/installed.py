"""What a machine must have for the clients that are not in Python, or their tests are skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from infra.node import bundled_node

JS = Path(__file__).with_name("js")
REQUIRED = "ISOTRACK_CLIENTS_REQUIRED"
"""Set where everything must be there, as in CI: then what is missing fails the tests."""


def node() -> str:
    """The program `node`: the one that `make` installed with the developers' packages, or any."""
    bundled = bundled_node()
    found = str(bundled) if bundled else shutil.which("node")
    return found or _missing("Node is not installed: `make .venv/dev` does it")


def packages() -> Path:
    """The folder of the published client libraries."""
    folder = JS / "node_modules"
    if (folder / "@stream-io").is_dir():
        return folder
    return _missing("the client libraries are not installed: `make clients` does it by npm")


def chromium() -> str:
    """The browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or _missing("Chromium is not installed: `make players` does it by apt")


def run_node(
    program: str, environment: Mapping[str, str], *, said: str = "", patience_s: float = 120
) -> str:
    """Run one of our programs to its end and give what it printed; what it broke on fails."""
    packages()
    done = subprocess.run(
        [node(), JS / program],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience_s,
        cwd=JS,
        env={"PATH": os.environ["PATH"], **environment},
    )
    assert done.returncode == 0, f"{program} failed:\n{done.stderr}"
    return done.stdout


def _missing(reason: str) -> NoReturn:
    if os.environ.get(REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)
