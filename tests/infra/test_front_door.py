from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from infra.node import bundled_node
from tests.infra.reading import properties, text

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# Developer Guide, "How CloudFront caches HTTP 4xx and 5xx status codes": for 10 s, unless told.
KEPT_BY_DEFAULT = {404, 414, 500, 501, 502, 503, 504}


@pytest.fixture
def config(template: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = properties(template, "FrontDoor")["DistributionConfig"]
    return found


def behaviors(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]


def host(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> Any:
    [origin] = [each for each in config["Origins"] if each["Id"] == behavior["TargetOriginId"]]
    return origin["DomainName"]


def host_of(api: str) -> dict[str, Any]:
    return {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": [api, "ApiEndpoint"]}]}]}


def test_clients_connect_where_they_look_for_it_and_all_else_is_the_http_api(
    config: dict[str, Any],
) -> None:
    [connect] = config["CacheBehaviors"]
    assert connect["PathPattern"] == "/video/connect"
    assert host(config, connect) == host_of("WebSocketApi")
    assert host(config, config["DefaultCacheBehavior"]) == host_of("HttpApi")


def test_nothing_is_kept_and_everything_is_passed_on_but_the_host(config: dict[str, Any]) -> None:
    for behavior in behaviors(config):
        assert behavior["CachePolicyId"] == CACHING_DISABLED
        assert behavior["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
        assert {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} <= set(
            behavior["AllowedMethods"]
        )


def test_the_refusal_of_one_is_not_kept_for_the_others(config: dict[str, Any]) -> None:
    seconds = {
        each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in config["CustomErrorResponses"]
    }
    assert set(seconds) >= KEPT_BY_DEFAULT
    assert set(seconds.values()) == {0}
    assert all("ResponsePagePath" not in each for each in config["CustomErrorResponses"])


def test_there_is_no_way_in_or_through_without_tls(config: dict[str, Any]) -> None:
    for behavior in behaviors(config):
        assert behavior["ViewerProtocolPolicy"] == "https-only"
    for origin in config["Origins"]:
        assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
        assert origin["CustomOriginConfig"]["OriginSSLProtocols"] == ["TLSv1.2"]


def test_a_domain_of_ones_own_comes_with_tls_1_2(config: dict[str, Any]) -> None:
    condition, certificate, otherwise = config["ViewerCertificate"]["Fn::If"]
    assert condition == "HasApiDomain"
    assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert config["Aliases"]["Fn::If"] == ["HasApiDomain", [{"Ref": "ApiDomain"}], otherwise]


def test_the_address_of_the_api_is_the_front_doors(template: Mapping[str, Any]) -> None:
    [separator, [scheme, chosen]] = template["Outputs"]["ApiUrl"]["Value"]["Fn::Join"]
    assert (separator, scheme) == ("", "https://")
    condition, own, ours = chosen["Fn::If"]
    assert (condition, text(own), text(ours)) == (
        "HasApiDomain",
        "${ApiDomain}",
        "${FrontDoor.DomainName}",
    )


def test_the_path_that_clients_ask_for_becomes_the_path_of_the_stage(
    template: Mapping[str, Any], config: dict[str, Any]
) -> None:
    [association] = config["CacheBehaviors"][0]["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
    assert text(association["FunctionARN"]) == "${ConnectPath.FunctionARN}"
    rewrite = properties(template, "ConnectPath")
    assert rewrite["AutoPublish"] is True
    assert rewritten(rewrite["FunctionCode"], "/video/connect") == {
        "method": "GET",
        "uri": f"/{properties(template, 'WebSocketStage')['StageName']}",
        "querystring": {"api_key": {"value": "key"}},
    }


def rewritten(code: str, path: str) -> Any:
    """What the function makes of a request: run by Node."""
    request = {"method": "GET", "uri": path, "querystring": {"api_key": {"value": "key"}}}
    event = json.dumps({"version": "1.0", "request": request})
    program = f"{code}; console.log(JSON.stringify(handler({event})))"
    node = bundled_node()
    assert node is not None
    ran = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)
