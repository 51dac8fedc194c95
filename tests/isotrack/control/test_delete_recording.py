from __future__ import annotations

from datetime import datetime

import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.calls.permissions import Caller
from isotrack.contract.recordings import ListRecordingsQuery
from isotrack.control.delete_recording import delete_recording
from isotrack.control.list_recordings import list_recordings
from isotrack.recording.errors import Forbidden, Missing, Transient
from isotrack.recording.files import RecordingFile
from isotrack.recording.outputs import OutputType
from tests.archives import MemoryArchive, file_of
from tests.builders import CALL, at
from tests.worlds import SERVER

ALICE, BOB = file_of("alice", "egress-1"), file_of("bob", "egress-1", OutputType.AUDIO_ONLY)


@pytest.fixture
def there() -> MemoryArchive:
    there = MemoryArchive()
    there.there.create()
    there.announce(ALICE)
    there.announce(BOB)
    return there


def delete(
    there: MemoryArchive,
    file: RecordingFile = ALICE,
    *,
    caller: Caller = SERVER,
    session: str = "session-1",
    filename: str | None = None,
    now: datetime | None = None,
) -> None:
    delete_recording(
        CALL,
        session,
        filename or file.filename,
        caller=caller,
        world=there.world,
        archive=there.archive,
        now=now or at(100),
    )


def listed(there: MemoryArchive) -> list[str]:
    found = list_recordings(
        CALL, ListRecordingsQuery(), caller=SERVER, world=there.world, archive=there.archive
    )
    return [recording.filename for recording in found.recordings]


def test_a_deleted_file_is_gone_with_its_sidecar_and_no_other_is(there: MemoryArchive) -> None:
    delete(there)
    assert set(there.files.objects) == {BOB.key, BOB.sidecar_key}
    assert listed(there) == [BOB.filename]


def test_all_revisions_of_a_file_go_together(there: MemoryArchive) -> None:
    again = file_of("alice", "egress-1", revision=2)
    assert again.key != ALICE.key
    there.announce(again)
    delete(there)
    assert set(there.files.objects) == {BOB.key, BOB.sidecar_key}
    assert listed(there) == [BOB.filename]


def test_a_file_deleted_twice_does_not_exist_any_more(there: MemoryArchive) -> None:
    delete(there)
    with pytest.raises(Missing, match=r"^recording doesn't exist$"):
        delete(there)


@pytest.mark.parametrize(
    ("session", "filename"),
    [
        ("session-2", ALICE.filename),
        ("session-1", "other.mkv"),
        ("session-1", ALICE.filename.removesuffix(".mkv")),
        ("session-1", "../" + ALICE.filename),
        ("alice-1", ALICE.filename),
    ],
)
def test_a_file_by_another_name_does_not_exist(
    there: MemoryArchive, session: str, filename: str
) -> None:
    with pytest.raises(Missing, match="recording doesn't exist"):
        delete(there, session=session, filename=filename)
    assert len(there.files.objects) == 4


def test_a_deleted_file_is_not_announced_again(there: MemoryArchive) -> None:
    delete(there)
    told = len(there.there.bus.events)
    there.announce(ALICE)
    assert len(there.there.bus.events) == told
    assert listed(there) == [BOB.filename]


class BusyStore(MemoryStore):
    """Refuses to delete sidecars, for a while."""

    refuses = True

    def delete(self, key: str) -> None:
        if self.refuses and key.endswith(".json"):
            raise Transient("the store is busy")
        super().delete(key)


def test_a_deletion_that_broke_leaves_the_file_in_the_list_to_be_deleted_again() -> None:
    store = BusyStore()
    there = MemoryArchive(files=store)
    there.there.create()
    there.announce(ALICE)
    with pytest.raises(Transient):
        delete(there)
    assert listed(there) == [ALICE.filename]
    store.refuses = False
    delete(there)
    assert store.objects == {}
    assert listed(there) == []


def test_members_may_not_delete_unless_it_is_granted(there: MemoryArchive) -> None:
    bob = there.there.user("bob")
    there.there.member("bob")
    with pytest.raises(Forbidden, match="DeleteRecording"):
        delete(there, caller=bob)
    assert len(there.files.objects) == 4
    there.there.grant({"call_member": ["read-call", "delete-recording"]})
    delete(there, caller=bob)
    assert listed(there) == [BOB.filename]


def test_who_may_not_read_the_call_cannot_tell_which_files_it_has(there: MemoryArchive) -> None:
    stranger = there.there.user("mallory")
    for filename in (ALICE.filename, "other.mkv"):
        with pytest.raises(Forbidden):
            delete(there, filename=filename, caller=stranger)
