"""Events as the bodies of SQS messages, in the one form that every client library takes apart."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib

from isotrack.recording.errors import CorruptInput

_GZIP = 16 + zlib.MAX_WBITS  # the format, as zlib counts


def pack(event: str) -> str:
    """The body of a message: base64 (RFC 4648) of gzip (RFC 1952) of an event's JSON.

    Some libraries take plain JSON too; the one for Node does not.
    """
    return base64.b64encode(gzip.compress(event.encode(), mtime=0)).decode("ascii")


def unpack(body: str) -> str:
    """The JSON that `pack` was given. Raises CorruptInput when the body is no such message."""
    try:
        return zlib.decompress(base64.b64decode(body, validate=True), _GZIP).decode()
    except (binascii.Error, ValueError, zlib.error) as error:
        raise CorruptInput(f"SQS message is not base64 of gzip of UTF-8: {error}") from error
