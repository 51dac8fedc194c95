"""Writes the contract as files: `python -m events.generate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from events.json_schemas import schemas
from events.openapi import openapi

FOLDER = Path(__file__).parent


def documents() -> dict[Path, str]:
    """The text of every generated file."""
    files = {
        FOLDER / "schemas" / f"{name}.schema.json": _text(schema)
        for name, schema in schemas().items()
    }
    return {**files, FOLDER / "openapi.json": _text(openapi())}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all files, and remove schemas that are made no more."""
    generated = documents()
    for path in (FOLDER / "schemas").glob("*.json"):
        if path not in generated:
            path.unlink()
    for path, text in generated.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
