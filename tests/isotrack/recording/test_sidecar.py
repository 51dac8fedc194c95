from __future__ import annotations

import json
from typing import Any

import pytest

from events.generate import FOLDER
from isotrack.recording.layout import WIDTH, laid_out
from isotrack.recording.sidecar import (
    MissingChunk,
    PacketCounts,
    Sidecar,
    UnplayableTrack,
)
from isotrack.recording.sidecar_time import ClockReport, WallClock
from isotrack.recording.sidecar_tracks import CapturedStream, FileTrack
from isotrack.recording.tracks import TrackType
from isotrack.recording.verdicts import judge_completeness, judge_sync

SAMPLE = FOLDER / "samples" / "sidecar.json"
MEGABYTE = 1 << 20
DAY_MS = 86_400_000

SPREAD = {"median_ms": 0.4, "p95_ms": 2.5, "max_ms": 4.0}
CLOCK: dict[str, Any] = {
    "basis": "sender_reports",
    "clock_rate": 48_000,
    "drift_ppm": -12.5,
    "lag_ms": 7.0,
    "uncertainty_ms": 2.5,
    "reports": 720,
    "reports_ignored": {},
    "report_residual_ms": SPREAD,
    "arrival_residual_ms": {"median_ms": 6.0, "p95_ms": 40.0, "max_ms": 80.0},
    "sender_ahead_ms": -61_000.0,
    "standstills": (),
    "mapping": (),
}
BY_ARRIVAL = {"basis": "arrival", "reports": 0, "report_residual_ms": None}
LAYER = {"ssrc": 2**32 - 1, "rid": "full", "width": 1920, "height": 1080}
WALL_CLOCK = WallClock(host_set_back=0, sender_ahead_ms=None)


def stream(track_id: str = "t0", **changes: object) -> CapturedStream:
    return CapturedStream(
        track_id=track_id,
        track_type=TrackType.AUDIO,
        ssrc=1,
        rid=None,
        start_ms=0,
        end_ms=1000,
        clock=ClockReport.model_validate({**CLOCK, **changes}),
    )


def counts(**changes: int) -> PacketCounts:
    names = [name for name in PacketCounts.model_fields if name not in ("track_id", "repairs")]
    return PacketCounts.model_validate({"track_id": "t0", **dict.fromkeys(names, 0), **changes})


def missing(problem: str) -> MissingChunk:
    return MissingChunk.model_validate({"key": f"raw/{problem}", "problem": problem, "detail": ""})


def test_streams_that_fit_their_reports_are_sure() -> None:
    sync = judge_sync([stream(), stream("t1", uncertainty_ms=20.0)], WALL_CLOCK)

    assert sync.confidence == "high"
    assert sync.basis == "sender_reports"
    assert (sync.worst_residual_ms, sync.worst_uncertainty_ms) == (2.5, 20.0)
    assert sync.reasons == (
        "all streams are placed by sender_reports, to 2.5 ms: audio t0, audio t1",
    )


@pytest.mark.parametrize(
    ("changes", "confidence", "reason"),
    [
        (BY_ARRIVAL, "medium", "placed by arrival alone"),
        ({"uncertainty_ms": 20.1}, "medium", "more than 20 ms"),
        ({"uncertainty_ms": 40.1}, "low", "more than 40 ms"),
        ({"reports": 2}, "medium", "fewer than 3 reports"),
        ({"reports_ignored": {"stray": 721}}, "medium", "passed over"),
        ({"reports_ignored": {"contradicts_arrival": 1}}, "low", "contradict"),
        ({"reports_ignored": {"contradicts_other_track": 1}}, "low", "contradict"),
        ({**BY_ARRIVAL, "reports_ignored": {"made_from_arrival": 9}}, "medium", "by arrival"),
    ],
)
def test_one_doubtful_stream_makes_the_file_doubtful_and_is_named(
    changes: dict[str, object], confidence: str, reason: str
) -> None:
    sync = judge_sync([stream(), stream("odd", **changes)], WALL_CLOCK)

    assert sync.confidence == confidence
    (told,) = sync.reasons
    assert reason in told
    assert told.endswith(": audio odd")


@pytest.mark.parametrize(
    "changes",
    [{"reports_ignored": {"stray": 700}}, {"reports_ignored": {"superseded": 9999}}],
    ids=["a few that stray", "those that better ones made needless"],
)
def test_some_reports_may_be_passed_over(changes: dict[str, object]) -> None:
    assert judge_sync([stream(**changes)], WALL_CLOCK).confidence == "high"


def test_the_basis_is_that_of_the_least_sure_stream() -> None:
    streams = [stream("a", basis="abs_capture_time"), stream("b"), stream("c", **BY_ARRIVAL)]

    assert [judge_sync(streams[:n], WALL_CLOCK).basis for n in (1, 2, 3)] == [
        "abs_capture_time",
        "sender_reports",
        "arrival",
    ]
    # Without reports the distance is that of half of the arrivals.
    assert judge_sync(streams, WALL_CLOCK).worst_residual_ms == 6.0


