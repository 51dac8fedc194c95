"""How recording files are to be made, where there is more than one right way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from isotrack.recording.tracks import Frozen

HIGHEST = "highest"


class RemuxOptions(Frozen):
    """What users may choose of; the defaults suit players and editors."""

    layer: Annotated[str, StringConstraints(min_length=1, max_length=255)] = HIGHEST
    """Which layer of simulcast is in the file: `highest` that is alive at each time, or a rid."""
    video_gaps: Literal["hold", "black"] = "hold"
    """What is seen while nothing comes: the last picture, or black."""
    track_span: Literal["presence", "media"] = "presence"
    """All tracks of a file begin and end with the participant's presence, or each with its
    media."""
    orientation: Literal["upright", "metadata"] = "upright"
    """A turned camera: right side up in every player, re-encoding only what must be turned; or said
    in metadata alone, re-encoding nothing."""
