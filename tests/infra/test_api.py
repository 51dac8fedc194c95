from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.infra.reading import of_type, properties, text


def _of_api(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        name: wanted
        for name, wanted in of_type(template, kind).items()
        if wanted["ApiId"] == {"Ref": "HttpApi"}
    }


def test_every_request_goes_to_one_function_which_does_the_routing(
    template: Mapping[str, Any],
) -> None:
    [route] = _of_api(template, "AWS::ApiGatewayV2::Route").values()
    [(name, integration)] = _of_api(template, "AWS::ApiGatewayV2::Integration").items()
    assert route["RouteKey"] == "ANY /{proxy+}"
    assert text(route["Target"]) == f"integrations/${{{name}}}"
    assert integration["PayloadFormatVersion"] == "2.0"
    assert text(integration["IntegrationUri"]) == "${ApiFunction.Arn}"


def test_only_our_api_may_invoke_the_function(template: Mapping[str, Any]) -> None:
    [permission] = [
        permission
        for permission in of_type(template, "AWS::Lambda::Permission").values()
        if text(permission["FunctionName"]) == "${ApiFunction.Arn}"
    ]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert ":${HttpApi}/" in text(permission["SourceArn"])


def test_the_function_answers_before_the_gateway_gives_up(template: Mapping[str, Any]) -> None:
    assert properties(template, "ApiFunction")["Timeout"] < 30


def test_requests_are_limited_and_logged_without_what_may_hold_a_token(
    template: Mapping[str, Any],
) -> None:
    stage = properties(template, "HttpStage")
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingBurstLimit": 400,
        "ThrottlingRateLimit": 200,
    }
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"status", "path", "latency_ms"} <= set(logged)
    assert not any("query" in value.lower() or "header" in value for value in logged.values())
    assert stage["AutoDeploy"] is True


def test_the_secret_is_made_by_aws_and_long_enough_for_hs256(template: Mapping[str, Any]) -> None:
    made = properties(template, "ApiSecret")["GenerateSecretString"]
    assert json.loads(made["SecretStringTemplate"]) == {"api_key": "isotrack"}
    assert made["GenerateStringKey"] == "api_secret"
    assert made["PasswordLength"] >= 32  # RFC 7518, section 3.2
