"""Signatures of webhook bodies: a plain HMAC, and Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime


def body_signature(body: bytes, api_secret: str) -> str:
    """Lower-case hex HMAC-SHA256 of the exact body: header `X-SIGNATURE`."""
    return hmac.new(api_secret.encode(), body, hashlib.sha256).hexdigest()


def standard_webhooks(
    event_id: str, body: bytes, api_secret: str, signed_at: datetime
) -> dict[str, str]:
    """The three headers of the Standard Webhooks specification (symmetric signature, `v1`).

    The key is the bytes of the API secret: a receiver's library is given `standard_secret`.
    """
    timestamp = str(int(signed_at.timestamp()))
    signed = b".".join((event_id.encode(), timestamp.encode(), body))
    digest = hmac.new(api_secret.encode(), signed, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def standard_secret(api_secret: str) -> str:
    """The API secret as libraries of Standard Webhooks want it."""
    return "whsec_" + base64.b64encode(api_secret.encode()).decode()
