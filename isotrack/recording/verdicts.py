"""The two answers of the sidecar, and the rules they follow.

How sure are we of this sync? Confidence is

- `low` where a stream may lie further than 40 ms from where it was captured, where the sender's
  reports contradict what came, or where the host's clock was set back during the recording;
- `medium` where a stream is placed by arrival alone, by fewer than three reports, may lie further
  off than 20 ms, or where fewer reports were followed than passed over;
- `high` otherwise.

40 ms are what nobody sees between two participants, 20 ms between sound and picture of one.

What is missing? A file is complete when all packets came or were repaired, all chunks could be
read as they were sealed, all frames could be decoded, and no track was captured in vain. That
nothing was sent (mutes, silence) is no loss, and neither is what an option leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, get_args

from isotrack.recording.sidecar import Completeness, MissingChunk, PacketCounts, UnplayableTrack
from isotrack.recording.sidecar_time import Basis, ClockReport, Confidence, Sync, WallClock
from isotrack.recording.sidecar_tracks import CapturedStream, FileTrack, FilledMs

SURE_MS = 20
"""Sound and picture nearer than this are together: people notice 45 ms (ITU-R BT.1359)."""

UNSURE_MS = 40
"""Participants that are further apart seem to answer late."""

FEW_REPORTS = 3
"""Fewer do not show if they fit."""

_NAMED = 3
_CONTRADICTIONS = ("contradicts_arrival", "contradicts_other_track")
_BASES: tuple[Basis, ...] = get_args(Basis)  # the surest first
_LEVELS: tuple[Confidence, ...] = get_args(Confidence)


class _Doubt(NamedTuple):
    confidence: Confidence
    sentence: str
    applies: Callable[[ClockReport], bool]


_DOUBTS = (
    _Doubt(
        "low",
        f"captured up to more than {UNSURE_MS} ms from where it is placed",
        lambda clock: clock.uncertainty_ms > UNSURE_MS,
    ),
    _Doubt(
        "low",
        "sender reports contradict the packets and were not followed",
        lambda clock: any(why in clock.reports_ignored for why in _CONTRADICTIONS),
    ),
    _Doubt(
        "medium",
        f"captured up to more than {SURE_MS} ms from where it is placed",
        lambda clock: SURE_MS < clock.uncertainty_ms <= UNSURE_MS,
    ),
    _Doubt(
        "medium",
        "placed by arrival alone: no sender reports that could be followed",
        lambda clock: clock.basis == "arrival",
    ),
    _Doubt(
        "medium",
        f"placed by fewer than {FEW_REPORTS} reports",
        lambda clock: clock.basis != "arrival" and clock.reports < FEW_REPORTS,
    ),
    _Doubt(
        "medium",
        "more reports were passed over than followed",
        lambda clock: clock.basis != "arrival" and _passed_over(clock) > clock.reports,
    ),
)


def judge_sync(streams: Sequence[CapturedStream], wall_clock: WallClock) -> Sync:
    """Say how sure the times of a file are, which has at least one stream."""
    clocks = [stream.clock for stream in streams]
    residual_ms = max(_residual_ms(clock) for clock in clocks)
    basis = max((clock.basis for clock in clocks), key=_BASES.index)
    levels: list[Confidence] = ["high"]
    reasons = []
    for doubt in _DOUBTS:
        odd = [stream for stream in streams if doubt.applies(stream.clock)]
        if odd:
            levels.append(doubt.confidence)
            reasons.append(f"{doubt.sentence}: {_names(odd)}")
    if wall_clock.host_set_back:
        levels.append("low")
        reasons.append(f"the SFU host's clock was set back; times seen: {wall_clock.host_set_back}")
    if not reasons:
        reasons.append(
            f"all streams are placed by {basis}, to {residual_ms:.1f} ms: {_names(streams)}"
        )
    return Sync(
        basis=basis,
        worst_residual_ms=residual_ms,
        worst_uncertainty_ms=max(clock.uncertainty_ms for clock in clocks),
        confidence=max(levels, key=_LEVELS.index),
        reasons=tuple(reasons),
    )


def judge_completeness(
    tracks: Sequence[FileTrack],
    packets: Sequence[PacketCounts],
    missing: Sequence[MissingChunk],
    unplayable: Sequence[UnplayableTrack],
) -> Completeness:
    """Say what is missing in a file.

    Args:
        tracks: of the file.
        packets: of the captured tracks it is made of.
        missing: of their chunks.
        unplayable: captured tracks that would have been in it.
    """
    absent = sum(chunk.problem == "missing" for chunk in missing)
    found = Completeness(
        complete=True,
        reasons=(),
        lost_packets=sum(each.lost for each in packets),
        repaired_packets=sum(each.restored for each in packets),
        frames_left_out=sum(each.frames_left_out for each in packets),
        frozen_ms=sum(track.frozen_ms for track in tracks),
        silence_filled_ms=FilledMs(
            lost=sum(track.filled_ms.lost for track in tracks),
            silent=sum(track.filled_ms.silent for track in tracks),
        ),
        missing_chunks=absent,
        damaged_chunks=len(missing) - absent,
        unplayable_tracks=len(unplayable),
    )
    reasons = tuple(_gaps(found, packets, unplayable))
    return found.model_copy(update={"complete": not reasons, "reasons": reasons})


def _gaps(
    found: Completeness, packets: Sequence[PacketCounts], unplayable: Sequence[UnplayableTrack]
) -> Iterator[str]:
    if found.lost_packets:
        yield f"packets that never came: {found.lost_packets}"
        dropped = sum(each.kernel_drops for each in packets)
        if dropped:
            yield f"datagrams that found no room in the SFU host's own buffers: {dropped}"
    if found.frames_left_out:
        yield f"frames that could not be decoded: {found.frames_left_out}"
    if found.missing_chunks:
        yield f"chunks that are not there: {found.missing_chunks}"
    if found.damaged_chunks:
        yield f"chunks that are damaged: {found.damaged_chunks}"
    for track in unplayable[:_NAMED]:
        yield f"nothing of {track.track_type} {track.track_id} can be played: {track.problem}"


def _residual_ms(clock: ClockReport) -> float:
    reports = clock.report_residual_ms
    return clock.arrival_residual_ms.median_ms if reports is None else reports.p95_ms


def _passed_over(clock: ClockReport) -> int:
    """Those that the packets' own capture times made needless do not count."""
    return sum(count for why, count in clock.reports_ignored.items() if why != "superseded")


def _names(streams: Sequence[CapturedStream]) -> str:
    names = list(dict.fromkeys(f"{each.track_type} {each.track_id}" for each in streams))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
