"""What every refused request is answered with."""

from __future__ import annotations

from pydantic import computed_field

from isotrack.contract.fields import Maybe
from isotrack.contract.times import Timed


class APIError(Timed):
    """Why a request was refused."""

    code: int
    """What kind of error it is, finer than the HTTP status."""
    StatusCode: int
    """The HTTP status."""
    message: str
    """What went wrong: `StartRecording failed with error: "..."`."""
    more_info: str = ""
    """A page about the error; we have none."""
    details: tuple[int, ...] = ()
    exception_fields: Maybe[dict[str, str]] = None
    """What is wrong with each field, by its name, where fields are to blame."""
    unrecoverable: Maybe[bool] = None
    """True when the same request can never succeed."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status_code(self) -> int:
        """The HTTP status again: the Node library calls it so."""
        return self.StatusCode
