from __future__ import annotations

import re

import pytest

from isotrack.pipeline.begin import begin, execution_input, execution_name
from isotrack.recording.errors import Invalid
from tests.builders import MANIFEST_KEY
from tests.fakes import MemoryExecutions


def test_a_manifest_told_of_twice_has_one_execution() -> None:
    executions = MemoryExecutions()
    assert begin(MANIFEST_KEY, 1, executions=executions) is True
    assert begin(MANIFEST_KEY, 1, executions=executions) is False
    assert list(executions.started.values()) == [
        f'{{"manifest_key":"{MANIFEST_KEY}","revision":1}}'
    ]


def test_the_input_of_an_execution_is_the_same_bytes_each_time() -> None:
    assert execution_input("k\u00fc", 1) == '{"manifest_key":"k\\u00fc","revision":1}'


def test_an_execution_is_named_within_what_step_functions_allows() -> None:
    assert re.fullmatch(r"[a-z2-7]{52}", execution_name(MANIFEST_KEY, 1))


def test_other_manifests_and_revisions_have_other_names() -> None:
    names = {execution_name("a", 1), execution_name("a", 2), execution_name("b", 1)}
    assert len(names) == 3


def test_a_key_that_is_no_manifest_begins_nothing() -> None:
    executions = MemoryExecutions()
    with pytest.raises(Invalid, match="not the key of a manifest"):
        begin("raw/x/00000001.rtpdump", 1, executions=executions)
    assert executions.started == {}
