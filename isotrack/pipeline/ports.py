"""What the verbs need of the world. Adapters fill these; tests fill them with fakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # the records and events of the control plane take longer to load than a remux
    from isotrack.media.scattered import Scattered
    from isotrack.recording.events import Event
    from isotrack.recording.files import RecordingFile
    from isotrack.recording.outcomes import OutcomeRecord, RecordingFailure
    from isotrack.recording.tracks import Call, Source


class ObjectMissing(Exception):
    """There is no object of that key."""


class ObjectExists(Exception):
    """An object of that key is there already, and the write was create-only."""


class ObjectWriter(Protocol):
    """An object being written from front to back, whose first bytes are known last.

    Nothing is visible under the key before `commit`.
    """

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. The data may be reused by the caller after the call."""

    def write_scattered(self, data: Scattered) -> None:
        """Append bytes from where they lie. They may be reused as well."""

    def commit(self, head: bytes = b"") -> None:
        """Replace the first `len(head)` bytes (at most 5 MiB) and make the object visible."""

    def abort(self) -> None:
        """Leave nothing behind."""


class ObjectStore(Protocol):
    """Objects by key: a bucket, a folder, a dict.

    Raises `recording.errors.Transient` where trying again may help, and `DestinationError` where
    the owner of the store has to act (no such bucket, access denied).
    """

    @property
    def read_ahead(self) -> int:
        """How many reads are worth having under way while one is worked on; 0 where none is."""

    def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""

    def read_into(self, key: str, buffer: memoryview) -> int:
        """Read the object, or as much as there is room for; gives the bytes read.

        Raises ObjectMissing.
        """

    def tail_into(self, key: str, buffer: memoryview) -> int:
        """Read the last bytes of the object, or all of it when there is room; gives the bytes read.

        Raises ObjectMissing.
        """

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in pieces, so that a large one needs little memory. Raises ObjectMissing."""

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write or overwrite."""

    def create(
        self,
        key: str,
        body: bytes,
        *,
        crc32c: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> None:
        """Write only if the key is free (`If-None-Match: *`). Raises ObjectExists.

        With `crc32c` the store checks the bytes it received against it before it confirms.
        """

    def writer(self, key: str, *, content_type: str) -> ObjectWriter:
        """Start to write an object as a stream."""

    def delete(self, key: str) -> None:
        """Remove the object; where there is none, that is as good."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with the prefix, in lexical order."""

    def url(self, key: str, *, expires_seconds: int) -> str:
        """A link that opens the object for that long."""


class OutcomeTable(Protocol):
    """What came of recordings. Raises `recording.errors.Transient`."""

    def keep(
        self, outcome: RecordingFile | RecordingFailure, created_at: datetime
    ) -> OutcomeRecord:
        """Write an outcome unless it is there, and give what is there: the first writer's."""

    def mark_announced(self, outcome: RecordingFile | RecordingFailure) -> None:
        """Note that the outcome's event is on the bus."""


class EventBus(Protocol):
    """Where events go; subscribers see those of one call in no promised order."""

    def publish(self, events: Sequence[Event]) -> None:
        """Publish all, or raise `Transient`: then some may be out and all are to be sent again."""


class Progress(Protocol):
    """How far the files of a recording are; `control.ports.ProgressTable` is all of it.

    Raises `recording.errors.Transient`.
    """

    def planned(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        sources: Sequence[Source],
    ) -> None:
        """A participant session has these jobs; the same again changes nothing."""

    def done(
        self,
        call: Call,
        egress_id: str,
        user_session_id: str,
        revision: int,
        source: Source | None,
    ) -> None:
        """A job has come to its end, or all of a session's where `source` is None."""


class Endpoint(Protocol):
    """A customer's HTTP endpoint."""

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post once. Raises DestinationError unless the answer is 2xx."""


class Executions(Protocol):
    """Runs of the state machine."""

    def start(self, name: str, execution_input: str) -> bool:
        """Start a run; False when one of that name was started before. Raises `Transient`."""


class NoPicture(Exception):
    """No picture of this codec or size can be made here."""


class BlackPictures(Protocol):
    """Makes black pictures, each codec and size encoded once."""

    def frame(self, codec: str, width: int, height: int) -> bytes:
        """A keyframe that is black, as Matroska holds frames of a codec (its encoding name).

        H.264 and H.265 bring their parameter sets along, under numbers that publishers do not use:
        those in the header of the file stay as they are. Raises NoPicture.
        """


class NotTurnable(Exception):
    """Pictures of this codec or size cannot be turned here."""


class CodedPicture(NamedTuple):
    """A frame that is to be turned."""

    frame: bytes
    """As it lies in a Matroska block."""
    keyframe: bool
    time_us: int
    degrees: int
    """Clockwise: 0, 90, 180 or 270."""


class TurnedPicture(NamedTuple):
    """A frame coded anew."""

    number: int
    """Of the frame among those given, from 0."""
    frame: bytes
    keyframe: bool


class PictureTurner(Protocol):
    """Decodes one stretch of a video track, frame by frame in decode order, and codes it anew.

    Its frames need nothing but each other: the first one is a keyframe, and none disturbs frames of
    the publisher that follow.
    """

    def follow(self, frame: bytes) -> None:
        """Decode a frame of which nothing is wanted, but which later ones need."""

    def turn(self, pictures: Sequence[CodedPicture]) -> list[TurnedPicture]:
        """Turn each picture; frames that show none, or cannot be decoded, give none.

        Keyframes stay keyframes. Raises NotTurnable.
        """


class PictureTurners(Protocol):
    """Makes a turner for each stretch."""

    def __call__(self, codec: str, configuration: bytes) -> PictureTurner:
        """A turner for frames of a codec (its encoding name), given Matroska's CodecPrivate.

        Raises NotTurnable.
        """
