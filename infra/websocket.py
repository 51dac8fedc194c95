"""The WebSocket API over which users hear of their calls, and the function behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

from infra.findings import acknowledge
from infra.images import LOG_RETENTION, ImageFunction, Target
from infra.logical_ids import pin
from infra.secret import ApiSecret
from infra.table import Table

STAGE = "video"
TIMEOUT = Duration.seconds(29)  # API Gateway gives up after 29 s
# A connected client says every 25 s that it is there: this is for some 10,000 of them.
MESSAGES_PER_SECOND = 500
BURST = 1000
# Not the query, in which clients name their key.
ACCESS_LOG = {
    "time": "$context.requestTime",
    "request_id": "$context.requestId",
    "connection_id": "$context.connectionId",
    "source_ip": "$context.identity.sourceIp",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "error": "$context.error.message",
    "integration_error": "$context.integrationErrorMessage",
}
# What API Gateway asks of the role by which it writes access logs.
WRITE_LOGS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
)


class WebSocket(Construct):
    """A WebSocket API whose connections, messages and ends go to one function.

    Attributes:
        api: has the logical id `WebSocketApi`.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, table: Table, secret: ApiSecret
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.WebSocketApi(self, "WebSocketApi")
        pin(self.api, "WebSocketApi")
        function = self._function(
            {"TABLE": table.name, "API_SECRET_ARN": secret.arn, "WEBSOCKET_URL": self.url}
        )
        table.grant_read_write(function)
        secret.grant_read(function)
        self.grant_send(function)
        self._routes(function)
        acknowledge(
            Stack.of(self),
            {
                "IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:"
                f"<WebSocketApi>/{STAGE}/*/@connections/*]": "Who will connect is not known before."
            },
        )
        self._stage().node.add_dependency(self._log_role())

    @property
    def url(self) -> str:
        """Where the stage is, `wss://...`: clients connect to it, functions post below it."""
        return f"{self.api.api_endpoint}/{STAGE}"

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Allow to send to connections, and to close them."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["execute-api:ManageConnections"],
            resource_arns=[
                Stack.of(self).format_arn(
                    service="execute-api",
                    resource=self.api.api_id,
                    resource_name=f"{STAGE}/*/@connections/*",
                )
            ],
        )

    def _function(self, environment: Mapping[str, str]) -> lambda_.Function:
        return ImageFunction(
            self,
            "websocket",
            target=Target.CONTROL,
            description="Lets users connect over WebSocket and answers what they say.",
            environment=environment,
            timeout=TIMEOUT,
        ).function

    def _routes(self, function: lambda_.Function) -> None:
        for key in ("$connect", "$default", "$disconnect"):
            self.api.add_route(key, integration=WebSocketLambdaIntegration("Integration", function))
        acknowledge(
            self.api,
            {
                "APIG4": "A browser cannot send a token with the request that opens a WebSocket: "
                "the first message has it, and until then nothing is sent to the connection."
            },
        )

    def _stage(self) -> apigateway.WebSocketStage:
        log_group = logs.LogGroup(
            self, "AccessLogs", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY
        )
        stage = apigateway.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=STAGE,
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=MESSAGES_PER_SECOND, burst_limit=BURST),
        )
        pin(stage, "WebSocketStage")
        deployed = cast(apigateway.CfnStage, stage.node.default_child)
        deployed.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        return stage

    def _log_role(self) -> rest.CfnAccount:
        """The role by which API Gateway logs, one for the account and region.

        Only WebSocket and REST APIs need it. It stays when the stack goes, as others may log by it.
        """
        role = iam.Role(
            self,
            "LogRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            inline_policies={
                "WriteLogs": iam.PolicyDocument(
                    statements=[iam.PolicyStatement(actions=list(WRITE_LOGS), resources=["*"])]
                )
            },
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        pin(role, "ApiGatewayLogRole")
        acknowledge(
            role, {"IAM5[Resource::*]": "API Gateway refuses a role that may write to fewer logs."}
        )
        account = rest.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        account.apply_removal_policy(RemovalPolicy.RETAIN)
        account.override_logical_id("ApiGatewayAccount")
        return account
