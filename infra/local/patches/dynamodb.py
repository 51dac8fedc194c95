"""moto's DynamoDB checks a condition and then writes, and another request may come in between.

Requests are served one after another, so that conditional writes, transactions and counters are
what the control plane relies on them to be: atomic.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.dynamodb.responses import DynamoHandler

from infra.local.patches.swap import swap


def install() -> None:
    """Serialize DynamoDB."""
    lock = threading.RLock()

    def call_action(self: Any) -> Any:
        with lock:
            return original(self)

    original = swap(DynamoHandler, "call_action", call_action)
