from __future__ import annotations

from isotrack.media.lanes import Lane, Span, assign_lanes

SECOND = 1_000_000


def span(
    start: int,
    end: int,
    *,
    track: int = 0,
    stream: int = 0,
    kind: str = "video",
    codec: str = "vp8",
) -> Span:
    """A stream of a frame every 10; the last one ends at `end`."""
    return Span(track, stream, kind, codec, start, end - 10)


def test_streams_that_follow_each_other_share_a_lane() -> None:
    first, second = span(0, 100), span(100, 200, track=1)

    assert assign_lanes([second, first]) == [Lane("video", "vp8", (first, second))]


def test_a_stream_may_begin_while_the_last_frame_before_it_still_lasts() -> None:
    first, second = span(0, 100), span(95, 200, track=1)

    (lane,) = assign_lanes([first, second])

    assert lane.spans == (first, second)
    assert lane.start_us == 0


def test_streams_that_overlap_get_lanes_of_their_own() -> None:
    first, second, third = span(0, 100), span(50, 200, track=1), span(110, 300, stream=1)

    lanes = assign_lanes([first, second, third])

    assert [lane.spans for lane in lanes] == [(first, third), (second,)]


def test_a_frame_at_the_very_time_of_another_overlaps() -> None:
    assert len(assign_lanes([span(0, 100), span(90, 200, track=1)])) == 2


def test_a_publisher_that_restarted_takes_the_place_of_what_it_was() -> None:
    before, after = span(0, 9 * SECOND), span(8_500_000, 20 * SECOND, stream=1)

    (lane,) = assign_lanes([before, after])

    assert lane.spans == (before._replace(until_us=after.start_us), after)
    assert [span.over_us for span in lane.spans] == [after.start_us - 1, after.last_us]
    assert [len(section) for section in lane.sections] == [1, 1]


def test_a_restart_gives_way_to_what_begins_just_behind_it() -> None:
    before, after = span(0, 9 * SECOND), span(8_500_000, 20 * SECOND, stream=1)
    further = span(8_999_995, 30 * SECOND, track=1)

    lanes = assign_lanes([before, after, further])

    assert [[each.track for each in lane.spans] for lane in lanes] == [[0, 0], [1]]


def test_layers_of_one_picture_are_one_section_of_their_lane() -> None:
    low = span(0, 60 * SECOND)._replace(rank=(1,))
    high = span(2 * SECOND, 50 * SECOND, stream=1)._replace(rank=(2,))
    again = span(61 * SECOND, 90 * SECOND, stream=2)

    (lane,) = assign_lanes([high, again, low])

    assert lane.sections == [(low, high), (again,)]
    assert lane.leader == high


def test_sound_that_overlaps_in_one_track_is_not_layers() -> None:
    one = span(0, 60 * SECOND, kind="audio", codec="opus")
    other = span(SECOND, 50 * SECOND, stream=1, kind="audio", codec="opus")

    assert len(assign_lanes([one, other])) == 2


def test_a_change_of_codec_is_a_further_lane() -> None:
    first, second = span(0, 100), span(100, 200, codec="h264")

    assert [lane.codec for lane in assign_lanes([first, second])] == ["vp8", "h264"]


def test_video_comes_first_and_sound_never_joins_it() -> None:
    sound = span(0, 10, kind="audio", codec="opus")
    picture = span(50, 90)

    assert [lane.kind for lane in assign_lanes([sound, picture])] == ["video", "audio"]


def test_nothing_gives_no_lane() -> None:
    assert assign_lanes([]) == []


def test_of_more_streams_at_once_than_there_are_layers_the_longest_are_taken() -> None:
    many = [span(0, 10 * SECOND + i, stream=i) for i in range(40)]

    (lane,) = assign_lanes(many)

    assert [each.stream for each in lane.spans] == [*range(24, 40)]
