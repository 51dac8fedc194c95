"""Lambda functions from container images: one Dockerfile, two targets, the handler by command."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_ecr_assets import Platform
from constructs import Construct

from infra.findings import acknowledge
from infra.logical_ids import pin

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = "functions/Dockerfile"
LOG_RETENTION = logs.RetentionDays.ONE_MONTH
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME": "isotrack", "POWERTOOLS_LOG_LEVEL": "INFO"}


class Target(StrEnum):
    """A stage of `functions/Dockerfile`: an image that several functions share."""

    CONTROL = "control"
    MEDIA = "media"


def _code(target: Target, handler: str) -> lambda_.DockerImageCode:
    """An image of the target; functions that share a target share the image."""
    return lambda_.DockerImageCode.from_image_asset(
        str(ROOT),
        file=DOCKERFILE,
        target=target.value,
        cmd=[handler],
        platform=Platform.LINUX_ARM64,
        ignore_mode=IgnoreMode.DOCKER,
        # An allow-list: what is not in an image must not change its hash.
        exclude=[
            "**",
            "!isotrack/**/*.py",
            "!functions/**/*.py",
            f"!{DOCKERFILE}",
            f"!requirements/{target}.txt",
        ],
    )


class ImageFunction(Construct):
    """A Lambda function with its own role, log group and traces.

    Attributes:
        function: has the logical id `{Name}Function` and runs `functions.{name}.handler`.
        timeout: the longest that one invocation may take.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        target: Target,
        description: str,
        environment: Mapping[str, str],
        timeout: Duration,
        memory_mb: int = 512,
    ) -> None:
        title = name.capitalize()
        super().__init__(scope, title)
        self.timeout = timeout
        log_group = logs.LogGroup(
            self, "Logs", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY
        )
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            code=_code(target, f"functions.{name}.handler"),
            architecture=lambda_.Architecture.ARM_64,
            description=description,
            environment={**environment, **POWERTOOLS},
            timeout=timeout,
            memory_size=memory_mb,
            role=self._role(log_group, f"{title}Role", f"{title}Policy"),
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
        )
        pin(log_group, f"{title}Logs")
        pin(self.function, f"{title}Function")

    def _role(self, log_group: logs.LogGroup, role_id: str, policy_id: str) -> iam.Role:
        """A role that may log; not AWS's managed one, which may write to any log group."""
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        pin(role, role_id)
        pin(role.node.find_child("DefaultPolicy"), policy_id)
        acknowledge(
            role, {"IAM5[Resource::*]": "X-Ray has no resources to name: traces go to `*`."}
        )
        return role
