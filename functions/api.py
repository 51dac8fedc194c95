"""The HTTP API: all its operations behind one function."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import runtime, wiring
from functions.asking import Asked, asked
from functions.operations import Asking
from functions.resolver import resolver
from functions.routes import OPERATIONS
from functions.runtime import logger
from functions.wiring import Settings
from isotrack.adapters.remembered import RememberedUserTable

__all__ = ["Settings", "app", "handler"]


def ask(event: APIGatewayProxyEventV2, asking: Asking) -> Asked:
    """Who sent a request. Raises Unauthenticated, Forbidden or Transient."""
    secret = runtime.api_secret(wiring.settings().api_secret_arn)
    world = wiring.world()
    once = world._replace(users=RememberedUserTable(world.users))
    return asked(event, asking, secret=secret, world=once, now=runtime.now())


app = resolver(OPERATIONS, ask)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of API Gateway (payload format 2.0)."""
    return app.resolve(event, context)
