from __future__ import annotations

import base64
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.recording.errors import CorruptInput
from isotrack.recording.messages import pack, unpack


@given(st.text())
def test_what_was_packed_is_unpacked(event: str) -> None:
    assert unpack(pack(event)) == event


def test_a_message_is_base64_of_gzip() -> None:
    assert gzip.decompress(base64.b64decode(pack('{"type": "é"}'))) == '{"type": "é"}'.encode()


def test_the_same_event_is_the_same_message() -> None:
    assert pack("{}") == pack("{}")


@pytest.mark.parametrize(
    "body",
    [
        "",
        '{"type": "call.recording_started"}',
        "é",
        base64.b64encode(b"{}").decode(),
        pack("{}")[:-8],
        base64.b64encode(gzip.compress(b"\xff")).decode(),
        base64.b64encode(b"\x1f\x8b\x08\x00garbage.").decode(),
    ],
)
def test_what_is_no_message_is_corrupt(body: str) -> None:
    with pytest.raises(CorruptInput, match="SQS message"):
        unpack(body)
