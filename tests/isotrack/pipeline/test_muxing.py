from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from isotrack.adapters.memory import MemoryStore
from isotrack.matroska import tracks
from isotrack.matroska.writer import MatroskaWriter
from isotrack.media.lanes import Lane, Span
from isotrack.media.placed import place_whole
from isotrack.pipeline.muxing import CLUSTER_BYTES, MAX_SHIFT_MS, OutputMuxer
from isotrack.pipeline.queueing import Due
from isotrack.pipeline.windows import Window
from tests.ebml_reader import Matroska, read_matroska

START_US = 1_740_000_000_000_000
VIDEO = Lane("video", "vp8", (Span(0, 0, "video", "vp8", START_US, START_US),))
AUDIO = Lane("audio", "opus", (Span(1, 0, "audio", "opus", START_US, START_US),))


def window(*frames: tuple[int, float, bool], size: int = 10, lost: Sequence[int] = ()) -> Window:
    """Frames given as lane, milliseconds and whether it is a keyframe, in the order they go."""
    lanes: dict[int, Due] = {}
    for number in sorted({lane for lane, _, _ in frames}):
        rows = [row for row, frame in enumerate(frames) if frame[0] == number]
        placed = place_whole(
            time_us=START_US + np.array([int(frames[row][1] * 1000) for row in rows], np.int64),
            duration_us=np.full(len(rows), 20_000 if number == 1 else 0),
            keyframe=np.array([frames[row][2] for row in rows], np.bool_),
            after_loss=np.isin(rows, list(lost)),
            rotation=np.zeros(len(rows), np.int16),
            size=np.full(len(rows), size),
            body=b"".join(bytes([row % 256]) * size for row in rows),
        )
        lanes[number] = Due(np.array(rows), placed)
    return lanes


def muxed(
    *windows: Window, chosen: Sequence[int] = (0, 1), start_ms: int = 0
) -> tuple[Matroska, OutputMuxer]:
    entries = {
        0: tracks.vp8(1 + list(chosen).index(0), 7, 320, 180) if 0 in chosen else None,
        1: tracks.opus(1 + list(chosen).index(1), 8, 2, b"OpusHead") if 1 in chosen else None,
    }
    store = MemoryStore()
    muxer = OutputMuxer(
        [VIDEO, AUDIO],
        chosen,
        START_US + start_ms * 1000,
        MatroskaWriter(
            [entry for lane in chosen if (entry := entries[lane])],
            start_ns=0,
            title="",
            segment_uid=bytes(16),
        ),
        store.writer("file", content_type="video/x-matroska"),
    )
    for each in windows:
        muxer.push(each)
    muxer.commit([entry for lane in chosen if (entry := entries[lane])])
    return read_matroska(store.objects["file"]), muxer


def clusters(found: Matroska) -> list[int]:
    return [int(str(c.get("Timestamp"))) for c in found.segment.all("Cluster")]


def test_a_keyframe_begins_a_cluster_and_has_a_cue() -> None:
    found, _ = muxed(window(*((0, 40 * i, i % 25 == 0) for i in range(100))))

    assert clusters(found) == [0, 1000, 2000, 3000]
    assert found.cues == [(0, 1), (1000, 1), (2000, 1), (3000, 1)]


def test_sound_alone_has_a_cluster_and_a_cue_every_five_seconds() -> None:
    found, _ = muxed(window(*((1, 20 * i, True) for i in range(1000))), chosen=[1])

    assert clusters(found) == [0, 5000, 10_000, 15_000]
    assert [time for time, _ in found.cues] == clusters(found)


def test_keyframes_of_sound_end_no_cluster_of_a_file_with_video() -> None:
    frames = sorted(
        [(0, 40 * i, i == 0) for i in range(50)] + [(1, 20 * i, True) for i in range(100)],
        key=lambda frame: frame[1],
    )

    found, _ = muxed(window(*frames))

    assert clusters(found) == [0]


