"""Each function reads just the variables that the template gives it, and only when it runs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from functions import announce, api, complete, plan, remux, starter, webhook

VARIABLES: dict[type[BaseSettings], dict[str, str]] = {
    starter.Settings: {"STATE_MACHINE_ARN": "arn"},
    plan.Settings: {"RAW_STORE": "s3://raw", "TABLE": "table"},
    remux.Settings: {"RAW_STORE": "s3://raw", "RECORDINGS_STORE": "s3://recordings"},
    announce.Settings: {
        "RAW_STORE": "s3://raw",
        "RECORDINGS_STORE": "s3://recordings",
        "TABLE": "table",
        "EVENT_BUS": "bus",
        "FILE_RETENTION_DAYS": "14",
    },
    complete.Settings: {
        "RAW_STORE": "s3://raw",
        "RECORDINGS_STORE": "s3://recordings",
        "TABLE": "table",
        "EVENT_BUS": "bus",
        "FILE_RETENTION_DAYS": "14",
    },
    webhook.Settings: {
        "WEBHOOK_URL": "",
        "WEBHOOK_RETRY_SECONDS": "5,30,300",
        "API_SECRET_ARN": "arn",
        "WEBHOOK_QUEUE_URL": "url",
    },
    api.Settings: {
        "TABLE": "table",
        "EVENT_BUS": "bus",
        "RAW_STORE": "s3://raw",
        "RECORDINGS_STORE": "s3://recordings",
        "FILE_RETENTION_DAYS": "14",
        "STATE_MACHINE_ARN": "arn",
        "API_SECRET_ARN": "arn",
        "AGENT_QUEUE_PREFIX": "isotrack-agent-",
        "DEFAULT_MODE": "auto-on",
        "DEFAULT_OUTPUT_TYPES": "audio_video,audio_only",
    },
}


@pytest.mark.parametrize("kind", VARIABLES, ids=lambda kind: kind.__module__)
def test_a_function_declares_just_its_variables(
    kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {name.upper() for name in kind.model_fields} == set(VARIABLES[kind])
    for name, value in VARIABLES[kind].items():
        monkeypatch.setenv(name, value)
    kind()
    for name in VARIABLES[kind]:
        with monkeypatch.context() as without:
            without.delenv(name)
            with pytest.raises(ValidationError, match=name.lower()):
                kind()


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (VARIABLES[api.Settings] | VARIABLES[webhook.Settings]).items():
        monkeypatch.setenv(name, value)
    assert api.Settings().default_output_types == ("audio_only", "audio_video")
    assert webhook.Settings().webhook_retry_seconds == (5, 30, 300)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (api.Settings, "DEFAULT_MODE", "on"),
        (api.Settings, "DEFAULT_OUTPUT_TYPES", ""),
        (api.Settings, "DEFAULT_OUTPUT_TYPES", "audio_video,av"),
        (webhook.Settings, "WEBHOOK_RETRY_SECONDS", ""),
        (webhook.Settings, "WEBHOOK_RETRY_SECONDS", "5,soon"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    kind: type[BaseSettings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, right in VARIABLES[kind].items():
        monkeypatch.setenv(given, right)
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        kind()


def test_functions_load_without_any_environment() -> None:
    modules = "starter, plan, remux, announce, complete, webhook, websocket, push, api"
    subprocess.run([sys.executable, "-c", f"from functions import {modules}"], env={}, check=True)
