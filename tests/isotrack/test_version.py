from __future__ import annotations

import tomllib
from pathlib import Path

import isotrack


def test_the_version_is_that_of_the_project() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert isotrack.__version__ == tomllib.loads(project.read_text())["project"]["version"]