@pytest.mark.parametrize("parts", [1, 7, 400])
def test_how_frames_come_in_windows_leaves_the_clusters_as_they_are(parts: int) -> None:
    frames = [(0, 33.3 * i, i % 170 == 0) for i in range(400)]
    windows = [window(*frames[at : at + parts]) for at in range(0, 400, parts)]

    found, muxer = muxed(*windows)

    assert clusters(found) == [0, 5028, 5661, 10_689, 11_322]
    assert len(found.blocks) == muxer.extents[0].frames == 400
    assert [block.frame for block in found.blocks] == [
        bytes([i % parts % 256]) * 10 for i in range(400)
    ]
    assert muxer.extents[1].frames == 0


def test_a_cluster_ends_with_the_frame_that_fills_it() -> None:
    found, _ = muxed(window(*((0, 10 * i, i == 0) for i in range(30)), size=500_000))

    sizes = [len(c.all("SimpleBlock")) for c in found.segment.all("Cluster")]
    assert sizes == [9, 9, 9, 3]
    assert 9 * 500_000 >= CLUSTER_BYTES > 8 * 500_000


def test_frames_of_other_lanes_and_before_the_start_are_left_out() -> None:
    frames = [(1, 20 * i, True) for i in range(10)] + [(0, 100 + i, i == 0) for i in range(5)]

    found, muxer = muxed(window(*frames), chosen=[0], start_ms=102)

    assert [(block.track, block.time_ms) for block in found.blocks] == [(1, 0), (1, 1), (1, 2)]
    assert muxer.extents[0].frames == 3
    assert list(muxer.extents) == [0]


def test_pictures_out_of_decode_order_keep_their_times() -> None:
    times = [0, 160, 80, 40, 120]

    found, _ = muxed(window(*((0, ms, ms == 0) for ms in times)), chosen=[0])

    assert [block.time_ms for block in found.blocks] == times


def test_a_timestamp_far_back_gets_a_cluster_of_its_own() -> None:
    times = [0, 60_000, 60_040, 1000, 60_080]

    found, _ = muxed(window(*((0, ms, ms == 0) for ms in times)), chosen=[0])

    assert [block.time_ms for block in found.blocks] == times
    assert clusters(found) == [0, 60_000, 1000, 60_080]


def test_a_frame_after_a_loss_ends_a_freeze_over_the_end_of_windows_too() -> None:
    _, muxer = muxed(
        window((0, 0, True), (0, 40, False)),
        window((0, 400, True), (0, 440, False), lost=[0]),
        window((0, 480, False), (0, 2000, True), lost=[1]),
    )

    assert muxer.extents[0].freezes.listed().tolist() == [
        [START_US + 40_000, START_US + 400_000],
        [START_US + 480_000, START_US + 2_000_000],
    ]
    assert muxer.extents[1].freezes.count == 0


def test_what_was_lost_before_the_first_picture_is_no_freeze() -> None:
    _, muxer = muxed(window((0, 0, True), (0, 40, False), lost=[0]))

    assert muxer.extents[0].freezes.count == 0


def test_clusters_never_span_more_than_five_seconds() -> None:
    found, _ = muxed(window(*((0, 700 * i, i == 0) for i in range(60))), chosen=[0])

    starts = clusters(found)
    assert max(b - a for a, b in pairwise(starts)) <= 5600
    for cluster in found.segment.all("Cluster"):
        assert len(cluster.all("SimpleBlock")) <= 8


