"""Alarms on counts that should be nought."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.logical_ids import pin


def alarm_on_any(
    scope: Construct, logical_id: str, metric: cloudwatch.Metric, *, description: str
) -> None:
    """Go off as soon as the metric is one or more, and rest while there is none of it."""
    alarm = metric.create_alarm(
        scope,
        logical_id,
        alarm_description=description,
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    pin(alarm, logical_id)
