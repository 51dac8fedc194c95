"""A call through everything: UDP, the agent, the template on this machine, files and events.

The content of each file is measured: `tests.e2e.content` decodes it, finds flashes and beeps.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise

import pytest

from infra.local.demo.fetching import Fetched
from infra.local.demo.promises import kept, promises
from infra.local.demo.rehearsal import Outcome, Rehearsal
from infra.local.demo.scenario import Participant, Scenario
from isotrack.adapters.ffmpeg import probe
from isotrack.recording.outputs import OutputType
from isotrack.recording.tracks import TrackType
from tests.e2e.calls import ANN, BEN, CAT, DAN, TOGETHER, stretches
from tests.e2e.content import audio_content, seconds_in, video_content

pytestmark = pytest.mark.e2e

ALIGNMENT_MS = 30
"""Of a file on the call's timeline. It rests on the least delay of arrival, for which the design
allows 10 ms; on two busy cores even the luckiest packet of a sender may leave 20 ms late."""

LIP_SYNC_MS = 6
"""Of sound against pictures of one file. Sender reports give it exactly: what is left is the 1 ms
that Matroska counts in, for both, the 2 ms in which a beep swells, and the detector's threshold."""

STEADY_MS = 3
"""Of one second to the next in a file: 1 ms of rounding on both sides, and the clock's own bend."""

OPUS_LOOK_AHEAD_MS = 6.5
"""libopus delays sound by 312 samples; WebRTC senders do not take that back."""

QUIET_SECONDS = 3.0
"""So long nothing more may come before an event counts as sent once."""

FILES = [
    (person, output)
    for person in TOGETHER.participants
    for output in TOGETHER.expected_outputs()[person.user_session_id]
]


def _each_file_with(*kinds: str) -> pytest.MarkDecorator:
    """Once for each file that has tracks of all these kinds."""
    files = [(person, output) for person, output in FILES if output.kinds >= set(kinds)]
    ids = [f"{person.user_id} {output}" for person, output in files]
    return pytest.mark.parametrize(("person", "output"), files, ids=ids)


