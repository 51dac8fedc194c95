from __future__ import annotations

from typing import Any

import pytest

from infra.local.deployer import deploy
from infra.local.intrinsics import TemplateError
from infra.local.resources.resource import Environment


def never(service: str) -> Any:
    raise AssertionError(f"CloudFront is nothing that {service} knows of")


@pytest.fixture
def environment() -> Environment:
    return Environment(
        stack_name="Stack",
        region="us-east-1",
        account="123456789012",
        client=never,
        api_url="http://127.0.0.1:1",
        websocket_url="ws://127.0.0.1:2",
        websocket_paths=set(),
    )


def template(**changes: Any) -> dict[str, Any]:
    config = {
        "Enabled": True,
        "Origins": [
            {"Id": "http", "DomainName": "127.0.0.1:1"},
            {"Id": "websocket", "DomainName": "127.0.0.1:2"},
        ],
        "DefaultCacheBehavior": {"TargetOriginId": "http"},
        "CacheBehaviors": [{"PathPattern": "/connect", "TargetOriginId": "websocket"}],
        **changes,
    }
    door = {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}}
    return {
        "Resources": {"Door": door},
        "Outputs": {"Domain": {"Value": {"Fn::GetAtt": ["Door", "DomainName"]}}},
    }


def test_the_paths_of_the_websocket_api_are_known_to_the_front_door(environment):
    deployed = deploy(template(), {}, environment)
    assert deployed.outputs == {"Domain": "127.0.0.1:1"}
    assert environment.websocket_paths == {"/connect"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"DefaultCacheBehavior": {"TargetOriginId": "websocket"}}, "does not lead to the HTTP"),
        ({"CacheBehaviors": [{"PathPattern": "/a", "TargetOriginId": "http"}]}, "leads /a"),
        ({"CacheBehaviors": [{"PathPattern": "/a*", "TargetOriginId": "websocket"}]}, "leads /a"),
        ({"Origins": [{"Id": "http", "DomainName": "a", "OriginPath": "/x"}]}, "OriginPath"),
        ({"WebACLId": "acl"}, "WebACLId"),
    ],
)
def test_what_the_front_door_does_not_do_is_refused(environment, changes, problem):
    with pytest.raises(TemplateError, match=problem):
        deploy(template(**changes), {}, environment)
    assert environment.websocket_paths == set()
