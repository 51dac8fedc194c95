"""The HTTP API: moto keeps what it is made of, `infra.local.http_api` answers requests."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import Creator, Environment, Properties, Resource


def _api(environment: Environment, properties: Properties) -> Resource:
    name = properties.require("Name")
    properties.only("ProtocolType", "HTTP")
    properties.ignore("Description", "Tags")
    properties.done()
    gateway = environment.client("apigatewayv2")
    if gateway.get_apis()["Items"]:
        raise TemplateError(f"{properties} is a second HTTP API: one is emulated")
    api = gateway.create_api(Name=name, ProtocolType="HTTP")
    return Resource(api["ApiId"], {"ApiId": api["ApiId"], "ApiEndpoint": environment.api_url})


def _integration(environment: Environment, properties: Properties) -> Resource:
    request = properties.among("ApiId", "IntegrationUri", "PayloadFormatVersion", "IntegrationType")
    if request["PayloadFormatVersion"] != "2.0" or request["IntegrationType"] != "AWS_PROXY":
        raise TemplateError(f"{properties} is not AWS_PROXY with payload format 2.0")
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
    if name != "$default":
        raise TemplateError(f"{properties} is named {name}: only $default is emulated")
    properties.ignore("AccessLogSettings", "AutoDeploy", "DefaultRouteSettings", "Tags")
    properties.done()
    environment.client("apigatewayv2").create_stage(ApiId=api, StageName=name)
    return Resource(name)


CREATORS: Mapping[str, Creator] = {
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::ApiGatewayV2::Integration": _integration,
    "AWS::ApiGatewayV2::Route": _route,
    "AWS::ApiGatewayV2::Stage": _stage,
}
