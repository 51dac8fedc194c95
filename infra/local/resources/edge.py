"""CloudFront: `infra.local.front_door` is the distribution, at the edge of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import (
    Creator,
    Environment,
    Properties,
    Resource,
    physical_name,
)

ORIGIN_FIELDS = {"CustomOriginConfig", "DomainName", "Id"}


def _distribution(environment: Environment, properties: Properties) -> Resource:
    """A distribution of which each path leads to the HTTP API or to the WebSocket API.

    What a function does to the path has no effect here: the data plane of the WebSocket API has
    one stage, and asks for no path.
    """
    config = Properties(
        properties.kind, properties.logical_id, properties.require("DistributionConfig")
    )
    properties.done()
    origins = {each["Id"]: _origin(properties, each) for each in config.require("Origins")}
    http, websocket = (
        urlsplit(url).netloc for url in (environment.api_url, environment.websocket_url)
    )
    otherwise, behaviors = config.require("DefaultCacheBehavior"), config.take("CacheBehaviors", [])
    config.ignore(
        "Aliases",
        "Comment",
        "CustomErrorResponses",
        "Enabled",
        "HttpVersion",
        "IPV6Enabled",
        "ViewerCertificate",
    )
    config.done()
    if origins.get(otherwise["TargetOriginId"]) != http:
        raise TemplateError(f"{properties} does not lead to the HTTP API unless told otherwise")
    for behavior in behaviors:
        path = behavior["PathPattern"]
        if origins.get(behavior["TargetOriginId"]) != websocket or "*" in path or "?" in path:
            raise TemplateError(f"{properties} leads {path} elsewhere than to the WebSocket API")
        environment.websocket_paths.add(path)
    name = physical_name(environment, properties.logical_id, 64)
    return Resource(name, {"DomainName": http, "Id": name})


def _origin(properties: Properties, origin: Mapping[str, Any]) -> str:
    if unknown := origin.keys() - ORIGIN_FIELDS:
        raise TemplateError(f"{properties} has an origin with {', '.join(unknown)}: not emulated")
    return str(origin["DomainName"])


def _function(environment: Environment, properties: Properties) -> Resource:
    name = physical_name(environment, properties.logical_id, 64)
    arn = f"arn:aws:cloudfront::{environment.account}:function/{name}"
    return Resource(arn, {"FunctionARN": arn})


CREATORS: Mapping[str, Creator] = {
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::CloudFront::Function": _function,
}
