"""What holds for the whole installation."""

from __future__ import annotations

from isotrack.contract.times import Timed, Timestamp
from isotrack.recording.tracks import Frozen


class UpdateAppRequest(Frozen):
    """What shall change; the rest of what the compatible API takes here is not ours."""

    revoke_tokens_issued_before: Timestamp | None = None
    """User tokens issued before this, or that do not say when, are refused; null takes it back."""


class UpdateAppResponse(Timed):
    """It is so from now on."""
