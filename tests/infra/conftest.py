"""The template as shipped for most tests, and one synthesis a session for those of drift."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.template import shipped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def template() -> Mapping[str, Any]:
    return shipped()


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `python -m infra.app` writes where there is neither a Node nor docker on the PATH."""
    outdir = tmp_path_factory.mktemp("assembly")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JSII_")},
        "CDK_OUTDIR": str(outdir),
        "PATH": str(outdir / "nothing"),
    }
    synthesis = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert synthesis.returncode == 0, synthesis.stderr
    return outdir
