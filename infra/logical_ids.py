"""Logical ids that others rely on: the local stack, the tests, whoever reads the template."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnElement
from constructs import IConstruct


def pin(construct: IConstruct, logical_id: str) -> None:
    """Give the construct's own resource this logical id, wherever in the tree it stands."""
    cast(CfnElement, construct.node.default_child).override_logical_id(logical_id)
