"""The written contract of the control interface, as it is generated from the interface itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture_agent.control import create_app

CONTRACT = Path("events/agent.openapi.json")
"""In the repository; `python -m capture_agent openapi` writes it, a test compares it."""

_NEVER_ANSWERED = ("HTTPValidationError", "ValidationError")


def contract() -> str:
    """The OpenAPI document, in a stable order."""
    document: dict[str, Any] = create_app().openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)  # FastAPI's own; malformed requests get 400
    for name in _NEVER_ANSWERED:
        document["components"]["schemas"].pop(name, None)
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
