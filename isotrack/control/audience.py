"""Who may hear what: the tables that say who is connected, and what they may see."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from isotrack.control.ports import (
    AppTable,
    CallTable,
    CallTypeTable,
    ConnectionTable,
    MemberTable,
    UserTable,
)


class Registry(Protocol):
    """What there is to know of who somebody is, wherever else it stands beside."""

    @property
    def users(self) -> UserTable:
        """The users."""

    @property
    def app(self) -> AppTable:
        """What holds for all of them."""


class Audience(NamedTuple):
    """The part of the world in which nothing happens to calls: they are looked at. A Registry."""

    calls: CallTable
    members: MemberTable
    users: UserTable
    call_types: CallTypeTable
    connections: ConnectionTable
    app: AppTable
