from __future__ import annotations

import json

import pytest

from isotrack.adapters.s3_notifications import object_keys
from isotrack.recording.errors import CorruptInput


def notification(*keys: str) -> str:
    return json.dumps(
        {
            "Records": [
                {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": k}}} for k in keys
            ]
        }
    )


def test_each_record_tells_of_one_object() -> None:
    assert object_keys(notification("a", "b")) == ("a", "b")


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("raw/default/a%2520b/manifest.json", "raw/default/a%20b/manifest.json"),
        ("raw/v1%252E0/manifest.json", "raw/v1%2E0/manifest.json"),
        ("a+b%2Bc", "a b+c"),
        ("%C3%BC", "ü"),
    ],
)
def test_keys_are_decoded_once_like_a_form_field(encoded: str, key: str) -> None:
    assert object_keys(notification(encoded)) == (key,)


def test_the_test_event_of_s3_tells_of_nothing() -> None:
    body = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw", "HostId": "x"}
    assert object_keys(json.dumps(body)) == ()


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "body"),
        ("[]", "body"),
        ('{"Records": [{}]}', r"Records\.0\.s3"),
        ('{"Records": [{"s3": {"object": {"key": 7}}}]}', r"Records\.0\.s3\.object\.key"),
    ],
)
def test_what_is_no_notification_is_refused_by_field(body: str, named: str) -> None:
    with pytest.raises(CorruptInput, match=f"S3 event notification: {named}"):
        object_keys(body)
