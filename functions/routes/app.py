"""The whole installation: of servers."""

from __future__ import annotations

from functions.asking import Asked
from functions.operations import SERVER_PREFIX, Asking, Operations
from isotrack.contract.app import UpdateAppRequest, UpdateAppResponse
from isotrack.control import update_app as changing

app = Operations(SERVER_PREFIX, asking=Asking.SERVERS)


@app.patch("UpdateApp", "/app")
def update_app(asked: Asked, body: UpdateAppRequest) -> UpdateAppResponse:
    """Revoke all user tokens that were issued before a moment."""
    return changing.update_app(body, world=asked.world)
