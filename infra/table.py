"""The table of calls, recordings, files and agents."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.logical_ids import pin


class Table(Construct):
    """One DynamoDB table, keys `pk` and `sk`; an item goes by itself when `expires_at` is past."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )
        pin(self.table, "Table")

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.table_name

    def grant_read_write(self, grantee: iam.IGrantable) -> None:
        """Allow to read and write whole items by key, which is all that the adapter does."""
        self.table.grant(grantee, "dynamodb:GetItem", "dynamodb:PutItem")
