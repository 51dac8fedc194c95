"""The HTTP API and the function that answers it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.agents import Agents
from infra.events import Events
from infra.findings import acknowledge
from infra.images import LOG_RETENTION, ImageFunction, Target
from infra.logical_ids import pin
from infra.parameters import Parameters
from infra.secret import ApiSecret
from infra.storage import Storage
from infra.table import Table

TIMEOUT = Duration.seconds(29)  # API Gateway gives up after 30 s
REQUESTS_PER_SECOND = 200
BURST = 400
# Neither query nor headers: clients may carry a token in either.
ACCESS_LOG = {
    "time": "$context.requestTime",
    "request_id": "$context.requestId",
    "source_ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_error": "$context.integrationErrorMessage",
}


class Api(Construct):
    """An HTTP API with one route: the function does the routing, here and on one machine.

    Attributes:
        http_api: has the logical id `HttpApi`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: Table,
        events: Events,
        storage: Storage,
        machine: sfn.StateMachine,
        secret: ApiSecret,
        parameters: Parameters,
        agents: Agents,
    ) -> None:
        super().__init__(scope, construct_id)
        answer = self._function(
            {
                "TABLE": table.name,
                "EVENT_BUS": events.bus.event_bus_name,
                "RAW_STORE": f"s3://{storage.raw.bucket_name}",
                "RECORDINGS_STORE": f"s3://{storage.recordings.bucket_name}",
                "FILE_RETENTION_DAYS": str(storage.recordings_retention.to_days()),
                "STATE_MACHINE_ARN": machine.state_machine_arn,
                "API_SECRET_ARN": secret.arn,
                "AGENT_QUEUE_PREFIX": agents.queue_prefix,
                "DEFAULT_MODE": parameters.default_mode,
                "DEFAULT_OUTPUT_TYPES": parameters.default_output_types,
            }
        )
        table.grant_read_write(answer)
        events.grant_put(answer)
        secret.grant_read(answer)
        agents.grant_poke(answer)
        storage.grant_read_raw(answer)  # to find what can be made again
        storage.grant_read_recordings(answer)  # it signs links
        storage.grant_write_recordings(answer)  # a recording may be complete when it stops
        storage.grant_delete_recordings(answer)
        machine.grant_start_execution(answer)
        self.http_api = self._gateway(answer)
        self._stage()

    def _function(self, environment: Mapping[str, str]) -> lambda_.Function:
        return ImageFunction(
            self,
            "api",
            target=Target.CONTROL,
            description="Answers the HTTP API.",
            environment=environment,
            timeout=TIMEOUT,
        ).function

    def _gateway(self, answer: lambda_.Function) -> apigateway.HttpApi:
        http_api = apigateway.HttpApi(self, "HttpApi", create_default_stage=False)
        pin(http_api, "HttpApi")
        http_api.add_routes(
            path="/{proxy+}",
            methods=[apigateway.HttpMethod.ANY],
            integration=HttpLambdaIntegration("Integration", answer),
        )
        acknowledge(
            http_api,
            {
                "APIG4": "Tokens are signed with a shared secret (HS256), which no authorizer of "
                "the gateway can hold: the function checks them, on AWS and on one machine."
            },
        )
        return http_api

    def _stage(self) -> None:
        log_group = logs.LogGroup(
            self, "AccessLogs", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=REQUESTS_PER_SECOND, burst_limit=BURST),
        )
        pin(stage, "HttpStage")
        deployed = cast(apigateway.CfnStage, stage.node.default_child)
        deployed.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
