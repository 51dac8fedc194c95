import asyncio
from collections.abc import Awaitable, Callable

import pytest

from capture_agent.uploads import MAX_DELAY_SECONDS, Uploads
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.recording.errors import DestinationError, RecordingError, Transient


class UnreliableStore(MemoryStore):
    """Refuses as often as it has errors, some only after it has done what was asked."""

    def __init__(self, *errors: RecordingError, after: bool = False) -> None:
        super().__init__()
        self.errors = list(errors)
        self.after = after

    def create(self, key: str, body: bytes, *, crc32c: int | None = None, **more: str) -> None:
        if self.after:
            super().create(key, body, crc32c=crc32c, **more)
        if self.errors:
            raise self.errors.pop(0)
        if not self.after:
            super().create(key, body, crc32c=crc32c, **more)


def upload(store: MemoryStore, work: Callable[[Uploads], Awaitable[object]]) -> tuple[object, list]:
    """What the work gives, and the pauses between its tries in seconds."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def go() -> object:
        uploads = Uploads(store, pause)
        result = await work(uploads)
        assert uploads.pending == 0
        uploads.close()
        return result

    return asyncio.run(go()), pauses


def keep(body: bytes) -> Callable[[Uploads], Awaitable[object]]:
    return lambda uploads: uploads.keep(lambda attempt: f"chunk{attempt}", 900, lambda: body)


def test_an_upload_is_tried_again_until_the_store_confirms(caplog: pytest.LogCaptureFixture):
    store = UnreliableStore(Transient("busy"), DestinationError("no such bucket"))
    stored, pauses = upload(store, keep(b"packets"))
    assert stored == ("chunk0", 7, crc32c_of(b"packets"))
    assert store.objects == {"chunk0": b"packets"}
    assert len(pauses) == 2
    assert "its owner must act: no such bucket" in caplog.text


def test_pauses_grow_to_a_limit_and_are_never_equal_for_all():
    store = UnreliableStore(*[Transient("busy")] * 20)
    _, pauses = upload(store, keep(b"packets"))
    assert len(pauses) == 20
    assert pauses[0] < 0.5
    assert all(MAX_DELAY_SECONDS / 2 <= pause <= MAX_DELAY_SECONDS for pause in pauses[10:])
    assert len(set(pauses[10:])) > 1


def test_a_chunk_that_is_there_already_is_confirmed():
    store = UnreliableStore(Transient("connection lost"), after=True)
    stored, _ = upload(store, keep(b"packets"))
    assert stored.key == "chunk0"
    assert store.objects == {"chunk0": b"packets"}


def test_a_chunk_whose_name_others_have_goes_under_a_fresh_one(caplog: pytest.LogCaptureFixture):
    store = MemoryStore()
    store.create("chunk0", b"foreign")
    store.create("chunk900", b"foreign too")
    stored, _ = upload(store, keep(b"packets"))
    assert stored == ("chunk901", 7, crc32c_of(b"packets"))
    assert store.objects["chunk0"] == b"foreign"
    assert "chunk0: the store has 7 other bytes there" in caplog.text


def test_a_create_that_comes_second_is_told_so_and_changes_nothing():
    store = MemoryStore()
    store.create("manifest", b"theirs")
    created, _ = upload(store, lambda uploads: uploads.create("manifest", b"ours", "text/plain"))
    assert created is False
    assert store.objects == {"manifest": b"theirs"}


def test_pending_uploads_are_counted_while_they_wait():
    async def go() -> list[int]:
        store, seen = UnreliableStore(Transient("busy")), []

        async def pause(_seconds: float) -> None:
            seen.append(uploads.pending)

        uploads = Uploads(store, pause)
        await asyncio.gather(*[keep(b"x")(uploads) for _ in range(3)])
        uploads.close()
        return seen

    assert asyncio.run(go())[0] >= 1
