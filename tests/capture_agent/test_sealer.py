from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from capture_agent.clock import Clock
from capture_agent.commits import Commits
from capture_agent.entries import (
    AgentStopped,
    ClockFixed,
    HeldLetGo,
    RecordingStopped,
    TakeHeld,
)
from capture_agent.sealer import Sealer
from capture_agent.uploads import Uploads
from isotrack.adapters.memory import MemoryStore
from isotrack.recording.errors import Transient
from isotrack.recording.manifest import Manifest, SealReason
from tests.capture_agent.agents import rtp
from tests.capture_agent.states import (
    ARRIVAL_NS,
    AT,
    NAME,
    PREFIX,
    publish,
    recorded_journal,
    take,
    write_segment,
)

CHUNK = f"{PREFIX}/t1/00000000.rtpdump"
MANIFEST = f"{PREFIX}/manifest.json"


class Store(MemoryStore):
    """Can be away, and notes in which order it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused = 0
        self.order: list[str] = []

    def put(self, key: str, body: bytes, **more: Any) -> None:
        self._write(key, super().put, body, **more)

    def create(self, key: str, body: bytes, **more: Any) -> None:
        self._write(key, super().create, body, **more)

    def _write(self, key: str, write: Callable[..., None], body: bytes, **more: Any) -> None:
        if self.away:
            self.refused += 1
            raise Transient("the store is away")
        write(key, body, **more)
        self.order.append(key)


class Rig:
    """A sealer on a journal, a spool and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store()
        self.journal = recorded_journal(folder)

    def run(self, work: Callable[[Sealer, Commits], Coroutine[Any, Any, None]]) -> None:
        async def go() -> None:
            async def pause(_seconds: float) -> None:
                await asyncio.sleep(0.001)

            clock, uploads = Clock(ARRIVAL_NS), Uploads(self.store, pause)
            sealer = Sealer(self.folder, self.journal, uploads, clock)
            commits = Commits("agent", self.journal, clock, sealer, uploads)
            running = asyncio.create_task(sealer.run())
            await work(sealer, commits)
            running.cancel()
            uploads.close()

        asyncio.run(go())

    def seal(self, through: int) -> None:
        async def work(sealer: Sealer, _commits: Commits) -> None:
            await sealer.closed(through)
            await sealer.sealed(through)

        self.run(work)

    def commit(self, through: int) -> None:
        async def work(sealer: Sealer, commits: Commits) -> None:
            await sealer.closed(through)
            await commits.commit(self.journal.state.recordings, through)

        self.run(work)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.journal.close()


def test_a_segment_goes_when_its_chunks_are_in_the_store_and_in_the_journal(rig: Rig):
    path = write_segment(rig.folder, 1, (1, rtp(1)), (1, b"?"))
    rig.seal(1)
    assert rig.store.order == [f"{PREFIX}/t1/track.json", CHUNK]
    assert not path.exists()
    (recording,) = rig.journal.state.recordings
    (chunk,) = recording.takes["t1"].chunks
    assert (chunk.key, chunk.packets) == (CHUNK, 1)
    assert chunk.size_bytes == len(rig.store.objects[CHUNK])
    assert recording.takes["t1"].dropped_datagrams == 1


def test_while_the_store_is_away_the_spool_is_kept_and_nothing_is_forgotten(rig: Rig):
    path = write_segment(rig.folder, 1, (1, rtp(1)))
    rig.store.away = True

    async def work(sealer: Sealer, _commits: Commits) -> None:
        await sealer.closed(1)
        while rig.store.refused < 5:
            await asyncio.sleep(0.001)
        assert path.exists()
        assert rig.journal.state.sealed_through == 0
        rig.store.away = False
        await sealer.sealed(1)

    rig.run(work)
    assert CHUNK in rig.store.objects
    assert not path.exists()


def test_a_segment_sealed_again_after_a_crash_gives_no_second_chunk(rig: Rig):
    path = write_segment(rig.folder, 1, (1, rtp(1)))
    kept = path.read_bytes()
    rig.seal(1)
    rig.journal.close()
    (rig.folder / "journal.jsonl").unlink()  # killed after the upload and before its entry
    path.write_bytes(kept)
    rig.journal = recorded_journal(rig.folder)
    rig.seal(1)
    assert [key for key in rig.store.objects if key.endswith(".rtpdump")] == [CHUNK]
    assert [c.key for c in rig.journal.state.recordings[0].takes["t1"].chunks] == [CHUNK]


def test_a_segment_killed_between_its_entry_and_its_end_is_not_listed_twice(rig: Rig):
    path = write_segment(rig.folder, 1, (1, rtp(1)))
    kept = path.read_bytes()
    rig.seal(1)
    path.write_bytes(kept)
    rig.seal(1)
    assert len(rig.journal.state.recordings[0].takes["t1"].chunks) == 1
    assert not path.exists()


