"""Whatever happens to a call, in whatever order: what is told of it makes one story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.calls.egresses import EgressStatus
from isotrack.calls.notices import Notice, event_id
from isotrack.calls.records import CallRecord
from isotrack.calls.sightings import Sighting, seen
from isotrack.recording.agents import EgressState, HostedCall, ObservedEgress
from isotrack.recording.errors import Rejected
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import ParticipantSession
from tests.builders import CALL, NOON, at

STAYS = [
    ParticipantSession(user_id=user, user_session_id=f"{user}-{n}", joined_at=at(n))
    for user in ("alice", "bob")
    for n in (1, 2)
]
PAIRS = {
    "call.session_participant_joined": "call.session_participant_left",
    "call.session_started": "call.session_ended",
}

states = st.sampled_from(EgressState)
observed = st.dictionaries(st.sampled_from(["0", "1", "2"]), states).map(
    lambda seen: tuple(
        ObservedEgress(egress_id=e, state=state, sealed={"alice-1": 1}) for e, state in seen.items()
    )
)


@st.composite
def hosted_calls(draw: st.DrawFn) -> HostedCall:
    session = draw(st.integers(0, 2))
    ended = draw(st.booleans())
    return HostedCall(
        call=CALL,
        call_session_id=f"session-{session}",
        started_at=at(20 * session),
        ended_at=at(20 * session + 15) if ended else None,
        participants=tuple(draw(st.lists(st.sampled_from(STAYS), max_size=4))),
        recordings=draw(observed),
    )


sightings = st.tuples(st.sampled_from(["sfu-1", "sfu-2"]), hosted_calls())
steps = st.tuples(
    st.one_of(sightings, st.sampled_from(["start", "stop", "end", "create"])),
    st.floats(0, 10, allow_nan=False),
)

Happenings = list[tuple[tuple[str, HostedCall] | str, float]]
"""Reports of agents and requests, each so many seconds after the last."""


class Story:
    """A call after many things happened to it; what is told is taken out of its record."""

    def __init__(self, happenings: Happenings) -> None:
        self.record = CallRecord(call=CALL)
        self.notices: list[Notice] = []
        self.started = 0
        seconds = 0.0
        for happening, later in happenings:
            seconds += later
            if not isinstance(happening, str):
                agent, hosted = happening
                self.keep(seen(self.record, Sighting(agent, None, hosted, at(seconds))))
                continue
            try:
                self.keep(self.change(happening, seconds)())
            except Rejected:
                continue

    def change(self, name: str, seconds: float) -> Callable[[], CallRecord]:
        now = at(seconds)
        match name:
            case "start":
                outputs = (OutputType.AUDIO_VIDEO,)
                return lambda: self.record.start(str(self.started), now, outputs, "isotrack")
            case "stop":
                return lambda: self.record.stop(now)
            case "end":
                return lambda: self.record.end(now)
            case _:
                return lambda: self.record.create("alice", now)

    def keep(self, record: CallRecord) -> None:
        self.started += len(record.egresses) > len(self.record.egresses)
        self.notices.extend(record.outbox)
        live = tuple(e for e in record.egresses if e.status is not EgressStatus.STOPPED)
        self.record = record.told(record.outbox).model_copy(
            update={"egresses": live, "version": record.version + 1}
        )


@settings(max_examples=50)
@given(st.lists(steps, max_size=25))
def test_a_record_comes_back_from_its_json_whatever_happened_to_it(
    happenings: Happenings,
) -> None:
    record = Story(happenings).record
    assert CallRecord.model_validate_json(record.model_dump_json()) == record


@settings(max_examples=50)
@given(st.lists(steps, max_size=25))
def test_no_two_events_of_a_story_have_the_same_id(
    happenings: Happenings,
) -> None:
    ids = [event_id(notice) for notice in Story(happenings).notices]
    assert len(set(ids)) == len(ids)


@settings(max_examples=50)
@given(st.lists(steps, max_size=25))
def test_what_begins_ends_before_it_begins_again(
    happenings: Happenings,
) -> None:
    story = Story(happenings)
    told: dict[str, list[str]] = defaultdict(list)
    for notice in story.notices:
        match notice.type:
            case "call.session_participant_joined" | "call.session_participant_left":
                stay = notice.participant.user_session_id
                told[f"{notice.call_session_id} {stay}"].append(notice.type)
            case "call.session_started" | "call.session_ended":
                told["session"].append(notice.type)
    for types in told.values():
        for first, second in zip(types[::2], types[1::2], strict=False):
            assert PAIRS[first] == second
    going_on = {name for name, types in told.items() if len(types) % 2}
    expected = set()
    if (session := story.record.active_session) is not None:
        expected = {f"{session.call_session_id} {p.user_session_id}" for p in session.participants}
        expected.add("session")
    assert going_on == expected


@settings(max_examples=50)
@given(st.lists(steps, max_size=25))
def test_every_recording_ends_once_unless_it_is_going_on(
    happenings: Happenings,
) -> None:
    story = Story(happenings)
    ends = []
    for notice in story.notices:
        match notice.type:
            case "call.recording_stopped":
                ends.append(notice.egress_id)
            case "call.recording_failed":
                ends.append(notice.failure.egress_id)
    going_on = [egress.egress_id for egress in story.record.egresses]
    assert sorted([*ends, *going_on]) == sorted(str(n) for n in range(story.started))
    assert len([egress for egress in story.record.egresses if egress.active]) <= 1


@settings(max_examples=50)
@given(st.lists(steps, max_size=15), sightings)
def test_a_report_that_comes_twice_changes_nothing_the_second_time(
    happenings: Happenings,
    sighting: tuple[str, HostedCall],
) -> None:
    agent, hosted = sighting
    twice = Sighting(agent, None, hosted, at(300))
    once = seen(Story(happenings).record, twice)
    live = tuple(e for e in once.egresses if e.status is not EgressStatus.STOPPED)
    once = once.model_copy(update={"egresses": live})
    assert seen(once, twice) == once


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_clock_of_an_agent_may_say_anything(moment: str) -> None:
    stay = {"user_id": "bob", "user_session_id": "b", "joined_at": moment}
    body = {
        "call": CALL.model_dump(),
        "call_session_id": "s",
        "started_at": moment,
        "participants": [stay],
        "recordings": [{"egress_id": "0", "state": "running"}],
    }
    hosted = HostedCall.model_validate(body)
    ended = HostedCall.model_validate({**body, "ended_at": moment})
    record = seen(CallRecord(call=CALL), Sighting("sfu-1", None, hosted, NOON))
    record = record.start("0", NOON, (OutputType.AUDIO_ONLY,), "isotrack")
    for report in (hosted, ended, hosted):
        record = seen(record, Sighting("sfu-1", None, report, at(5)))
    assert record.active_session is None
