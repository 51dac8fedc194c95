"""The requests to DynamoDB behind a request to the API, as moto sees them come in."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

ROUNDS = 7
RECORDING = "MOTO_RECORDER_FILEPATH"
_TARGET = "DynamoDB_20120810."


@contextmanager
def recording_into(path: Path) -> Iterator[None]:
    """Let a stack that is started meanwhile write down its requests in a file, when asked to."""
    before = os.environ.get(RECORDING)
    os.environ[RECORDING] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[RECORDING]
        else:
            os.environ[RECORDING] = before


def least(rounds: Sequence[Counter[str]]) -> Counter[str]:
    """The round with the fewest requests."""
    return min(rounds, key=Counter.total)


class Recorder:
    """The recorder of moto, which writes down every request to AWS."""

    def __init__(self, endpoint: str, path: Path) -> None:
        self._endpoint, self._path = endpoint, path

    def count(self, ask: Callable[[], object]) -> Counter[str]:
        """The requests to DynamoDB until this is answered, by action.

        What happens after the answer (events are sent to who watches) takes requests of its own,
        and one of those may slip in: the least of several rounds is the operation's.
        """
        return least([self.once(ask) for _ in range(ROUNDS)])

    def once(self, ask: Callable[[], object]) -> Counter[str]:
        """The requests while this is asked, those of others among them."""
        self._path.write_text("")
        self._tell("start")
        ask()
        self._tell("stop")
        targets = (self._target(line) for line in self._path.read_text().splitlines())
        return Counter(
            target.removeprefix(_TARGET) for target in targets if target.startswith(_TARGET)
        )

    @staticmethod
    def _target(line: str) -> str:
        headers: dict[str, str] = json.loads(line)["headers"]
        return headers.get("X-Amz-Target", "")

    def _tell(self, verb: str) -> None:
        url = f"{self._endpoint}/moto-api/recorder/{verb}-recording"
        httpx.post(url, trust_env=False).raise_for_status()
