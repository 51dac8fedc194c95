"""One stage for all end-to-end tests: the local stack, the agent, a webhook and a consumer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.receivers import Receipt
from infra.local.demo.rehearsal import Rehearsal
from infra.local.demo.stage import stage
from tests.e2e.calls import REFUSED

RETRY_SECONDS = "0"
ATTEMPTS = 10
"""The template's own: so often a delivery is tried before it becomes a dead letter."""


def answer(receipt: Receipt) -> int:
    """A webhook that takes all, but of one call refuses the files, and the start at first."""
    if receipt.event.call_cid != REFUSED.call.cid:
        return 200
    is_ready = receipt.event.type == "call.recording_ready"
    is_first = receipt.event.type == "call.recording_started" and receipt.attempt == 1
    return 500 if is_ready or is_first else 200


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    folder = tmp_path_factory.mktemp("e2e")
    with stage(
        folder,
        logs=folder / "logs",
        parameters={"WebhookRetrySeconds": RETRY_SECONDS},
        answer=answer,
    ) as running:
        yield running
