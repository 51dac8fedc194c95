from __future__ import annotations

import base64
import hashlib
import hmac

from isotrack.recording import signatures
from tests.builders import NOON

BODY = '{"type":"call.recording_started","name":"Zoë"}'.encode()
SECRET = "s" * 64


def test_the_body_signature_is_a_plain_hmac_in_hex() -> None:
    # Checked with: printf '%s' '{"a":1}' | openssl dgst -sha256 -hmac key
    assert (
        signatures.body_signature(b'{"a":1}', "key")
        == "88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342"
    )


def test_standard_webhooks_sign_id_timestamp_and_body() -> None:
    headers = signatures.standard_webhooks("evt-1", BODY, SECRET, NOON)
    assert headers["webhook-id"] == "evt-1"
    assert headers["webhook-timestamp"] == "1772366400"
    key = base64.b64decode(signatures.standard_secret(SECRET).removeprefix("whsec_"))
    signed = b"evt-1.1772366400." + BODY
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_one_changed_byte_changes_the_signatures() -> None:
    changed = BODY.replace(b"Z", b"z")
    assert signatures.body_signature(BODY, SECRET) != signatures.body_signature(changed, SECRET)
    assert (
        signatures.standard_webhooks("e", BODY, SECRET, NOON)["webhook-signature"]
        != signatures.standard_webhooks("e", changed, SECRET, NOON)["webhook-signature"]
    )
