"""The CDK app: `python -m infra.app` writes the cloud assembly to `cdk.out`.

Under the CDK command line (`cdk synth`, `cdk deploy`) the command line says where to write it.
"""

from __future__ import annotations

import os

from infra.node import select_node

STACK_NAME = "Isotrack"
# Behavior of aws-cdk-lib, chosen here and not in cdk.json, so that every way to synthesize agrees.
FEATURES = {"@aws-cdk/aws-iam:minimizePolicies": True}
DEFAULT_FILE_RETENTION_DAYS = 14


def synthesize(outdir: str) -> None:
    """Write the cloud assembly of the app, once cdk-nag has nothing left to say.

    Context `file_retention_days` says for how long recording files are kept.

    Raises:
        RuntimeError: the stack is wrong, or has a finding that nobody gave a reason for.
    """
    select_node()
    # Only here, since importing aws_cdk starts Node.
    from aws_cdk import App, Duration

    from infra.findings import check
    from infra.stack import IsotrackStack

    app = App(outdir=outdir, context=FEATURES, analytics_reporting=False)
    days = app.node.try_get_context("file_retention_days") or DEFAULT_FILE_RETENTION_DAYS
    IsotrackStack(app, STACK_NAME, file_retention=Duration.days(int(days)))
    check(app)
    app.synth()


if __name__ == "__main__":
    synthesize(os.environ.get("CDK_OUTDIR", "cdk.out"))
