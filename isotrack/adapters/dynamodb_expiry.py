"""Items that go by themselves: DynamoDB removes them some hours after their `expires_at`.

Until it does they are still read, so that readers look at the time too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def expires(at: datetime) -> dict[str, object]:
    """The attribute that says when an item may go: Unix seconds, not before its time."""
    return {"expires_at": math.ceil(at.timestamp())}
