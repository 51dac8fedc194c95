"""What can go wrong with a recording, and whose fault it is.

State machines match these class names, so a rename is a breaking change:

    RecordingError
    ├── Transient            try again: the world was busy (S3 5xx, throttling, a lost connection)
    ├── CorruptInput         ours or the network's, permanent: chunks or a manifest cannot be read
    │   └── NothingPlayable  permanent: everything was read, and nothing in it can be played
    ├── DestinationError     the customer's: their storage or endpoint refused what we sent
    └── Rejected             the caller's: the request cannot be done in this state
        ├── Invalid          the request says something that cannot be true
        ├── Conflict         it is already so (started twice, stopped twice)
        ├── Forbidden        the caller may not do this
        └── Missing          there is no such thing
"""


class RecordingError(Exception):
    """Something that keeps a recording from being made; the message names what, and where."""


class Transient(RecordingError):
    """It may work when tried again."""


class CorruptInput(RecordingError):
    """What was captured cannot be read, however often it is tried."""


class NothingPlayable(CorruptInput):
    """Nothing in a source can be played, so no file can be made of it."""


class DestinationError(RecordingError):
    """The customer's storage or endpoint refused; they have to mend it."""


class Rejected(RecordingError):
    """The caller asked for something that cannot be done."""


class Invalid(Rejected):
    """The request itself is wrong.

    Attributes:
        fields: what is wrong with each field; the message says it of the first.
    """

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class Conflict(Rejected):
    """The recording is already in the state asked for."""


class Forbidden(Rejected):
    """The caller lacks the permission."""


class Missing(Rejected):
    """The thing asked for does not exist."""
