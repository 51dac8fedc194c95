from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.infra.reading import of_type, permissions, properties, text

FUNCTION = "${WebsocketFunction.Arn}"


def test_connections_messages_and_ends_all_go_to_one_function(template: Mapping[str, Any]) -> None:
    routes = {
        route["RouteKey"]: text(route["Target"]).removeprefix("integrations/")
        for route in of_type(template, "AWS::ApiGatewayV2::Route").values()
        if route["ApiId"] == {"Ref": "WebSocketApi"}
    }
    assert set(routes) == {"$connect", "$default", "$disconnect"}
    for integration in routes.values():
        wanted = properties(template, integration.strip("${}"))
        assert wanted["IntegrationType"] == "AWS_PROXY"
        assert f"/functions/{FUNCTION}/invocations" in text(wanted["IntegrationUri"])


def test_only_our_api_may_invoke_the_function(template: Mapping[str, Any]) -> None:
    allowed = [
        permission
        for permission in of_type(template, "AWS::Lambda::Permission").values()
        if text(permission["FunctionName"]) == FUNCTION
    ]
    assert {permission["Principal"] for permission in allowed} == {"apigateway.amazonaws.com"}
    assert {
        text(permission["SourceArn"]).partition(":execute-api:")[2] for permission in allowed
    } == {
        f"${{AWS::Region}}:${{AWS::AccountId}}:${{WebSocketApi}}/*{route}"
        for route in ("$connect", "$default", "$disconnect")
    }


def test_the_stage_has_the_name_that_its_url_is_told_by(template: Mapping[str, Any]) -> None:
    assert properties(template, "WebSocketStage")["StageName"] == "video"
    for function in ("WebsocketFunction", "PushFunction"):
        variables = properties(template, function)["Environment"]["Variables"]
        assert text(variables["WEBSOCKET_URL"]) == "${WebSocketApi.ApiEndpoint}/video"


def test_the_function_answers_before_the_gateway_gives_up(template: Mapping[str, Any]) -> None:
    assert properties(template, "WebsocketFunction")["Timeout"] <= 29


def test_messages_are_limited_and_logged_without_what_may_hold_a_token(
    template: Mapping[str, Any],
) -> None:
    stage = properties(template, "WebSocketStage")
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingBurstLimit": 1000,
        "ThrottlingRateLimit": 500,
    }
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"connection_id", "event", "status"} <= set(logged)
    assert not any("query" in value.lower() or "header" in value for value in logged.values())
    assert stage["AutoDeploy"] is True


def test_the_gateway_may_log_before_the_stage_is_made(template: Mapping[str, Any]) -> None:
    assert template["Resources"]["WebSocketStage"]["DependsOn"] == ["ApiGatewayAccount"]
    account = properties(template, "ApiGatewayAccount")
    assert text(account["CloudWatchRoleArn"]) == "${ApiGatewayLogRole.Arn}"


def test_what_is_set_for_the_whole_account_stays_when_the_stack_goes(
    template: Mapping[str, Any],
) -> None:
    for name in ("ApiGatewayAccount", "ApiGatewayLogRole"):
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"


def test_the_role_that_logs_may_only_log(template: Mapping[str, Any]) -> None:
    [policy] = properties(template, "ApiGatewayLogRole")["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert all(action.startswith("logs:") for action in statement["Action"])
    assert not any("*" in action or "Delete" in action for action in statement["Action"])


def test_connections_are_managed_in_the_one_stage_only(template: Mapping[str, Any]) -> None:
    for name in ("Websocket", "Push"):
        [resource] = [
            resource
            for resource, actions in permissions(template, f"{name}Role").items()
            if "execute-api:ManageConnections" in actions
        ]
        assert resource.endswith(":${WebSocketApi}/video/*/@connections/*")
