"""Pages of what lies in memory, in the order of its keys, with tokens as the table has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from isotrack.adapters.dynamodb_keys import Range
from isotrack.control.ports import Page

T = TypeVar("T")

_ALL = Range("memory", "")


def page_of(values: Mapping[str, T], limit: int, after: str | None) -> Page[T]:
    """Some of the values by key, after those of the page that gave the token."""
    first, _ = _ALL.after(after)
    keys = sorted(key for key in values if key >= first)
    shown = keys[:limit]
    return Page(
        tuple(values[key] for key in shown), token(shown[-1]) if len(keys) > limit else None
    )


def token(key: str) -> str:
    """`after` of the page that begins behind a key."""
    return _ALL.token(key)
