"""What makes black pictures on this machine: FFmpeg, loaded when the first one is needed."""

from __future__ import annotations

from importlib.util import find_spec

from isotrack.pipeline.ports import BlackPictures


def black_pictures() -> BlackPictures | None:
    """What makes black pictures; None where PyAV is not installed."""
    return None if find_spec("av") is None else _OnDemand()


class _OnDemand:
    """Loads what makes them with the first one: most remuxes need none."""

    def __init__(self) -> None:
        self._pictures: BlackPictures | None = None

    def frame(self, codec: str, width: int, height: int) -> bytes:
        """See `BlackPictures`."""
        if self._pictures is None:
            from isotrack.adapters.ffmpeg_pictures import FfmpegBlackPictures

            self._pictures = FfmpegBlackPictures()
        return self._pictures.frame(codec, width, height)
