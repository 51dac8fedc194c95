"""Resources that have names here but no effect: nobody enforces permissions on one machine.

What they mean is checked on the template itself, by the tests of `infra`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from infra.local.resources.resource import (
    Creator,
    Environment,
    Properties,
    Resource,
    physical_name,
)


def _role(environment: Environment, properties: Properties) -> Resource:
    """A role, because moto's Lambda wants it to exist; its policies are not read."""
    name = properties.take("RoleName", physical_name(environment, properties.logical_id, 64))
    role = environment.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties.require("AssumeRolePolicyDocument")),
    )["Role"]
    return Resource(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _named(service: str, path: str) -> Creator:
    """A creator of something whose `Ref` is its name."""

    def create(environment: Environment, properties: Properties) -> Resource:
        name = physical_name(environment, properties.logical_id, 128)
        return Resource(name, {"Arn": environment.arn(service, f"{path}{name}")})

    return create


def _managed_policy(environment: Environment, properties: Properties) -> Resource:
    name = physical_name(environment, properties.logical_id, 128)
    arn = f"arn:aws:iam::{environment.account}:policy/{name}"
    return Resource(arn, {"PolicyArn": arn})


CREATORS: Mapping[str, Creator] = {
    "AWS::ApiGateway::Account": _named("apigateway", "/account/"),
    "AWS::IAM::Role": _role,
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::IAM::Policy": _named("iam", "policy/"),
    "AWS::Lambda::Permission": _named("lambda", "permission/"),
    "AWS::Logs::LogGroup": _named("logs", "log-group:"),
    "AWS::CloudWatch::Alarm": _named("cloudwatch", "alarm:"),
    "AWS::S3::BucketPolicy": _named("s3", "policy/"),
    "AWS::SQS::QueuePolicy": _named("sqs", "policy/"),
    "AWS::Events::EventBusPolicy": _named("events", "policy/"),
    "AWS::CDK::Metadata": _named("cdk", ""),
}
