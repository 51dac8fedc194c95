"""The table of calls, people, recordings, connections and agents: `docs/table.md` is its design."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.logical_ids import pin

INDEX = "FoundBy"
"""Finds items by what they belong to besides their partition: a user, a connection, a file name."""


class Table(Construct):
    """One DynamoDB table, keys `pk` and `sk`; an item goes by itself when `expires_at` is past."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_string("pk"),
            sort_key=_string("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.table.add_global_secondary_index(
            index_name=INDEX,
            partition_key=_string("found_by"),
            sort_key=_string("pk"),
            # Not the values: an index entry is small, and most changes of an item leave it alone.
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["call_id", "call_type"],
        )
        pin(self.table, "Table")

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.table_name

    def grant_read_write(self, grantee: iam.IGrantable) -> None:
        """Allow what the adapters do: items by key, alone and in batches, and queries; no scan."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=[
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:Query",
            ],
            resource_arns=[self.table.table_arn],
        )
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:Query"],
            resource_arns=[f"{self.table.table_arn}/index/{INDEX}"],
        )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
