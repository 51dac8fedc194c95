"""Which files are asked for, and which are made of what a participant really published."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from isotrack.recording.tracks import Source


class OutputType(StrEnum):
    """The kinds of file a participant session can give; the `screenshare_` twins likewise."""

    AUDIO_ONLY = "audio_only"
    VIDEO_ONLY = "video_only"
    AUDIO_VIDEO = "audio_video"
    SCREENSHARE_AUDIO_ONLY = "screenshare_audio_only"
    SCREENSHARE_VIDEO_ONLY = "screenshare_video_only"
    SCREENSHARE_AUDIO_VIDEO = "screenshare_audio_video"

    @property
    def source(self) -> Source:
        """The source this file shows."""
        return Source.SCREENSHARE if self.value.startswith("screenshare_") else Source.PARTICIPANT

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of track in this file: `audio`, `video` or both."""
        return frozenset(self.value.removeprefix("screenshare_").split("_")) & {"audio", "video"}

    @classmethod
    def of(cls, source: Source, kinds: Collection[str]) -> OutputType:
        """The output type that shows just these kinds of a source."""
        return next(o for o in cls if o.source is source and o.kinds == frozenset(kinds))


DEFAULT_OUTPUT_TYPES = (OutputType.AUDIO_VIDEO, OutputType.SCREENSHARE_AUDIO_VIDEO)


def resolve_outputs(
    requested: Collection[OutputType], present: Collection[str], source: Source
) -> tuple[OutputType, ...]:
    """Decide the files of one source from the output types requested and the kinds present.

    A single-track file is made when it was requested and its kind is present. Audio+video is made
    when both are present; where only one of the two is, that one's single-track file is made
    instead, requested or not, so that nobody who published anything goes without a file.

    Args:
        requested: output types of the call, those of other sources among them.
        present: the kinds that are playable: a video track without a keyframe is not video.
        source: whose files to decide.

    Returns:
        The files to make, in the order of `OutputType`; none when nothing fits.
    """
    playable = frozenset(present)
    made = set()
    for wish in requested:
        if wish.source is not source:
            continue
        if kinds := wish.kinds & playable:
            # A single-track wish meets its own kind or nothing; audio+video falls back to what is.
            made.add(OutputType.of(source, kinds))
    return tuple(output for output in OutputType if output in made)
