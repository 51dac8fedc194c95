from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.template import SHIPPED, dump, normalize, read, shipped
from tests.infra.conftest import ROOT

CONTRACT = {
    "RawBucket": "AWS::S3::Bucket",
    "RecordingsBucket": "AWS::S3::Bucket",
    "ManifestQueue": "AWS::SQS::Queue",
    "WebhookQueue": "AWS::SQS::Queue",
    "SubscriberQueue": "AWS::SQS::Queue",
    "EventBus": "AWS::Events::EventBus",
    "Table": "AWS::DynamoDB::Table",
    "ApiSecret": "AWS::SecretsManager::Secret",
    "StateMachine": "AWS::StepFunctions::StateMachine",
    "StarterFunction": "AWS::Lambda::Function",
    "PlanFunction": "AWS::Lambda::Function",
    "RemuxFunction": "AWS::Lambda::Function",
    "AnnounceFunction": "AWS::Lambda::Function",
    "CompleteFunction": "AWS::Lambda::Function",
    "WebhookFunction": "AWS::Lambda::Function",
    "ApiFunction": "AWS::Lambda::Function",
    "WebsocketFunction": "AWS::Lambda::Function",
    "PushFunction": "AWS::Lambda::Function",
    "HttpApi": "AWS::ApiGatewayV2::Api",
    "WebSocketApi": "AWS::ApiGatewayV2::Api",
    "PushQueue": "AWS::SQS::Queue",
    "FrontDoor": "AWS::CloudFront::Distribution",
    "AgentPolicy": "AWS::IAM::ManagedPolicy",
}
OUTPUTS = {
    "RawBucket",
    "RecordingsBucket",
    "ApiUrl",
    "EventBus",
    "SubscriberQueueUrl",
    "ApiSecretArn",
    "WebhookDeadLettersUrl",
    "PushDeadLettersUrl",
    "StateMachineArn",
    "AgentPolicyArn",
}


def test_the_shipped_template_is_what_the_app_synthesizes(assembly: Path) -> None:
    assert SHIPPED.read_text() == dump(read(assembly)), "run `python -m infra.template`"


def test_resources_that_others_name_keep_their_logical_ids(template: Mapping[str, Any]) -> None:
    kinds = {name: template["Resources"].get(name, {}).get("Type") for name in CONTRACT}
    assert kinds == CONTRACT


def test_the_outputs_are_what_an_operator_needs_to_know(template: Mapping[str, Any]) -> None:
    assert set(template["Outputs"]) == OUTPUTS


def test_the_shipped_template_tells_nothing_of_where_it_was_made() -> None:
    text = SHIPPED.read_text()
    assert not re.search(r"[0-9a-f]{64}", text), "a hash of an asset"
    assert not re.search(r"(?<!\d)\d{12}(?!\d)", text), "an account"
    assert str(ROOT) not in text


def test_the_shipped_template_is_read_without_the_cdk() -> None:
    program = (
        "import sys; from infra.template import shipped; shipped(); "
        "sys.exit(any(name in sys.modules for name in ('aws_cdk', 'jsii', 'constructs')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_an_image_is_named_by_its_target_and_what_only_the_cdk_needs_is_left_out() -> None:
    synthesized = {
        "Parameters": {"BootstrapVersion": {}, "WebhookUrl": {}},
        "Rules": {"CheckBootstrapVersion": {}},
        "Resources": {
            "F": {
                "Metadata": {"aws:asset:path": "asset.abc"},
                "Properties": {"Code": {"ImageUri": {"Fn::Sub": "repository:abc"}}},
            }
        },
    }
    before = json.dumps(synthesized)
    assets = {"dockerImages": {"abc": {"source": {"dockerBuildTarget": "media"}}}}
    assert normalize(synthesized, assets) == {
        "Parameters": {"WebhookUrl": {}},
        "Resources": {"F": {"Properties": {"Code": {"ImageUri": {"Fn::Sub": "repository:media"}}}}},
    }
    assert json.dumps(synthesized) == before


def test_dumping_what_was_read_gives_the_same_text() -> None:
    assert dump(shipped()) == SHIPPED.read_text()