@pytest.mark.parametrize("goes_back", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_clusters_end_where_the_rules_say_in_order_or_not(seed: int, goes_back: bool) -> None:
    chance = np.random.default_rng(seed)
    times = chance.integers(1, 1200, 60).cumsum()
    if goes_back:
        times[30] -= 9000
    keys = chance.random(60) < 0.1
    size, rows = 900_000, list(zip(times.tolist(), keys.tolist(), strict=True))

    found, _ = muxed(window(*((0, ms, key) for ms, key in rows), size=size), chosen=[0])

    expected: list[list[int]] = []
    for ms, key in rows:
        cluster = expected[-1] if expected else []
        full, far = len(cluster) * size >= CLUSTER_BYTES, cluster and abs(ms - cluster[0]) >= 5000
        if key or full or far or not cluster:
            expected.append([])
        expected[-1].append(ms)
    assert clusters(found) == [cluster[0] for cluster in expected]
    assert [block.time_ms for block in found.blocks] == times.tolist()


def times_of(found: Matroska) -> list[int]:
    return [block.time_ms for block in found.blocks]


def test_two_pictures_in_one_millisecond_get_distinct_times() -> None:
    """Edge case 203: players would show one of the two."""
    at = [0, 0.2, 0.4, 40, 40.3, 41, 41.1, 80]

    found, _ = muxed(window(*((0, ms, ms == 0) for ms in at)), chosen=[0])

    assert times_of(found) == [0, 1, 2, 40, 41, 42, 43, 80]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_times_are_distinct_over_the_ends_of_clusters_and_windows_too(parts: int) -> None:
    """Edge case 203, with a keyframe among the pictures that are too close."""
    frames = [(0, ms / 10, ms % 4 == 0) for ms in range(24)]
    windows = [window(*frames[at : at + parts]) for at in range(0, 24, parts)]

    found, _ = muxed(*windows, chosen=[0])

    assert times_of(found) == list(range(24))


def test_pictures_moved_by_those_before_them_are_distinct_in_the_next_cluster_too() -> None:
    """Edge case 203: the next cluster has no two in one millisecond of its own."""
    at = [0, 0.1, 0.2, 0.3, 1, 5, 6]

    found, _ = muxed(window(*((0, ms, ms in (0, 1)) for ms in at)), chosen=[0])

    assert clusters(found) == [0, 4]
    assert times_of(found) == [0, 1, 2, 3, 4, 5, 6]


def test_sound_in_one_millisecond_keeps_its_times() -> None:
    """Edge case 203 is of pictures: sound is played by its samples."""
    found, _ = muxed(window(*((1, ms, True) for ms in (0, 0.2, 20, 20))), chosen=[1])

    assert times_of(found) == [0, 0, 20, 20]


def test_pictures_of_two_lanes_at_one_time_are_left_at_it() -> None:
    found, _ = muxed(window((0, 0, True), (1, 0, True), (0, 40, False), (1, 40, True)))

    assert times_of(found) == [0, 0, 40, 40]


def test_more_pictures_than_milliseconds_for_long_stay_where_they_are() -> None:
    """A sender of thousands of pictures a second takes nothing from the sound beside it."""
    frames = [(0, i / 20, i == 0) for i in range(40_000)]
    speech = [(1, 20 * i, True) for i in range(100)]

    found, _ = muxed(window(*sorted(frames + speech, key=lambda frame: frame[1]), size=1))

    pictures = [block.time_ms for block in found.blocks if block.track == 1]
    assert len(pictures) == 40_000
    assert max(abs(ms - i / 20) for i, ms in enumerate(pictures)) <= MAX_SHIFT_MS + 1
    assert [b.time_ms for b in found.blocks if b.track == 2] == [20 * i for i in range(100)]


def test_the_duration_is_the_end_of_the_last_frame() -> None:
    """Edge case 214."""
    found, muxer = muxed(window((0, 0, True), (0, 40, False), (1, 40, True), (0, 90, False)))

    assert muxer.end_us == START_US + 140_000  # the last picture lasts as long as the one before
    assert found.info.get("Duration") == 140.0
    found, _ = muxed(window((0, 0, True), (1, 40, True)))
    assert found.info.get("Duration") == 60.0


def test_the_tracks_of_the_head_are_those_known_last() -> None:
    store = MemoryStore()
    first, last = tracks.vp8(1, 7, 320, 180), tracks.vp8(1, 7, 1280, 720)
    writer = MatroskaWriter([first], start_ns=0, title="", segment_uid=bytes(16))
    target = store.writer("file", content_type="video/x-matroska")
    muxer = OutputMuxer([VIDEO], [0], START_US, writer, target)
    muxer.push(window((0, 0, True)))
    assert store.objects == {}

    muxer.commit([last])

    (track,) = read_matroska(store.objects["file"]).tracks
    assert track.one("Video").get("PixelWidth") == 1280


def test_a_file_without_a_frame_is_a_file() -> None:
    found, muxer = muxed()

    assert found.blocks == []
    assert muxer.end_us == START_US
