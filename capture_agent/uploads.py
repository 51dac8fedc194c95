"""Into the store, however long it takes: nothing is given up while the spool has it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from isotrack.adapters.checksums import crc32c_of
from isotrack.pipeline.ports import ObjectExists, ObjectMissing, ObjectStore
from isotrack.recording.errors import DestinationError, Transient

CONCURRENT = 8
"""Uploads at a time; each holds one chunk of at most 4 MiB in memory."""

FIRST_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 30.0

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Stored(NamedTuple):
    """An object that the store has confirmed."""

    key: str
    size_bytes: int
    crc32c: int


class Uploads:
    """Writes to a store that are tried again until the store has confirmed them."""

    def __init__(
        self, store: ObjectStore, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._store = store
        self._sleep = sleep
        self._threads = ThreadPoolExecutor(CONCURRENT, thread_name_prefix="upload")
        self._slots = asyncio.Semaphore(CONCURRENT)
        self.pending = 0
        """Uploads begun or waiting that the store has not confirmed."""

    async def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write or overwrite an object."""
        await self._until_done(key, lambda: self._store.put(key, body, content_type=content_type))

    async def create(self, key: str, body: bytes, content_type: str) -> bool:
        """Write an object; False if somebody else's is there already."""
        crc32c = crc32c_of(body)

        def attempt() -> bool:
            try:
                self._store.create(key, body, crc32c=crc32c, content_type=content_type)
            except ObjectExists:
                return False
            return True

        return await self._until_done(key, attempt)

    async def keep(
        self, names: Callable[[int], str], spare: int, body: Callable[[], bytes]
    ) -> Stored:
        """Write an object under the first of its names that no other object has.

        Finding the same bytes under a name is as good as writing them: they are from an attempt
        whose confirmation was lost.

        Args:
            names: key by attempt: 0 is its own, `spare` and up are for when that is taken.
            spare: the first attempt after 0.
            body: makes the bytes; called in another thread.
        """

        def attempt() -> Stored:
            made = body()
            crc32c = crc32c_of(made)
            tries = itertools.chain((0,), itertools.count(spare))
            free = (n for n in tries if self._create_or_recognize(names(n), made, crc32c))
            return Stored(names(next(free)), len(made), crc32c)

        return await self._until_done(names(0), attempt)

    def _create_or_recognize(self, key: str, body: bytes, crc32c: int) -> bool:
        try:
            self._store.create(key, body, crc32c=crc32c)
        except ObjectExists:
            try:
                there = self._store.get(key)
            except ObjectMissing as error:
                raise Transient(f"{key}: existed, and then was gone") from error
            if len(there) == len(body) and crc32c_of(there) == crc32c:
                return True
            _log.error(
                "%s: the store has %d other bytes there; using another name", key, len(there)
            )
            return False
        return True

    async def _until_done(self, key: str, attempt: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        self.pending += 1
        try:
            tries = 0
            while True:
                try:
                    async with self._slots:
                        return await loop.run_in_executor(self._threads, attempt)
                except Transient as error:
                    _log.warning("%s: upload failed, trying again: %s", key, error)
                except DestinationError as error:
                    _log.error("%s: the store refuses it, its owner must act: %s", key, error)
                await self._sleep(_delay(tries))
                tries += 1
        finally:
            self.pending -= 1

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _delay(tries: int) -> float:
    """Exponential backoff with jitter, in seconds."""
    delay = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(tries, 10))
    return delay * random.uniform(0.5, 1.0)
