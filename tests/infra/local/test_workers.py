from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.stack import ROOT
from infra.local.workers import Function, Site, Workers

HERE = Path(__file__).resolve().parent
FUNCTION = Function(
    name="act",
    arn="arn:aws:lambda:us-east-1:123456789012:function:act",
    handler="handlers_for_tests.act",
    environment=(("AWS_DEFAULT_REGION", "us-east-1"),),
    timeout_seconds=20.0,
    memory_mb=128,
)


@pytest.fixture
def workers(tmp_path) -> Iterator[Workers]:
    pool = Workers(Site({}, ROOT, (HERE,), tmp_path), tmp_path / "crashes.jsonl")
    yield pool
    pool.stop()


def invoke(workers: Workers, function: Function = FUNCTION, **event: object) -> object:
    return json.loads(workers.invoke(function, json.dumps(event).encode()).payload)


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_several_events_at_once_run_in_processes_of_their_own(workers):
    slow = {"do": "sleep", "seconds": 1, "pid_file": os.devnull}
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(invoke, workers, **slow)
        assert invoke(workers, do="echo") == {"do": "echo"}
        assert waiting.result() == {"slept": True}


def test_there_are_never_more_workers_than_the_concurrency_allows(workers):
    narrow = replace(FUNCTION, concurrency=1)
    with ThreadPoolExecutor(4) as pool:
        pids = set(pool.map(lambda _: invoke(workers, narrow, do="pid"), range(8)))
    assert len(pids) == 1


def test_a_function_that_was_reconfigured_gets_new_workers(workers):
    before = invoke(workers, do="pid")
    changed = replace(FUNCTION, environment=(*FUNCTION.environment, ("NEW", "1")))
    assert invoke(workers, changed, do="variables")["NEW"] == "1"
    assert gone(before)


def test_stopping_ends_every_process(workers, eventually):
    pid = invoke(workers, do="pid")
    workers.stop()
    eventually(lambda: gone(pid))
    assert invoke(workers, do="echo")["errorType"] == "Sandbox.Stopped"


def test_a_crash_is_noted_and_what_the_function_wrote_is_kept(workers, tmp_path):
    invoke(workers, do="raise", error="CorruptInput", message="to the log")
    invoke(workers, do="exit", status=7)
    (line,) = (tmp_path / "crashes.jsonl").read_text().splitlines()
    assert json.loads(line)["errorType"] == "Runtime.ExitError"
    assert "to the log" in (tmp_path / "act.log").read_text()