@pytest.fixture(scope="module")
def outcome(rehearsal: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return rehearsal.play(TOGETHER, output=tmp_path_factory.mktemp("together"))


def _file(outcome: Outcome, person: Participant, output: OutputType) -> Fetched:
    (found,) = (
        file
        for file in outcome.files
        if file.announced.user_session_id == person.user_session_id
        and file.announced.output_type == output
    )
    return found


def _start_ms(outcome: Outcome, file: Fetched) -> float:
    """Where the call was when the file begins."""
    return file.announced.start_time.timestamp() * 1e3 - outcome.zero_unix_ns / 1e6


def _before_stop(outcome: Outcome, file: Fetched, onsets_ms: tuple[float, ...]) -> list[float]:
    """Onsets in the call's time, until the stop was asked for: it takes effect a little later."""
    start_ms = _start_ms(outcome, file)
    return [start_ms + at for at in onsets_ms if start_ms + at < TOGETHER.stop_ms]


def _track(output: OutputType, kind: str) -> TrackType:
    return next(
        track for track in TrackType if track.source is output.source and track.kind == kind
    )


def _seconds(person: Participant, output: OutputType, kind: str, scenario: Scenario) -> list[int]:
    return seconds_in(stretches(person, _track(output, kind), scenario.stop_ms))


def test_the_files_that_were_promised_came_and_no_others(outcome: Outcome) -> None:
    came = [(file.announced.user_session_id, file.announced.output_type) for file in outcome.files]
    assert sorted(came) == sorted((person.user_session_id, output) for person, output in FILES)


def test_who_published_one_kind_only_has_a_file_of_it_as_fallback(outcome: Outcome) -> None:
    fallback = {
        file.announced.user_id: file.announced.output_type
        for file in outcome.files
        if file.announced.fallback
    }
    assert fallback == {"ben": "audio_only", "cat": "video_only"}


def test_each_event_came_exactly_once_by_webhook_and_by_sqs(
    outcome: Outcome, rehearsal: Rehearsal
) -> None:
    time.sleep(QUIET_SECONDS)
    receipts = rehearsal.inbox.of_recording(outcome.egress_id)
    for via in ("webhook", "sqs"):
        came = Counter(kept(receipt) for receipt in receipts if receipt.via == via)
        assert came == Counter(promises(TOGETHER))
    assert rehearsal.inbox.rejected == ()


def test_a_webhook_delivery_and_an_sqs_message_are_the_same_event(outcome: Outcome) -> None:
    by_way = {
        via: sorted(str(r.event.event_id) for r in outcome.receipts if r.via == via)
        for via in ("webhook", "sqs")
    }
    assert by_way["webhook"] == by_way["sqs"]


def test_nothing_failed_inside_the_stack(outcome: Outcome, rehearsal: Rehearsal) -> None:
    assert rehearsal.stack.failures() == []


@_each_file_with()
def test_a_file_is_as_announced(outcome: Outcome, person: Participant, output: OutputType) -> None:
    file = _file(outcome, person, output)
    summary = probe(file.path)
    assert sorted(summary.codecs) == sorted(file.announced.codecs)
    assert summary.duration_ms == pytest.approx(file.announced.duration_ms, abs=50)
    assert file.path.stat().st_size == file.announced.size_bytes
    assert [(size.width, size.height) for size in summary.sizes] == [
        (size.width, size.height) for size in file.announced.resolutions
    ]


@_each_file_with("video")
def test_each_second_of_the_call_flashes_where_it_was(
    outcome: Outcome, person: Participant, output: OutputType
) -> None:
    file = _file(outcome, person, output)
    flashes = _before_stop(outcome, file, video_content(file.path).flashes_ms)
    seconds = _seconds(person, output, "video", TOGETHER)
    expected = [second + person.link.delay_ms for second in seconds]
    assert flashes == pytest.approx(expected, abs=ALIGNMENT_MS)


@_each_file_with("audio")
def test_each_second_of_the_call_beeps_where_it_was(
    outcome: Outcome, person: Participant, output: OutputType
) -> None:
    file = _file(outcome, person, output)
    beeps = _before_stop(outcome, file, audio_content(file.path).beeps_ms)
    seconds = _seconds(person, output, "audio", TOGETHER)
    expected = [second + person.link.delay_ms + OPUS_LOOK_AHEAD_MS for second in seconds]
    assert beeps == pytest.approx(expected, abs=ALIGNMENT_MS)


@_each_file_with()
def test_every_frame_decodes_and_seconds_are_a_second_long(
    outcome: Outcome, person: Participant, output: OutputType
) -> None:
    file = _file(outcome, person, output)
    onsets: list[tuple[float, ...]] = []
    if "video" in output.kinds:
        pictures = video_content(file.path)
        assert pictures.corrupt == 0
        onsets.append(pictures.flashes_ms)
    if "audio" in output.kinds:
        onsets.append(audio_content(file.path).beeps_ms)
    for found in onsets:
        whole = [round(at - found[0], -3) for at in found]
        assert [at - found[0] for at in found] == pytest.approx(whole, abs=STEADY_MS)


@_each_file_with("audio", "video")
def test_sound_and_pictures_of_a_file_belong_together(
    outcome: Outcome, person: Participant, output: OutputType
) -> None:
    file = _file(outcome, person, output)
    beeps, flashes = audio_content(file.path).beeps_ms, video_content(file.path).flashes_ms
    offsets = [beep - flash for beep in beeps for flash in flashes if abs(beep - flash) < 500]
    assert len(offsets) >= 4
    assert offsets == pytest.approx([OPUS_LOOK_AHEAD_MS] * len(offsets), abs=LIP_SYNC_MS)


def test_a_muted_microphone_leaves_silence_and_no_hole(outcome: Outcome) -> None:
    content = audio_content(_file(outcome, ANN, OutputType.AUDIO_VIDEO).path)
    assert content.longest_hole_ms < 25  # one packet, and rounding
    pauses = [b - a for a, b in pairwise(content.beeps_ms)]
    assert max(pauses) == pytest.approx(3_000, abs=STEADY_MS)  # 5 and 6 are muted


def test_a_muted_camera_shows_its_last_picture(outcome: Outcome) -> None:
    content = video_content(_file(outcome, ANN, OutputType.AUDIO_VIDEO).path)
    assert content.longest_pause_ms == pytest.approx(1_300, abs=50)


def test_a_turned_phone_turns_the_pictures_at_that_time(outcome: Outcome) -> None:
    file = _file(outcome, DAN, OutputType.AUDIO_VIDEO)
    before, after = video_content(file.path).sizes
    assert before[1:] == (320, 180)
    assert after[1:] == (180, 320)
    turned_ms = _start_ms(outcome, file) + after.at_ms
    assert turned_ms == pytest.approx(6_440 + DAN.link.delay_ms, abs=ALIGNMENT_MS)


def test_files_of_one_call_line_up(outcome: Outcome) -> None:
    """Compared with each other, and not with this machine's clock."""
    firsts = []
    for person, kind in ((ANN, "audio"), (BEN, "audio"), (CAT, "video"), (DAN, "video")):
        (output,) = (
            o
            for o in TOGETHER.expected_outputs()[person.user_session_id]
            if o.source == "participant"
        )
        file = _file(outcome, person, output)
        found = (
            [at - OPUS_LOOK_AHEAD_MS for at in audio_content(file.path).beeps_ms]
            if kind == "audio"
            else video_content(file.path).flashes_ms
        )
        firsts.append((found[0] + file.announced.timeline_offset_ms - person.link.delay_ms) % 1_000)
    spread = [(first - firsts[0] + 500) % 1_000 - 500 for first in firsts]
    assert spread == pytest.approx([0.0] * len(spread), abs=ALIGNMENT_MS)


def test_each_file_has_its_sidecar(outcome: Outcome) -> None:
    for file in outcome.files:
        assert file.announced.filename in file.sidecar.read_text()


def test_who_left_before_the_recording_stopped_has_a_file_that_ends_there(
    outcome: Outcome,
) -> None:
    file = _file(outcome, CAT, OutputType.VIDEO_ONLY)
    end_ms = _start_ms(outcome, file) + file.announced.duration_ms
    assert end_ms == pytest.approx(9_500, abs=ALIGNMENT_MS + 40)  # and one picture


def test_who_stayed_after_the_recording_stopped_has_a_file_that_ends_with_it(
    outcome: Outcome,
) -> None:
    file = _file(outcome, BEN, OutputType.AUDIO_ONLY)
    end_ms = _start_ms(outcome, file) + file.announced.duration_ms
    assert TOGETHER.stop_ms - 100 < end_ms < BEN.left_ms + ALIGNMENT_MS
