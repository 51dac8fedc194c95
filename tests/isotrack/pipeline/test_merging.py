from __future__ import annotations

import google_crc32c
import numpy as np

from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.merging import WINDOW_US, LaneMerger, Window
from isotrack.pipeline.survey import survey
from isotrack.recording.tracks import TrackType
from tests.sessions import START_US, Sender, Session, opus_call, vp8_call


def windows(session: Session) -> tuple[LaneMerger, list[Window]]:
    chunks = ChunkReader(session.store, google_crc32c.value)
    found = survey(session.tracks, chunks)
    merger = LaneMerger(found, chunks, min(lane.start_us for lane in found.lanes))
    return merger, list(merger.windows())


def test_lanes_are_merged_in_the_order_they_play() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(20), chunk_us=7_000_000)
    session.capture(TrackType.VIDEO, vp8_call(20), chunk_us=3_000_000)

    _, found = windows(session)

    time = np.concatenate([window.time_us for window in found])
    lane = np.concatenate([window.lane for window in found])
    assert (np.diff(time) >= 0).all()
    assert np.bincount(lane).tolist() == [600, 1000]
    assert all(len(window.body) == len(window.size) for window in found)
    assert all([len(body) for body in window.body] == window.size.tolist() for window in found)


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

    assert sum(len(window.body) for window in found) == hour * 50 + 50
    for window in found:
        assert window.time_us[-1] - window.time_us[0] <= WINDOW_US
    (filler,) = merger.fillers
    assert filler is not None
    assert len(filler.holes) == 1


def test_a_chunk_that_is_gone_in_the_second_reading_ends_nothing_else() -> None:
    session = Session()
    session.capture(TrackType.AUDIO, opus_call(10))
    session.capture(TrackType.VIDEO, vp8_call(10), chunk_us=2_000_000)
    chunks = ChunkReader(session.store, google_crc32c.value)
    found = survey(session.tracks, chunks)
    del session.store.objects[session.tracks[1].chunks[-1].key]
    merger = LaneMerger(found, chunks, START_US)

    lane = np.concatenate([window.lane for window in merger.windows()])

    assert np.bincount(lane).tolist() == [240, 500]
    assert len(chunks.missing) == 1
