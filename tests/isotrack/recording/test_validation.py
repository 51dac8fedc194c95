from __future__ import annotations

import pytest

from isotrack.recording.agents import Report
from isotrack.recording.errors import CorruptInput, Invalid
from isotrack.recording.validation import requested, stored


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"calls": [{"call": {"call_type": "default"}}]}', r"^calls\.0\.call\.call_id: Field"),
        ('{"calls": 7}', r"^calls: "),
        ("{}", r"^calls: Field required"),
        ("[]", r"^body: "),
        ("{", r"^body: Invalid JSON"),
        (b"\xff\xfe", r"^body: "),
    ],
)
def test_a_bad_request_is_invalid_and_names_the_field(body: str | bytes, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        requested(Report, body)


def test_a_bad_object_of_our_own_is_corrupt_and_names_the_place() -> None:
    with pytest.raises(CorruptInput, match=r"^somewhere: calls: Field required"):
        stored(Report, "{}", "somewhere")
