"""What agents on SFU hosts may do, and the queues by which they are poked."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.findings import acknowledge
from infra.logical_ids import pin
from infra.storage import Storage


class Agents(Construct):
    """The policy that an operator attaches to the role of their SFU hosts.

    Attributes:
        queue_prefix: begins the name of every agent's queue; the API makes the queues.
        policy: allows to write raw recordings and to read the agents' queues.
    """

    def __init__(self, scope: Construct, construct_id: str, *, storage: Storage) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.queue_prefix = f"{stack.stack_name.lower()}-agent-"
        self._queues = stack.format_arn(service="sqs", resource=f"{self.queue_prefix}*")
        self.policy = iam.ManagedPolicy(
            self, "AgentPolicy", description="Capture agents: write chunks, hear of changes."
        )
        pin(self.policy, "AgentPolicy")
        storage.grant_capture(self.policy)
        acknowledge(
            stack,
            {
                "IAM5[Resource::arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:"
                f"{self.queue_prefix}*]": "An agent's queue is made when it first reports."
            },
        )
        self._allow(self.policy, "sqs:ReceiveMessage", "sqs:DeleteMessage")

    def grant_poke(self, grantee: iam.IGrantable) -> None:
        """Allow to make an agent's queue and to send to it."""
        self._allow(grantee, "sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:SendMessage")

    def _allow(self, grantee: iam.IGrantable, *actions: str) -> None:
        iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=[self._queues]
        )
