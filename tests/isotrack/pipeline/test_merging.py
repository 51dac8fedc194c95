from __future__ import annotations

import numpy as np

from isotrack.adapters.checksums import crc32c_of
from isotrack.pipeline.chunks import BATCH, ChunkReader
from isotrack.pipeline.merging import WINDOW_US, LaneMerger
from isotrack.pipeline.survey import survey
from isotrack.pipeline.windows import Merged, merged
from isotrack.recording.tracks import TrackType
from tests.sessions import START_US, Sender, Session, opus_call, vp8_call


def windows(session: Session, batch: int = BATCH) -> tuple[LaneMerger, list[Merged]]:
    chunks = ChunkReader(session.store, crc32c_of, batch)
    found = survey(session.tracks, chunks)
    merger = LaneMerger(found, chunks, min(lane.start_us for lane in found.lanes))
    return merger, [merged(window) for window in merger.windows()]


def test_lanes_are_merged_in_the_order_they_play() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(20), chunk_us=7_000_000)
    session.capture(TrackType.VIDEO, vp8_call(20), chunk_us=3_000_000)

    _, found = windows(session)

    time = np.concatenate([window.time_us for window in found])
    lane = np.concatenate([window.lane for window in found])
    assert (np.diff(time) >= 0).all()
    assert np.bincount(lane).tolist() == [600, 1000]
    size = np.concatenate([window.size for window in found])
    assert sum(int(window.slices.length.sum()) for window in found) == size.sum()


def test_a_window_is_never_longer_than_it_may_be_even_over_an_hour_of_silence() -> None:
    session = Session()
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(1, sender=sender)
    hour = 3600
    opus_call(
        1,
        sender=sender,
        start_us=START_US + hour * 1_000_000,
        timestamp=2**32 - 4800 + hour * 48_000,
    )
    session.capture(TrackType.AUDIO, sender.sent)

    merger, found = windows(session)

    assert sum(window.count for window in found) == hour * 50 + 50
    for window in found:
        assert window.time_us[-1] - window.time_us[0] <= WINDOW_US
    (filler,) = merger.fillers
    assert filler is not None
    assert len(filler.holes) == 1


def test_silence_behind_the_end_of_a_lane_comes_along_with_the_others() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(5))
    session.capture(TrackType.VIDEO, vp8_call(300, size=10, packets=1), chunk_us=10_000_000)

    _, found = windows(session)

    time = np.concatenate([window.time_us for window in found])
    assert (np.diff(time) >= 0).all()
    for window in found:
        span_us = window.time_us[-1] - window.time_us[0]
        assert abs(int((window.lane == 1).sum()) - span_us // 20_000) <= 2


def test_windows_hold_a_few_chunks_however_long_the_call() -> None:
    """Edge case 220."""
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(240), chunk_us=2_000_000)
    session.capture(TrackType.VIDEO, vp8_call(240, size=9000), chunk_us=2_000_000)
    assert sum(chunk.size_bytes for chunk in session.tracks[1].chunks) > 60 << 20

    _, found = windows(session, batch=1 << 20)

    assert max(sum(each.size for each in window.slices.buffers) for window in found) < 4 << 20


def test_a_chunk_that_is_gone_in_the_second_reading_ends_nothing_else() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(10))
    session.capture(TrackType.VIDEO, vp8_call(10, size=10_000), chunk_us=2_000_000)
    chunks = ChunkReader(session.store, crc32c_of)
    found = survey(session.tracks, chunks)
    del session.store.objects[session.tracks[1].chunks[-1].key]
    merger = LaneMerger(found, chunks, START_US)

    lane = np.concatenate([merged(window).lane for window in merger.windows()])

    assert np.bincount(lane).tolist() == [240, 500]
    assert len(chunks.missing) == 1
