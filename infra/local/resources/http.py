"""The HTTP API and the WebSocket API: moto keeps what they are made of.

`infra.local.http_api` and `infra.local.websocket_api` answer for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import Creator, Environment, Properties, Resource

HTTP, WEBSOCKET = "HTTP", "WEBSOCKET"


def _api(environment: Environment, properties: Properties) -> Resource:
    request = properties.among("Name", "ProtocolType")
    kind = request["ProtocolType"]
    urls = {HTTP: environment.api_url, WEBSOCKET: environment.websocket_url}
    if kind not in urls:
        raise TemplateError(f"{properties} is of type {kind}: not emulated")
    if kind == WEBSOCKET:
        request["RouteSelectionExpression"] = properties.require("RouteSelectionExpression")
    properties.ignore("Description", "Tags")
    properties.done()
    gateway = environment.client("apigatewayv2")
    if any(each["ProtocolType"] == kind for each in gateway.get_apis()["Items"]):
        raise TemplateError(f"{properties} is a second {kind} API: one is emulated")
    api = gateway.create_api(**request)
    return Resource(api["ApiId"], {"ApiId": api["ApiId"], "ApiEndpoint": urls[kind]})


def _integration(environment: Environment, properties: Properties) -> Resource:
    request = properties.among("ApiId", "IntegrationUri", "PayloadFormatVersion", "IntegrationType")
    wanted = "2.0" if _kind(environment, request["ApiId"]) == HTTP else None
    if request.get("PayloadFormatVersion") != wanted or request["IntegrationType"] != "AWS_PROXY":
        raise TemplateError(f"{properties} is not AWS_PROXY with payload format {wanted}")
    properties.done()
    integration = environment.client("apigatewayv2").create_integration(**request)
    return Resource(integration["IntegrationId"])


def _route(environment: Environment, properties: Properties) -> Resource:
    request = properties.among("ApiId", "RouteKey", "Target")
    properties.only("AuthorizationType", "NONE")
    properties.done()
    return Resource(environment.client("apigatewayv2").create_route(**request)["RouteId"])


def _stage(environment: Environment, properties: Properties) -> Resource:
    api, name = properties.require("ApiId"), properties.require("StageName")
    if name != "$default" and _kind(environment, api) == HTTP:
        raise TemplateError(f"{properties} is named {name}: only $default is emulated")
    properties.ignore("AccessLogSettings", "AutoDeploy", "DefaultRouteSettings", "Tags")
    properties.done()
    environment.client("apigatewayv2").create_stage(ApiId=api, StageName=name)
    return Resource(name)


def _kind(environment: Environment, api_id: str) -> Any:
    return environment.client("apigatewayv2").get_api(ApiId=api_id)["ProtocolType"]


CREATORS: Mapping[str, Creator] = {
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::ApiGatewayV2::Integration": _integration,
    "AWS::ApiGatewayV2::Route": _route,
    "AWS::ApiGatewayV2::Stage": _stage,
}
