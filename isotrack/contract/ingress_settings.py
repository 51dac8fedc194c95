"""Settings of what comes into a call from encoders, which is not done here and answered as off."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isotrack.contract.fields import Name, Off
from isotrack.recording.tracks import Frozen

MAX_INT32 = 2**31 - 1
AudioBitrate = Annotated[int, Field(ge=16_000, le=128_000)]
"""Bits per second."""
VideoBitrate = Annotated[int, Field(ge=1_000, le=MAX_INT32)]
"""Bits per second."""
SourceEdge = Annotated[int, Field(ge=2, le=MAX_INT32)]
"""Pixels."""
LayerEdge = Annotated[int, Field(ge=240, le=MAX_INT32)]
"""Pixels."""


class IngressAudioEncodingOptionsRequest(Frozen):
    """How the sound of an encoder is published."""

    bitrate: AudioBitrate
    channels: Literal[1, 2]
    enable_dtx: bool | None = None


class IngressVideoLayerRequest(Frozen):
    """One layer that the picture of an encoder is published in."""

    codec: Literal["h264", "vp8"]
    bitrate: VideoBitrate
    frame_rate_limit: Annotated[int, Field(ge=1, le=60)]
    max_dimension: LayerEdge
    min_dimension: LayerEdge


class IngressSourceRequest(Frozen):
    """The picture that an encoder sends."""

    fps: Literal[30, 60]
    height: SourceEdge
    width: SourceEdge


class IngressVideoEncodingOptionsRequest(Frozen):
    """How the picture of an encoder is published."""

    layers: Annotated[tuple[IngressVideoLayerRequest, ...], Field(min_length=1, max_length=8)]
    source: IngressSourceRequest


class IngressSettingsRequest(Frozen):
    """Encoders in a call."""

    enabled: bool | None = None
    audio_encoding_options: IngressAudioEncodingOptionsRequest | None = None
    video_encoding_options: (
        Annotated[dict[Name, IngressVideoEncodingOptionsRequest], Field(max_length=16)] | None
    ) = None


class IngressSettingsResponse(Frozen):
    """Encoders in a call, of which there are none here."""

    enabled: Off = False
