from __future__ import annotations

from isotrack.contract.app import UpdateAppRequest
from isotrack.control.update_app import update_app
from tests.builders import NOON
from tests.worlds import MemoryWorld


def test_tokens_are_revoked_and_given_back() -> None:
    memory = MemoryWorld()
    update_app(UpdateAppRequest(revoke_tokens_issued_before=NOON), world=memory.world)
    assert memory.app.revocation == NOON
    update_app(UpdateAppRequest(), world=memory.world)
    assert memory.app.revocation == NOON
    update_app(UpdateAppRequest(revoke_tokens_issued_before=None), world=memory.world)
    assert memory.app.revocation is None
