"""Joins template and code: the handler named in the template exists, its environment is complete.

`infra` and `functions` never import each other, so nothing but these tests holds them together.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from tests.infra.reading import of_type, properties, text

FUNCTIONS = (
    "starter",
    "plan",
    "remux",
    "announce",
    "complete",
    "relay",
    "webhook",
    "websocket",
    "push",
    "api",
)
MEDIA = {"remux"}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME": "isotrack", "POWERTOOLS_LOG_LEVEL": "INFO"}


def _function(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    return properties(template, f"{name.capitalize()}Function")


def _environment(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    variables: dict[str, Any] = _function(template, name)["Environment"]["Variables"]
    return {key: value for key, value in variables.items() if key not in POWERTOOLS}


def test_these_are_all_the_functions(template: Mapping[str, Any]) -> None:
    assert set(of_type(template, "AWS::Lambda::Function")) == {
        f"{name.capitalize()}Function" for name in FUNCTIONS
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_command_of_an_image_names_a_handler_that_exists(
    template: Mapping[str, Any], name: str
) -> None:
    [command] = _function(template, name)["ImageConfig"]["Command"]
    module, _, attribute = command.rpartition(".")
    assert module == f"functions.{name}"
    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_given_just_the_variables_it_declares(
    template: Mapping[str, Any], name: str
) -> None:
    settings: type[BaseSettings] = importlib.import_module(f"functions.{name}").Settings
    assert {variable.lower() for variable in _environment(template, name)} == set(
        settings.model_fields
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_environment_of_a_function_validates_with_the_defaults_of_the_template(
    template: Mapping[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = {key: parameter["Default"] for key, parameter in template["Parameters"].items()}
    for variable, value in _environment(template, name).items():
        known = defaults[value["Ref"]] if _is_parameter(value, defaults) else text(value)
        monkeypatch.setenv(variable, known)
    importlib.import_module(f"functions.{name}").Settings()


def _is_parameter(value: Any, defaults: Mapping[str, str]) -> bool:
    return isinstance(value, dict) and value.get("Ref") in defaults


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_an_arm_image_that_logs_and_traces(
    template: Mapping[str, Any], name: str
) -> None:
    function = _function(template, name)
    assert function["PackageType"] == "Image"
    assert function["Architectures"] == ["arm64"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert POWERTOOLS.items() <= function["Environment"]["Variables"].items()
    logs = properties(template, function["LoggingConfig"]["LogGroup"]["Ref"])
    assert logs["RetentionInDays"] == 30


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_what_reads_packets_runs_the_media_image(
    template: Mapping[str, Any], name: str
) -> None:
    image = text(_function(template, name)["Code"]["ImageUri"])
    assert image.endswith(":media" if name in MEDIA else ":control")


def test_remux_has_a_core_to_itself_and_all_the_time_lambda_gives(
    template: Mapping[str, Any],
) -> None:
    remux = _function(template, "remux")
    assert (remux["MemorySize"], remux["Timeout"]) == (1769, 900)


def test_stores_are_urls_of_the_buckets(template: Mapping[str, Any]) -> None:
    stores = {
        (variable, text(value))
        for name in FUNCTIONS
        for variable, value in _environment(template, name).items()
        if variable.endswith("_STORE")
    }
    assert stores == {
        ("RAW_STORE", "s3://${RawBucket}"),
        ("RECORDINGS_STORE", "s3://${RecordingsBucket}"),
    }
