"""How long requests take one after the other, and how many are answered when many ask at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import NamedTuple

from benchmarks.api.operations import Api, Operation

WARM = 3
"""Requests that are not counted: the first starts the function."""


class Latency(NamedTuple):
    """Of requests one after the other, in milliseconds."""

    p50: float
    p95: float
    samples: int


def latency(samples_ms: Sequence[float]) -> Latency:
    """The percentiles of what was measured."""
    cuts = quantiles(samples_ms, n=20, method="inclusive")
    return Latency(cuts[9], cuts[18], len(samples_ms))


def timed(ask: Callable[[], object]) -> float:
    """How long something takes, in milliseconds."""
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def one_by_one(operation: Operation, api: Api, count: int) -> Latency:
    """The latency of an operation when nobody else asks."""
    for _ in range(WARM):
        operation.ask(api)
    return latency([timed(lambda: operation.ask(api)) for _ in range(count)])


def at_once(operation: Operation, apis: Sequence[Api], seconds: float) -> float:
    """Requests per second that are answered when each of these clients asks without pause."""
    began = time.perf_counter()

    def ask_on(api: Api) -> int:
        answered = 0
        while time.perf_counter() - began < seconds:
            operation.ask(api)
            answered += 1
        return answered

    with ThreadPoolExecutor(len(apis)) as pool:
        answered = sum(pool.map(ask_on, apis))
    return answered / (time.perf_counter() - began)
