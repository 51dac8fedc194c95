"""How keys of the table are spelled, and which of them one query may read.

A key is words and ids with `#` between. Ids come from outside: they are percent-encoded (RFC 3986
section 2.1), so that no id reaches into another's keys, and what is left is printable ASCII. An id
that would be longer than a key has room for (1024 bytes for all of a sort key) stands as its hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import NamedTuple
from urllib.parse import quote

from isotrack.recording.errors import Invalid
from isotrack.recording.tracks import Call

MAX_SEGMENT = 300
"""Bytes of an encoded id; three of them and two words are the longest sort key there is."""
MAX_POSITION = 700
"""More than what any key has after the words that its query begins with."""

_BEFORE_ALL = " "
"""Sorts before every character of a key, so that `key + " "` is the first thing after `key`."""
_AFTER_ALL = "\x7f"
_POSITION = re.compile(rf"[!-~]{{1,{MAX_POSITION}}}", re.ASCII)


class Key(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str


class Range(NamedTuple):
    """Items one query can read: those of a partition whose sort key begins with some words."""

    partition: str
    prefix: str

    def after(self, token: str | None) -> tuple[str, str]:
        """The first and the last sort key there may be after a token, or from the beginning.

        A token is only ever a place in this range: it cannot name a partition, nor leave the
        prefix. Raises Invalid when it was not made by `token`.
        """
        last = self.prefix + _AFTER_ALL
        if token is None:
            return self.prefix, last
        return self.prefix + _position(token) + _BEFORE_ALL, last

    def token(self, sort_key: str) -> str:
        """Where the page after the item of this sort key begins, for the outside to give back."""
        position = sort_key.removeprefix(self.prefix).encode()
        return base64.urlsafe_b64encode(position).decode().rstrip("=")


def join(*ids: str) -> str:
    """A key of words and ids."""
    return "#".join(map(_segment, ids))


def beginning(*ids: str) -> str:
    """What all keys begin with that have these words and ids before others."""
    return join(*ids) + "#"


def call_partition(call: Call) -> str:
    """The partition of a call, in which lies all that is known of it."""
    return join("call", call.call_type, call.call_id)


def user_partition(user_id: str) -> str:
    """The partition of a user."""
    return join("user", user_id)


def ordinal(revision: int) -> str:
    """A revision, so that keys of later ones sort after those of earlier ones."""
    return f"{revision:010}"


def _segment(identifier: str) -> str:
    encoded = quote(identifier, safe="", errors="surrogatepass")
    if len(encoded) <= MAX_SEGMENT:
        return encoded
    # No encoded id has a "=" in it, so that a hash is never mistaken for one.
    return "=" + hashlib.sha256(encoded.encode()).hexdigest()


def _position(token: str) -> str:
    padding = "=" * (-len(token) % 4)
    try:
        position = base64.b64decode(token + padding, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        position = ""
    if _POSITION.fullmatch(position) is None:
        raise Invalid("next: not what a page of this list gave")
    return position
