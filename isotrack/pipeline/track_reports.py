"""What a sidecar says of one track of a file."""

from __future__ import annotations

from collections.abc import Iterator

from isotrack.media.activity import SECOND_US
from isotrack.media.lanes import Lane
from isotrack.media.silence import MUTE_US, SilenceFiller
from isotrack.media.stretches import Stretches
from isotrack.pipeline.clipping import Bounds, Clip, Clipped
from isotrack.pipeline.clock_reports import stream_reports
from isotrack.pipeline.describing import Description
from isotrack.pipeline.extents import LaneExtent
from isotrack.pipeline.level_reports import audio_level
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.orientation import OrientationLog
from isotrack.pipeline.series import Steps, kbps
from isotrack.pipeline.showing import shown_layers
from isotrack.recording.sidecar_tracks import (
    Bitrate,
    FileTrack,
    FilledMs,
    Interval,
    Keyframes,
    LayerUse,
    Rotation,
    Stretch,
)

MAX_STREAMS = 500
MAX_RESOLUTIONS = 1000
MAX_ROTATIONS = 1000
MAX_LAYERS = 1000

_STALE_US = 100_000  # the last pictures of two layers may be so far apart


class TrackReporter:
    """Says what is known of the tracks of a file, once it is written.

    Args:
        description: of the file.
        merger: what was read.
        clip: what of the source is in the file.
    """

    def __init__(self, description: Description, merger: LaneMerger, clip: Clip) -> None:
        self._description = description
        self._found = description.found
        self._merger = merger
        self._clip = clip

    def video(self, number: int, lane: Lane, extent: LaneExtent) -> FileTrack:
        """A track of pictures.

        Args:
            number: of the track.
            lane: its streams.
            extent: what of it is in the file.
        """
        frozen = self._clip.clipped(extent.freezes)
        muted = self._clip.clipped(extent.mutes)
        frozen, muted = self._with_ends(lane, extent, frozen, muted)
        resolutions = self._description.resolutions_of(lane, self._merger)
        log, layers = self._merger.orientation(lane), self._layers(lane)
        black = self._clip.clipped(self._black(lane))
        short = {
            "frozen": frozen.joined,
            "muted": muted.joined,
            "resolutions": max(len(resolutions) - MAX_RESOLUTIONS, 0),
            "black": black.joined,
            "layers": max(len(layers) - MAX_LAYERS, 0),
            "rotations": max(len(log.changes) - MAX_ROTATIONS, 0),
            "keyframes": extent.keyframes.count - len(extent.keyframes.kept_us()),
        }
        return self._track(number, lane, extent, muted, short).model_copy(
            update={
                "frozen": tuple(_interval(each, "lost") for each in frozen.ms),
                "frozen_ms": frozen.total_ms,
                "resolutions": tuple(resolutions[:MAX_RESOLUTIONS]),
                "keyframes": self._keyframes(extent),
                "layers": tuple(layers[:MAX_LAYERS]),
                "black": tuple(map(_stretch, black.ms)),
                "black_ms": black.total_ms,
                "rotations": tuple(self._rotations(log)),
                "header_degrees": log.header_degrees,
            }
        )

    def audio(
        self, number: int, lane: Lane, extent: LaneExtent, filler: SilenceFiller
    ) -> FileTrack:
        """A track of sound.

        Args:
            number: of the track.
            lane: its streams.
            extent: what of it is in the file.
            filler: knows its silence.
        """
        clip, holes = self._clip, filler.holes
        filled = [
            _interval(each, "lost" if hole.lost else "silent")
            for hole in holes
            for each in clip.listed([(hole.start_us, hole.end_us)])
        ]
        totals = {
            lost: clip.total_ms(
                [(hole.start_us, hole.end_us) for hole in holes if hole.lost is lost], total_us
            )
            for lost, total_us in filler.filled_us.items()
        }
        muted, unfilled = clip.clipped(filler.mutes), clip.clipped(filler.unfilled)
        level, joined = audio_level(lane, self._found, self._merger, clip)
        short = {
            "filled": filler.hole_count - len(holes),
            "muted": muted.joined,
            "unfilled": unfilled.joined,
            "speech": joined,
        }
        return self._track(number, lane, extent, muted, short).model_copy(
            update={
                "filled": tuple(filled),
                "filled_ms": FilledMs(lost=totals[True], silent=totals[False]),
                "unfilled": tuple(map(_stretch, unfilled.ms)),
                "audio_level": level,
            }
        )

    def _track(
        self, number: int, lane: Lane, extent: LaneExtent, muted: Clipped, short: dict[str, int]
    ) -> FileTrack:
        """What both kinds have."""
        clip, spans = self._clip, lane.spans[:MAX_STREAMS]
        short |= {"streams": len(lane.spans) - len(spans)}
        first_us = clip.start_us if extent.first_us is None else extent.first_us
        about = {
            "number": number,
            "kind": lane.kind,
            "codec": lane.codec,
            "frames": extent.frames,
            "start_ms": clip.ms(first_us),
            "end_ms": clip.ms(max(extent.end_us, first_us)),
            "streams": stream_reports(spans, self._found, clip),
            "filled_ms": FilledMs(lost=0, silent=0),
            "frozen_ms": 0,
            "muted": list(map(_stretch, muted.ms)),
            "muted_ms": muted.total_ms,
            "bitrate": self._bitrate(lane),
            "truncated": {name: count for name, count in short.items() if count},
        }
        return FileTrack.model_validate(about)

    def _with_ends(
        self, lane: Lane, extent: LaneExtent, frozen: Clipped, muted: Clipped
    ) -> tuple[Clipped, Clipped]:
        """The freezes and mutes of pictures, with what is before the first and behind the last."""
        clip = self._clip
        if extent.first_us is None:
            return frozen, _more(muted, clip.listed([clip]), first=True)
        sent_us = [
            first_us
            for span in lane.spans
            if (first_us := self._found.tracks[span.track].streams[span.stream].activity.first_us)
        ]
        lead = (clip.start_us, min([extent.first_us, *sent_us]))
        last_us = max(span.over_us for span in lane.spans)
        if (
            last_us - extent.end_us > _STALE_US
        ):  # pictures went on to come, and none of them could be decoded
            frozen = _more(frozen, clip.listed([(extent.end_us, last_us)]))
        tail = (max(extent.end_us, last_us), clip.end_us)
        if lead[1] - lead[0] > MUTE_US:
            muted = _more(muted, clip.listed([lead]), first=True)
        if tail[1] - tail[0] > MUTE_US:
            muted = _more(muted, clip.listed([tail]))
        return frozen, muted

    def _black(self, lane: Lane) -> Stretches:
        """Where the picture is black."""
        filler = self._merger.black[self._found.lanes.index(lane)]
        return Stretches() if filler is None else filler.filled

    def _layers(self, lane: Lane) -> list[LayerUse]:
        """Which layer is seen when; none where there is no simulcast."""
        return [
            LayerUse(
                start_ms=start_ms,
                end_ms=end_ms,
                ssrc=layer.ssrc,
                rid=layer.rid,
                width=layer.width,
                height=layer.height,
            )
            for layer in shown_layers(lane, self._found, self._merger)
            for start_ms, end_ms in self._clip.listed([(layer.start_us, layer.end_us)])
        ]

    def _keyframes(self, extent: LaneExtent) -> Keyframes:
        keyframes = extent.keyframes
        return Keyframes(
            count=keyframes.count,
            longest_interval_ms=(keyframes.longest_us + 500) // 1000,
            every=keyframes.every,
            times_ms=tuple(map(self._clip.ms, keyframes.kept_us())),
        )

    def _rotations(self, log: OrientationLog) -> Iterator[Rotation]:
        for change in log.changes[:MAX_ROTATIONS]:
            at_ms = max(self._clip.ms(change.time_us), 0)
            about = {"at_ms": at_ms, "degrees": change.degrees, "turned": change.turned}
            yield Rotation.model_validate(about)

    def _bitrate(self, lane: Lane) -> Bitrate:
        clip, first = self._clip, self._clip.start_us // SECOND_US
        traffic = (
            self._found.tracks[span.track].streams[span.stream].activity.by_second()
            for span in lane.spans
        )
        steps = Steps.of(clip.end_us - first * SECOND_US)
        return Bitrate(
            start_ms=clip.ms(first * SECOND_US),
            step_ms=steps.step_s * 1000,
            kbps=kbps(traffic, first, steps),
        )


def _interval(bounds_ms: Bounds, reason: str) -> Interval:
    start_ms, end_ms = bounds_ms
    return Interval.model_validate({"start_ms": start_ms, "end_ms": end_ms, "reason": reason})


def _stretch(bounds_ms: Bounds) -> Stretch:
    return Stretch(start_ms=bounds_ms[0], end_ms=bounds_ms[1])


def _more(clipped: Clipped, bounds_ms: list[Bounds], *, first: bool = False) -> Clipped:
    """With further stretches, before all others or behind them."""
    length_ms = sum(end - start for start, end in bounds_ms)
    listed = bounds_ms + clipped.ms if first else clipped.ms + bounds_ms
    return clipped._replace(ms=listed, total_ms=clipped.total_ms + length_ms)
