"""Buckets, tables and secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import (
    Creator,
    Environment,
    Properties,
    Resource,
    physical_name,
)

BUCKET_NAME_LIMIT = 63


def _bucket(environment: Environment, properties: Properties) -> Resource:
    account = environment.account
    name = physical_name(environment, properties.logical_id, BUCKET_NAME_LIMIT - len(account) - 1)
    name = properties.take("BucketName", f"{name}-{account}".lower())
    notifications = properties.take("NotificationConfiguration")
    versioning = properties.take("VersioningConfiguration")
    properties.ignore("BucketEncryption", "LifecycleConfiguration", "OwnershipControls", "Tags")
    properties.ignore("PublicAccessBlockConfiguration")
    properties.done()
    s3 = environment.client("s3")
    s3.create_bucket(Bucket=name)
    if versioning:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if notifications:
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration=_notifications(properties, notifications)
        )
    domain = f"{name}.s3.{environment.region}.amazonaws.com"
    return Resource(name, {"Arn": f"arn:aws:s3:::{name}", "RegionalDomainName": domain})


def _notifications(properties: Properties, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The template's spelling of a notification configuration in that of the API."""
    if unknown := configuration.keys() - {"QueueConfigurations"}:
        raise TemplateError(f"{properties} notifies by {', '.join(unknown)}: not emulated")
    return {
        "QueueConfigurations": [
            {
                "QueueArn": each["Queue"],
                "Events": [each["Event"]],
                "Filter": {
                    "Key": {"FilterRules": each.get("Filter", {}).get("S3Key", {}).get("Rules", [])}
                },
            }
            for each in configuration["QueueConfigurations"]
        ]
    }


def _table(environment: Environment, properties: Properties) -> Resource:
    name = properties.take("TableName", physical_name(environment, properties.logical_id, 255))
    ttl = properties.take("TimeToLiveSpecification")
    request = properties.among(
        "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"
    )
    properties.only("BillingMode", "PAY_PER_REQUEST")
    properties.ignore("PointInTimeRecoverySpecification", "SSESpecification", "Tags")
    properties.ignore("DeletionProtectionEnabled")
    properties.done()
    dynamodb = environment.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **request)
    if ttl:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    return Resource(name, {"Arn": environment.arn("dynamodb", f"table/{name}")})


def _secret(environment: Environment, properties: Properties) -> Resource:
    name = properties.take("Name", physical_name(environment, properties.logical_id, 512))
    text = properties.take("SecretString")
    generate = properties.take("GenerateSecretString")
    description = properties.take("Description", "")
    properties.ignore("KmsKeyId", "Tags")
    properties.done()
    secrets = environment.client("secretsmanager")
    if generate is not None:
        text = _generated(secrets, dict(generate))
    arn = secrets.create_secret(Name=name, SecretString=text or "", Description=description)["ARN"]
    return Resource(arn, {"Id": arn})


def _generated(secrets: Any, generate: dict[str, Any]) -> str:
    """A random password, inside the JSON of the template's `SecretStringTemplate` if it has one."""
    template = generate.pop("SecretStringTemplate", None)
    key = generate.pop("GenerateStringKey", None)
    password: str = secrets.get_random_password(**generate)["RandomPassword"]
    if template is None:
        return password
    return json.dumps({**json.loads(template), key: password})


CREATORS: Mapping[str, Creator] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::SecretsManager::Secret": _secret,
}
