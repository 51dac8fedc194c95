"""What turns pictures on this machine: FFmpeg, loaded when the first one is to be turned."""

from __future__ import annotations

from importlib.util import find_spec

from isotrack.pipeline.ports import PictureTurner, PictureTurners


def picture_turners() -> PictureTurners | None:
    """What makes turners; None where PyAV is not installed."""
    return None if find_spec("av") is None else _ffmpeg_turner


def _ffmpeg_turner(codec: str, configuration: bytes) -> PictureTurner:
    # Here, since hardly any remux needs it, and loading it takes a tenth of a second.
    from isotrack.adapters.ffmpeg_turning import FfmpegTurner

    return FfmpegTurner(codec, configuration)
