"""Change what holds for the whole installation."""

from __future__ import annotations

from isotrack.contract.app import UpdateAppRequest, UpdateAppResponse
from isotrack.control.world import World


def update_app(request: UpdateAppRequest, *, world: World) -> UpdateAppResponse:
    """Make all user tokens issued before a moment worthless, or take that back.

    A request that does not say `revoke_tokens_issued_before` at all changes nothing; null takes
    the revocation back.
    """
    if "revoke_tokens_issued_before" in request.model_fields_set:
        world.app.keep_revocation(request.revoke_tokens_issued_before)
    return UpdateAppResponse()
