from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.settings import Mode


def _takes(template: Mapping[str, Any], parameter: str, value: str) -> bool:
    wanted = template["Parameters"][parameter]
    if "AllowedValues" in wanted:
        return value in wanted["AllowedValues"]
    return re.fullmatch(wanted["AllowedPattern"], value) is not None


def test_every_parameter_has_a_default_that_it_takes(template: Mapping[str, Any]) -> None:
    for name, parameter in template["Parameters"].items():
        assert _takes(template, name, parameter["Default"]), name


def test_the_modes_are_those_of_the_domain(template: Mapping[str, Any]) -> None:
    assert template["Parameters"]["DefaultMode"]["AllowedValues"] == [mode.value for mode in Mode]


def test_the_output_types_are_those_of_the_domain(template: Mapping[str, Any]) -> None:
    assert _takes(template, "DefaultOutputTypes", ",".join(OutputType))
    default = template["Parameters"]["DefaultOutputTypes"]["Default"]
    assert default == ",".join(DEFAULT_OUTPUT_TYPES)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("WebhookUrl", "ftp://example.com"),
        ("WebhookUrl", "https://"),
        ("ApiDomain", "https://api.example.com"),
        ("ApiDomain", "localhost"),
        ("ApiCertificateArn", "arn:aws:acm:eu-west-1:123456789012:certificate/a-b"),
        ("WebhookRetrySeconds", ""),
        ("WebhookRetrySeconds", "5,,30"),
        ("WebhookRetrySeconds", "-5"),
        ("DefaultMode", "on"),
        ("DefaultOutputTypes", "audio_video,video"),
        ("DefaultOutputTypes", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_when_deploying(
    template: Mapping[str, Any], parameter: str, value: str
) -> None:
    assert not _takes(template, parameter, value)


def test_retries_wait_no_longer_than_sqs_can_hide_a_message(template: Mapping[str, Any]) -> None:
    waits = template["Parameters"]["WebhookRetrySeconds"]["Default"].split(",")
    assert max(map(int, waits)) <= 12 * 3600
