from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.conftest import ROOT

# Two queues without dead letters, for one of which there is a reason.
_PROGRAM = """
from infra.node import select_node
select_node()
from aws_cdk import App, Stack, aws_sqs
from infra.findings import acknowledge, check
app = App(outdir={outdir!r})
stack = Stack(app, "Queues")
accepted = aws_sqs.Queue(stack, "Accepted", enforce_ssl=True)
acknowledge(accepted, {{"SQS3": "for this test"}})
aws_sqs.Queue(stack, "Orphan", enforce_ssl=True)
check(app)
app.synth()
"""


@pytest.mark.slow  # a synthesis of its own
def test_a_finding_stops_the_synthesis_unless_there_is_a_reason_for_it(tmp_path: Path) -> None:
    synthesis = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(outdir=str(tmp_path))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert synthesis.returncode != 0
    assert "AwsSolutions-SQS3" in synthesis.stderr
    assert "Queues/Orphan" in synthesis.stderr
    assert "Queues/Accepted" not in synthesis.stderr


def test_the_app_has_no_finding_without_a_reason(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    assert report["pluginReports"] == []


def test_each_finding_accepted_has_a_reason_in_the_assembly(assembly: Path) -> None:
    metadata = json.loads((assembly / "Isotrack.metadata.json").read_text())
    reasons = {
        (path, rule): reason
        for path, entries in metadata.items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    }
    assert {rule.split("-")[1].split("[")[0] for _, rule in reasons} == {
        "APIG4",
        "CFR1",
        "CFR2",
        "CFR3",
        "CFR4",
        "IAM5",
        "S1",
        "SF1",
        "SMG4",
        "SQS3",
    }
    assert all(len(reason) > len("a few words") for reason in reasons.values())


def test_the_cdk_command_line_runs_the_same_app() -> None:
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == "python -m infra.app"


def test_node_comes_with_python() -> None:
    from infra.node import bundled_node

    node = bundled_node()
    assert node is not None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    assert int(version.stdout.removeprefix("v").split(".")[0]) >= 22
    assert os.access(node, os.X_OK)
