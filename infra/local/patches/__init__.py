"""Every change made to moto, one module for each of its services.

moto keeps the state of the services and speaks their APIs; these patches give it what it has not:
things that happen by themselves, limits, and safety under concurrency. `docs/local-stack.md` lists
them; each has a contract test in `tests/infra/local`.
"""

from __future__ import annotations

from infra.local.patches import awslambda, dynamodb, events, s3, sqs, stepfunctions
from infra.local.patches.awslambda import Functions
from infra.local.patches.stepfunctions import Watch
from infra.local.sources import Sources
from infra.local.workers import Workers


def install(workers: Workers, functions: Functions, sources: Sources) -> Watch:
    """Patch moto in this process, for good.

    Returns:
        The executions of state machines, as they are watched.
    """
    awslambda.install(workers, functions, sources)
    events.install(functions)
    s3.install()
    sqs.install()
    dynamodb.install()
    return stepfunctions.install()
