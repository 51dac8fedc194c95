from __future__ import annotations

import pytest

from isotrack.pipeline.deliver import ApiKey, deliver, retry_seconds
from isotrack.recording import events, signatures
from isotrack.recording.errors import CorruptInput, DestinationError
from tests.builders import CALL, EGRESS, NOON, at
from tests.fakes import FakeEndpoint

KEY = ApiKey("key", "s" * 64)
EVENT = events.recording_started(CALL.cid, EGRESS, NOON)
BODY = EVENT.model_dump_json()


def test_the_body_is_posted_as_it_is_with_everything_that_identifies_it() -> None:
    endpoint = FakeEndpoint()
    told = deliver(BODY, attempt=3, key=KEY, endpoint=endpoint, now=at(9))
    assert told == EVENT.event_id
    ((body, headers),) = endpoint.posts
    assert body == BODY.encode()
    assert headers == {
        "Content-Type": "application/json",
        "X-API-KEY": "key",
        "X-WEBHOOK-ID": EVENT.event_id,
        "X-WEBHOOK-ATTEMPT": "3",
        "X-SIGNATURE": signatures.body_signature(body, KEY.api_secret),
        **signatures.standard_webhooks(EVENT.event_id, body, KEY.api_secret, at(9)),
    }


def test_a_refusal_of_the_endpoint_is_passed_on() -> None:
    with pytest.raises(DestinationError, match="500"):
        deliver(BODY, attempt=1, key=KEY, endpoint=FakeEndpoint(refuses=True), now=NOON)


@pytest.mark.parametrize("body", ["", "null", "{}", '{"event_id": 7}'])
def test_what_is_no_event_is_not_posted(body: str) -> None:
    endpoint = FakeEndpoint()
    with pytest.raises(CorruptInput, match="event to deliver"):
        deliver(body, attempt=1, key=KEY, endpoint=endpoint, now=NOON)
    assert endpoint.posts == []


@pytest.mark.parametrize(("attempt", "wait"), [(1, 5), (2, 30), (3, 300), (4, 300), (99, 300)])
def test_waits_follow_the_schedule_and_its_last_one_repeats(attempt: int, wait: int) -> None:
    assert retry_seconds(attempt, [5, 30, 300]) == wait
