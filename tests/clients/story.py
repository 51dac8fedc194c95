"""What a customer's server does with the API, as data: the same for each published library."""

from __future__ import annotations

from typing import Any, NamedTuple

from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from tests.clients.people import FILES

Told = dict[str, Any]
"""What a program was answered, by the step of the story, as plain JSON with times in ISO 8601."""


class Story(NamedTuple):
    """Who does what where; each client has its own, so that they share one stack."""

    client: str

    @property
    def call_type(self) -> str:
        return f"{self.client}-interview"

    @property
    def spare_type(self) -> str:
        return f"{self.client}-spare"

    @property
    def call_id(self) -> str:
        return f"{self.client}-1"

    @property
    def cid(self) -> str:
        return f"{self.call_type}:{self.call_id}"

    @property
    def host(self) -> str:
        return f"{self.client}-host"

    @property
    def guest(self) -> str:
        return f"{self.client}-guest"

    def told(self) -> Told:
        """The same for a program that is not in Python."""
        names = ("call_type", "spare_type", "call_id", "cid", "host", "guest")
        return {
            **{name: getattr(self, name) for name in names},
            "grants": GRANTS,
            "default": DEFAULT,
            "all": ALL,
            "files": len(FILES),
            "recorded_ms": int(RECORDED_S * 1000),
            "started_ms": int(STARTED_S * 1000),
            "listed_ms": int(LISTED_S * 1000),
        }


DEFAULT = [output.value for output in DEFAULT_OUTPUT_TYPES]
ALL = [output.value for output in OutputType]
GRANTS = {
    "user": ["create-call"],
    "host": [
        "read-call",
        "join-call",
        "start-recording",
        "stop-recording",
        "list-recordings",
        "delete-recording",
    ],
    "call_member": ["read-call", "join-call"],
}
RECORDED_S = 2.5
STARTED_S = 15.0
"""Until an agent records what was started."""
LISTED_S = 60.0
"""Until all files are in the list."""