def test_a_clock_that_was_set_back_is_the_worst() -> None:
    sync = judge_sync([stream(**BY_ARRIVAL)], WallClock(host_set_back=2, sender_ahead_ms=None))

    assert sync.confidence == "low"
    assert len(sync.reasons) == 2


def test_of_many_streams_a_few_are_named() -> None:
    sync = judge_sync([stream(f"t{i}", **BY_ARRIVAL) for i in range(9)], WALL_CLOCK)

    assert sync.reasons[0].endswith(": audio t0, audio t1, audio t2 and 6 more")


def test_what_was_repaired_is_not_missing() -> None:
    found = judge_completeness(
        [], [counts(received=900, restored=40, duplicates=3, late=1)], [], []
    )

    assert found.complete
    assert found.reasons == ()
    assert found.repaired_packets == 40


def test_all_that_is_missing_is_named() -> None:
    unplayable = UnplayableTrack(track_id="t9", track_type=TrackType.VIDEO, problem="no keyframe")
    packets = [counts(lost=2, kernel_drops=5), counts(lost=1, frames_left_out=4)]
    chunks = [missing("missing"), missing("torn"), missing("corrupt")]

    found = judge_completeness([], packets, chunks, [unplayable])

    assert not found.complete
    assert (found.lost_packets, found.frames_left_out, found.unplayable_tracks) == (3, 4, 1)
    assert (found.missing_chunks, found.damaged_chunks) == (1, 2)
    assert found.reasons == (
        "packets that never came: 3",
        "datagrams that found no room in the SFU host's own buffers: 5",
        "frames that could not be decoded: 4",
        "chunks that are not there: 1",
        "chunks that are damaged: 2",
        "nothing of video t9 can be played: no keyframe",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [1, 2]}, '{"a": 1, "b": [1, 2]}'),
        ([], "[]"),
        ("ö\n" * 90, '"' + "ö\\n" * 90 + '"'),
        ({}, "{}"),
    ],
)
def test_what_is_short_or_cannot_be_broken_is_on_one_line(value: object, text: str) -> None:
    assert laid_out(value) == text


def test_text_with_commas_is_not_broken() -> None:
    value = {"notes": ["one, two, three " * 9, 'four, "five", six']}

    assert json.loads(laid_out(value)) == value


def test_long_rows_of_numbers_fill_lines() -> None:
    value = {"kbps": list(range(1000, 1400)), "of": "x", "none": [None] * 99}

    text = laid_out(value)

    assert json.loads(text) == value
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 35


def crowded(track: dict[str, Any]) -> dict[str, Any]:
    """A track with every list as full as it may be, in a file of a day."""
    times = range(0, DAY_MS, DAY_MS // 1000)
    stretches = [{"start_ms": at, "end_ms": at + 40_000} for at in times]
    speech = [{"start_ms": DAY_MS, "end_ms": DAY_MS + 4000}] * 10_000
    level = {"peak_dbov": [-127] * 1000, "mean_dbov": [-127] * 1000, "speech": speech}
    return {
        **track,
        "filled": [{**each, "reason": "silent"} for each in stretches * 2],
        "frozen": [{**each, "reason": "lost"} for each in stretches],
        "muted": stretches,
        "black": stretches,
        "layers": [{**each, **LAYER} for each in stretches],
        "resolutions": [{"width": 1280, "height": 720, "at_ms": at} for at in times],
        "rotations": [{"degrees": 270, "at_ms": at, "turned": True} for at in times],
        "keyframes": {
            "count": 10**6,
            "longest_interval_ms": 4000,
            "every": 512,
            "times_ms": list(times),
        },
        "bitrate": {**track["bitrate"], "kbps": [12_000] * 1000},
        "audio_level": {"start_ms": 0, "step_ms": 120_000, "speech_ms": 1, **level},
        "streams": [
            {**each, "clock": {**each["clock"], "mapping": each["clock"]["mapping"][:1] * 2}}
            for each in track["streams"][:1] * 500
        ],
    }


def test_a_day_with_damage_everywhere_gives_a_few_megabytes() -> None:
    sample = json.loads(SAMPLE.read_text("utf-8"))
    chunk = {**sample["chunks"][0]["chunks"][0], "first_ms": DAY_MS, "last_ms": DAY_MS}
    sidecar = Sidecar.model_validate(
        {
            **sample,
            "tracks": [crowded(track) for track in sample["tracks"]],
            "chunks": [{"track_id": "t", "prefix": "", "chunks": [chunk] * 8640}] * 2,
        }
    )

    assert len(laid_out(sidecar.model_dump(mode="json"))) < 6 * MEGABYTE


def test_the_sample_is_what_the_models_say() -> None:
    text = SAMPLE.read_text("utf-8")

    sidecar = Sidecar.model_validate_json(text)

    assert laid_out(sidecar.model_dump(mode="json")) + "\n" == text
    assert {track.kind for track in sidecar.tracks} == {"audio", "video"}
    assert all(isinstance(track, FileTrack) for track in sidecar.tracks)
