"""What paths name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from isotrack.contract.fields import Name
from isotrack.recording.keys import MAX_FILENAME
from isotrack.recording.tracks import Call, Frozen, Id

FileName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_FILENAME, pattern=r"^[^\x00-\x1f\x7f]+$"),
]


class CallPath(Frozen):
    """A call."""

    type: Id
    id: Id

    @property
    def call(self) -> Call:
        """The call it names."""
        return Call(call_type=self.type, call_id=self.id)


class RecordingTypePath(CallPath):
    """A kind of recording of a call; only individual ones are made here."""

    recording_type: Literal["individual"]


class EgressPath(CallPath):
    """One recording of a call."""

    egress_id: Id


class SessionPath(CallPath):
    """A session of a call."""

    session: Id


class FilePath(SessionPath):
    """A recording file, by the call session it was recorded in and its name."""

    filename: FileName


class CallTypePath(Frozen):
    """A call type."""

    name: Name


class AgentPath(Frozen):
    """A capture agent."""

    agent_id: Id
