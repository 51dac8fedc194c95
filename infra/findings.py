"""cdk-nag: what it finds stops the synthesis, unless a reason stands beside the resource."""

from __future__ import annotations

from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

PACK = "AwsSolutions"


def check(app: App) -> None:
    """Let `app.synth()` raise RuntimeError, and print, what cdk-nag finds in the app."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    """Accept findings below a construct.

    Args:
        construct: the findings of this and of everything below it are accepted.
        reasons: why, by the finding's id without the pack's name (`S1`, `IAM5[Resource::*]`).
    """
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"{PACK}-{rule}", reason=why) for rule, why in reasons.items())
    )
