"""Event notifications of S3, as they come through a queue."""

from __future__ import annotations

from urllib.parse import unquote_plus

from pydantic import BaseModel

from isotrack.recording.validation import stored


class _Object(BaseModel):
    key: str


class _S3(BaseModel):
    object: _Object


class _Record(BaseModel):
    s3: _S3


class _Notification(BaseModel):
    Records: tuple[_Record, ...] = ()
    """None in the `s3:TestEvent` that S3 sends when notifications are set up."""


def object_keys(body: str) -> tuple[str, ...]:
    """The keys of the objects a notification is about. Raises CorruptInput when it is none.

    In notifications, and only there, keys are encoded like a form field.
    """
    notification = stored(_Notification, body, "S3 event notification")
    return tuple(unquote_plus(record.s3.object.key) for record in notification.Records)
