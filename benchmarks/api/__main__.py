"""How fast the API answers on the local stack, and what it costs in requests to DynamoDB.

make bench-api                         all of it, into docs/api-latency.md
python -m benchmarks.api --quick       less of it, to the terminal
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.api import report
from benchmarks.api.load import at_once, one_by_one
from benchmarks.api.operations import (
    CALL_TYPE,
    OPERATIONS,
    OWNER,
    RECORDED,
    Api,
    Operation,
    path,
    prepare,
    start,
    stop,
)
from benchmarks.api.report import Row
from benchmarks.api.requests import ROUNDS, Recorder, least, recording_into
from benchmarks.api.watching import PATIENCE_S, PAUSE_S, Watched, Watcher, watch_recordings
from infra.local.demo.announcing import Announcer
from infra.local.demo.children import AgentProcess
from infra.local.demo.stage import agent_environment
from infra.local.stack import LocalStack
from isotrack.recording.tracks import Call

CLIENTS = 8


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less, and no file is written")
    quick: bool = parser.parse_args().quick
    count, seconds, rounds = (10, 1.0, 3) if quick else (60, 3.0, 30)
    with tempfile.TemporaryDirectory(prefix="isotrack-api-") as name, ExitStack() as ending:
        folder = Path(name)
        requests = folder / "requests.jsonl"
        with recording_into(requests):
            stack = ending.enter_context(LocalStack(folder=folder / "stack"))
        key = stack.credentials
        apis = [
            Api(stack.api_url, key.api_key, key.api_secret, own=str(number))
            for number in range(CLIENTS)
        ]
        for api in apis:
            ending.callback(api.close)
        prepare(apis)
        recorder = Recorder(stack.endpoint, requests)
        rows = _operations(apis, recorder, count, seconds)
        watched, recording = _recording(stack, folder, apis[0], recorder, rounds)
    text = report.write([*rows, *recording], watched, CLIENTS)
    print(text)
    if not quick:
        report.put_into_document(text)


def _operations(apis: Sequence[Api], recorder: Recorder, count: int, seconds: float) -> list[Row]:
    def row(operation: Operation) -> Row:
        print(operation.name, flush=True)
        return Row(
            operation.name,
            one_by_one(operation, apis[0], count),
            at_once(operation, apis, seconds),
            recorder.count(lambda: operation.ask(apis[0])),
        )

    return [row(operation) for operation in OPERATIONS]


def _recording(
    stack: LocalStack, folder: Path, api: Api, recorder: Recorder, rounds: int
) -> tuple[Watched, list[Row]]:
    """Start and stop, of a call in which somebody is, while an agent runs."""
    print("StartRecording, StopRecording", flush=True)
    key = stack.credentials
    with ExitStack() as ending:
        agent = AgentProcess(agent_environment(stack, folder), folder / "agent.log")
        ending.callback(agent.stop)
        call = Call(call_type=CALL_TYPE, call_id=RECORDED)
        Announcer(agent.control_url, call, "owner-1", OWNER).join()
        watcher = Watcher(stack.api_url, key.api_key, key.api_secret, OWNER)
        ending.enter_context(closing(watcher))
        watcher.watch(RECORDED)
        _await_session(api)
        watched = watch_recordings(api, watcher, RECORDED, rounds)
        starts, stops = [], []
        for _ in range(ROUNDS):
            starts.append(recorder.once(lambda: start(api, RECORDED)))
            watcher.wait_for("call.recording_started")
            stops.append(recorder.once(lambda: stop(api, RECORDED)))
            watcher.wait_for("call.recording_stopped")
    return watched, [
        Row("StartRecording", watched.start, None, least(starts)),
        Row("StopRecording", watched.stop, None, least(stops)),
    ]


def _await_session(api: Api) -> None:
    """Return once the control plane knows that somebody is in the call."""
    deadline = time.monotonic() + PATIENCE_S
    while api.ask("GET", path(RECORDED))["call"].get("session") is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the agent did not report call {RECORDED}")
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
