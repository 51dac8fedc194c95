"""Fuzz targets: a track of arbitrary packets becomes frames, and a clock places them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isotrack.codecs import dependency_descriptor
from isotrack.media.clock import fit_clocks
from isotrack.media.outline import TrackOutliner
from isotrack.media.placed import place
from isotrack.media.reader import StreamFrames, TrackReader
from isotrack.media.repair import FecFormat, RepairFormat
from isotrack.media.track_format import TrackFormat
from isotrack.pipeline.outlining import record_headers
from isotrack.rtp import absolute_capture_time, audio_level, video_orientation
from isotrack.rtp.rtx_pairing import RtxFormat
from tests.fuzz.choices import Choices
from tests.fuzz.soundness import sound_frames
from tests.fuzz.wire import read_wire, records_of
from tests.sessions import Datagram

CODECS = ("vp8", "vp9", "h264", "h265", "av1", "opus", "pcmu", "g722")
_RATES = {"opus": 48_000, "pcmu": 8000, "g722": 8000}
_EXTENSIONS = {
    audio_level.URI: 1,
    video_orientation.URI: 2,
    absolute_capture_time.URI: 3,
    dependency_descriptor.URI: 4,
}
_MOST_BEYOND_US = 130_000_000
"""How far from all arrivals a frame may be placed: a wild timestamp that is believed is a minute
off at most, to either side."""


def track(data: bytes) -> None:
    """Packets of all kinds: the streams are the same both times, the frames are sound."""
    choices = Choices(data)
    form = track_format(choices.number(1), choices.number(1))
    least = 1 + choices.number(1)
    datagrams = read_wire(choices.rest())
    size = max(least, len(datagrams) // 16)
    chunks = [datagrams[at : at + size] for at in range(0, len(datagrams), size)]
    outliner = TrackOutliner(form)
    for number, chunk in enumerate(chunks):
        outliner.push(record_headers(number, records_of(chunk)))
    reader = TrackReader(form, [stream.known for stream in outliner.streams])
    found = _read(reader, chunks)
    assert len(reader.streams) <= len(outliner.streams) + 1
    _check_counts(reader, len(datagrams))
    _check_places(outliner, found, datagrams)


def track_format(codec: int, options: int) -> TrackFormat:
    """A track of one of the codecs, with what else signaling may say of it."""
    name = CODECS[codec % len(CODECS)]
    red, rtx, fec = options & 1, options & 2, options & 4
    repair = RepairFormat(
        media_payload_types=(96,),
        media_ssrcs=(1234,) if options & 8 else (),
        rtx=(RtxFormat(97, 96),) if rtx else (),
        red_payload_type=98 if red else None,
        fec=FecFormat("ulpfec" if options & 32 else "flexfec-03", 99) if fec else None,
    )
    return TrackFormat(
        codec=name,
        payload_types=(96, 98) if red else (96,),
        clock_rate=_RATES.get(name, 90_000),
        channels=2 if name == "opus" else 1,
        ssrcs=(1234,) if options & 8 else (),
        header_extensions=_EXTENSIONS if options & 16 else {},
        repair=repair if options & 7 else None,
    )


def _read(reader: TrackReader, chunks: Sequence[list[Datagram]]) -> list[StreamFrames]:
    found = []
    for chunk in chunks:
        found += reader.push(records_of(chunk))
    for ordinal in range(len(reader.streams)):
        found += reader.finish(ordinal)
    for _, frames in found:
        sound_frames(frames)
    return found


def _check_counts(reader: TrackReader, came: int) -> None:
    counts = reader.counts()
    assert min(counts) >= 0
    assert (
        counts.received - counts.restored + counts.duplicates <= came + counts.restored + 32 * came
    )
    assert counts.malformed + counts.foreign + counts.wild <= came


def _check_places(
    outliner: TrackOutliner, found: Sequence[StreamFrames], datagrams: Sequence[Datagram]
) -> None:
    played = sorted({ordinal for ordinal, _ in found if outliner.streams[ordinal].has_media})
    clocks = fit_clocks(
        [outliner.streams[ordinal].clock for ordinal in played], [10_000] * len(played)
    )
    clock_of = dict(zip(played, clocks, strict=True))
    first_us = min(each.arrival_us for each in datagrams) if datagrams else 0
    last_us = max(each.arrival_us for each in datagrams) if datagrams else 0
    for ordinal, frames in found:
        if ordinal not in clock_of:
            continue
        placed = place(frames, clock_of[ordinal])
        assert placed.count == frames.count
        assert int(placed.size.sum()) == int(frames.slice_length.sum())
        assert int(placed.time_us.min()) >= first_us - _MOST_BEYOND_US
        assert int(placed.time_us.max()) <= last_us + _MOST_BEYOND_US
        assert np.all(placed.duration_us >= 0)
