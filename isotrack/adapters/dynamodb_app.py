"""What holds for the whole installation, in the table."""

from __future__ import annotations

from datetime import datetime

from isotrack.adapters.dynamodb import DynamoItems
from isotrack.adapters.dynamodb_keys import Key

_REVOCATION = Key("app", "revocation")


class DynamoAppTable:
    """An AppTable."""

    def __init__(self, items: DynamoItems) -> None:
        self._items = items

    def revoke_tokens_issued_before(self) -> datetime | None:
        """Tokens of users issued before this, or that do not say when, are worth nothing."""
        fields = self._items.get(*_REVOCATION)
        return None if fields is None else datetime.fromisoformat(fields["issued_before"])

    def keep_revocation(self, moment: datetime | None) -> None:
        """Set `revoke_tokens_issued_before`."""
        if moment is None:
            self._items.delete(*_REVOCATION)
        else:
            self._items.put(*_REVOCATION, {"issued_before": moment.isoformat()})