def test_packets_that_no_journal_knows_are_kept_for_a_person_to_see(
    rig: Rig, caplog: pytest.LogCaptureFixture
):
    path = write_segment(rig.folder, 1, (1, rtp(1)), (9, rtp(2)))
    kept = path.read_bytes()
    write_segment(rig.folder, 2, (1, rtp(3)))
    rig.seal(2)
    assert path.with_suffix(".orphan").read_bytes() == kept
    assert "takes [9] that no journal knows" in caplog.text
    assert f"{PREFIX}/t1/00001000.rtpdump" in rig.store.objects


def test_a_segment_older_than_the_journal_is_kept_whatever_its_takes_are_called(
    rig: Rig, caplog: pytest.LogCaptureFixture
):
    rig.journal.write(ClockFixed(epoch_ns=ARRIVAL_NS, speed=1.0, first_segment=2))
    path = write_segment(rig.folder, 1, (1, rtp(1)))
    write_segment(rig.folder, 2, (1, rtp(2)))
    rig.seal(2)
    assert path.with_suffix(".orphan").exists()
    assert "takes [1] that no journal knows" in caplog.text
    (chunk,) = rig.journal.state.recordings[0].takes["t1"].chunks
    assert chunk.packets == 1


def hold(rig: Rig) -> None:
    """Alice publishes t2, which is captured as take 2 until it is known whether to record it."""
    publish(rig.journal, "t2")
    rig.journal.write(
        TakeHeld(**NAME, user_session_id="s1", track_id="t2", number=2, first_segment=1)
    )


def test_a_segment_waits_until_it_is_known_what_of_it_is_recorded(rig: Rig):
    hold(rig)
    path = write_segment(rig.folder, 1, (1, rtp(1)), (2, rtp(2)))

    async def work(sealer: Sealer, _commits: Commits) -> None:
        await sealer.closed(1)
        await asyncio.sleep(0.2)
        assert path.exists()
        assert rig.store.order == []
        take(rig.journal, rig.journal.state.calls[0].sessions["s1"].tracks["t2"].track, 2)
        await sealer.sealed(1)

    rig.run(work)
    takes = rig.journal.state.recordings[0].takes
    assert [chunk.packets for chunk in takes["t2"].chunks] == [1]
    assert rig.journal.state.held == []


def test_what_was_let_go_is_in_no_chunk_and_no_orphan(rig: Rig):
    hold(rig)
    path = write_segment(rig.folder, 1, (1, rtp(1)), (2, rtp(2)))
    rig.journal.write(HeldLetGo(numbers=(2,)))
    rig.seal(1)
    assert [key for key in rig.store.objects if key.endswith(".rtpdump")] == [CHUNK]
    assert not path.exists()
    assert list(rig.folder.glob("*.orphan")) == []


def test_a_segment_after_all_that_is_held_does_not_wait(rig: Rig):
    publish(rig.journal, "t2")
    rig.journal.write(
        TakeHeld(**NAME, user_session_id="s1", track_id="t2", number=2, first_segment=2)
    )
    write_segment(rig.folder, 1, (1, rtp(1)))
    rig.seal(1)
    assert CHUNK in rig.store.objects


def test_a_manifest_comes_last_and_lists_every_track_and_chunk(rig: Rig):
    write_segment(rig.folder, 1, (1, rtp(1)))
    write_segment(rig.folder, 2, (1, rtp(2)), (1, rtp(3)))
    take(rig.journal, publish(rig.journal, "silent"), 2)
    rig.journal.write(RecordingStopped(**NAME, egress_id="e1", at=AT))
    rig.commit(2)
    assert rig.store.order[-1] == MANIFEST
    assert f"{PREFIX}/silent/track.json" in rig.store.order
    manifest = Manifest.model_validate_json(rig.store.objects[MANIFEST])
    heard, silent = manifest.tracks
    assert [chunk.packets for chunk in heard.chunks] == [1, 2]
    assert (silent.track.track_id, silent.chunks) == ("silent", ())
    assert manifest.reason is SealReason.RECORDING_STOPPED
    assert rig.journal.state.recordings[0].sealed_at == manifest.sealed_at


def test_whoever_seals_second_accepts_what_is_there(rig: Rig, caplog: pytest.LogCaptureFixture):
    rig.store.create(MANIFEST, b"of the watchdog")
    rig.journal.write(AgentStopped())
    rig.commit(0)
    assert rig.store.objects[MANIFEST] == b"of the watchdog"
    assert rig.journal.state.recordings[0].sealed_at is not None
    assert "somebody else has sealed it" in caplog.text


def test_a_session_is_sealed_once_however_often_it_is_asked_for(rig: Rig):
    rig.journal.write(AgentStopped())

    async def work(_sealer: Sealer, commits: Commits) -> None:
        recordings = rig.journal.state.recordings
        await asyncio.gather(*[commits.commit(recordings, 0) for _ in range(3)])
        await commits.commit(recordings, 0)

    rig.run(work)
    assert rig.store.order.count(MANIFEST) == 1


def test_what_is_still_captured_is_not_sealed(rig: Rig):
    rig.commit(0)
    assert MANIFEST not in rig.store.objects
