from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from infra.local.stack import ROOT, TEMPLATE, Credentials, LocalStack, StackError


def listening(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((urlsplit(url).hostname, urlsplit(url).port)) == 0


def test_the_shipped_template_deploys_and_its_stack_leaves_nothing_behind(tmp_path):
    with LocalStack(parameters={"WebhookUrl": "http://127.0.0.1:9/"}, folder=tmp_path) as stack:
        declared = json.loads(TEMPLATE.read_text())
        assert stack.outputs.keys() == declared["Outputs"].keys()
        assert stack.resources.keys() == declared["Resources"].keys()
        assert stack.credentials.api_key
        assert len(stack.credentials.api_secret) == 64
        assert stack.outputs["ApiUrl"] == stack.api_url
        assert listening(stack.endpoint)
        webhook = stack.client("lambda").get_function_configuration(
            FunctionName=stack.resources["WebhookFunction"]
        )
        assert webhook["Environment"]["Variables"]["WEBHOOK_URL"] == "http://127.0.0.1:9/"
        assert stack.executions() == []
    assert not listening(stack.endpoint)
    assert not listening(stack.api_url)


def test_the_credentials_are_those_of_the_secret(stack):
    credentials = stack.credentials
    assert credentials == Credentials("key", credentials.api_secret)
    assert len(credentials.api_secret) == 40


def test_the_environment_points_an_aws_client_at_the_stack(stack, monkeypatch):
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    buckets = boto3.session.Session().client("s3").list_buckets()["Buckets"]
    assert stack.outputs["Raw"] in [each["Name"] for each in buckets]


def test_what_a_function_writes_is_in_its_log(stack, act):
    act({"do": "raise", "error": "CorruptInput", "message": "for the log"})
    assert "for the log" in stack.log("Act")


def test_a_template_that_cannot_be_deployed_says_why(tmp_path):
    template = {"Resources": {"Cluster": {"Type": "AWS::EKS::Cluster"}}}
    with (
        pytest.raises(StackError, match="AWS::EKS::Cluster"),
        LocalStack(template, folder=tmp_path),
    ):
        pass


def test_a_port_that_is_taken_says_so(stack, tmp_path):
    port = urlsplit(stack.endpoint).port
    with (
        pytest.raises(StackError, match="Address already in use"),
        LocalStack({"Resources": {}}, folder=tmp_path, aws_port=port),
    ):
        pass


def test_up_prints_how_to_reach_the_stack_and_ends_on_a_signal(tmp_path):
    declared = json.loads(Path(__file__).with_name("template_for_tests.json").read_text())
    template = tmp_path / "template.json"
    template.write_text(
        json.dumps({"Resources": {"ApiSecret": declared["Resources"]["ApiSecret"]}})
    )
    command = [sys.executable, "-m", "infra.local", "up", "--aws-port=0", "--api-port=0"]
    options = [f"--template={template}", f"--folder={tmp_path}"]
    with subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if "Ctrl-C" in line:
                break
        process.terminate()
        assert process.wait(30) == 0
    endpoint = next(line.split()[-1] for line in lines if line.startswith("AWS services"))
    assert f"export AWS_ENDPOINT_URL={endpoint}" in lines
    assert any(line.startswith("API secret") for line in lines)
    assert not listening(endpoint)
