from __future__ import annotations

from isotrack.media.lanes import Lane, Span, assign_lanes


def span(
    start: int,
    end: int,
    *,
    track: int = 0,
    stream: int = 0,
    kind: str = "video",
    codec: str = "vp8",
) -> Span:
    """A stream of a frame every 10."""
    return Span(track, stream, kind, codec, start, end - 10, end)


def test_streams_that_follow_each_other_share_a_lane() -> None:
    first, second = span(0, 100), span(100, 200, track=1)

    assert assign_lanes([second, first]) == [Lane("video", "vp8", (first, second))]


def test_a_stream_may_begin_while_the_last_frame_before_it_still_lasts() -> None:
    first, second = span(0, 100), span(95, 200, track=1)

    (lane,) = assign_lanes([first, second])

    assert lane.spans == (first, second)
    assert (lane.start_us, lane.end_us) == (0, 200)


def test_streams_that_overlap_get_lanes_of_their_own() -> None:
    first, second, third = span(0, 100), span(50, 200, track=1), span(110, 300, stream=1)

    lanes = assign_lanes([first, second, third])

    assert [lane.spans for lane in lanes] == [(first, third), (second,)]


def test_a_frame_at_the_very_time_of_another_overlaps() -> None:
    assert len(assign_lanes([span(0, 100), span(90, 200)])) == 2


def test_a_change_of_codec_is_a_further_lane() -> None:
    first, second = span(0, 100), span(100, 200, codec="h264")

    assert [lane.codec for lane in assign_lanes([first, second])] == ["vp8", "h264"]


def test_video_comes_first_and_sound_never_joins_it() -> None:
    sound = span(0, 10, kind="audio", codec="opus")
    picture = span(50, 90)

    assert [lane.kind for lane in assign_lanes([sound, picture])] == ["video", "audio"]


def test_nothing_gives_no_lane() -> None:
    assert assign_lanes([]) == []
