"""The API key and its secret, with which tokens and webhooks are signed."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.findings import acknowledge
from infra.logical_ids import pin

API_KEY = "isotrack"


class ApiSecret(Construct):
    """A secret `{"api_key": "isotrack", "api_secret": "<generated>"}`."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._secret = secretsmanager.Secret(
            self,
            "ApiSecret",
            description="API key and secret: signs tokens of clients and bodies of webhooks.",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"api_key": API_KEY}),
                generate_string_key="api_secret",
                password_length=64,
                exclude_punctuation=True,
            ),
        )
        pin(self._secret, "ApiSecret")
        acknowledge(
            self._secret,
            {
                "SMG4": "Every client's tokens are signed with it, so it is rotated by people, "
                "together with their clients, and not behind their backs."
            },
        )

    @property
    def arn(self) -> str:
        """The secret's ARN."""
        return self._secret.secret_arn

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Allow to read key and secret."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["secretsmanager:GetSecretValue"],
            resource_arns=[self._secret.secret_arn],
        )
