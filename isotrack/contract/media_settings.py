"""Settings of what participants publish: audio, video, screensharing, backstage, thumbnails.

Of each section there is what a request may say of it and what an answer says: the fields of an
answer have the defaults of an installation, which a section of a request is written over.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isotrack.contract.fields import Maybe, Off
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Frozen

Device = Literal["speaker", "earpiece"]
CameraFacing = Literal["front", "back", "external"]
Edge = Annotated[int, Field(ge=240, le=3840)]
"""Pixels."""


class NoiseCancellationSettings(Frozen):
    """Whether clients take noise out of what they publish."""

    mode: Mode


class TargetResolution(Frozen):
    """What clients are asked to publish."""

    width: Edge
    height: Edge
    bitrate: Annotated[int, Field(ge=0, le=6_000_000)] = 0
    """Bits per second; 0 leaves it to the client."""


class AudioSettingsRequest(Frozen):
    """Microphones and loudspeakers."""

    default_device: Device
    access_request_enabled: bool | None = None
    hifi_audio_enabled: bool | None = None
    mic_default_on: bool | None = None
    noise_cancellation: NoiseCancellationSettings | None = None
    opus_dtx_enabled: bool | None = None
    redundant_coding_enabled: bool | None = None
    speaker_default_on: bool | None = None


class AudioSettingsResponse(Frozen):
    """Microphones and loudspeakers."""

    default_device: Device = "speaker"
    access_request_enabled: bool = True
    hifi_audio_enabled: bool = False
    mic_default_on: bool = True
    noise_cancellation: Maybe[NoiseCancellationSettings] = None
    opus_dtx_enabled: bool = True
    redundant_coding_enabled: bool = True
    speaker_default_on: bool = True


class VideoSettingsRequest(Frozen):
    """Cameras."""

    access_request_enabled: bool | None = None
    camera_default_on: bool | None = None
    camera_facing: CameraFacing | None = None
    enabled: bool | None = None
    target_resolution: TargetResolution | None = None


class VideoSettingsResponse(Frozen):
    """Cameras."""

    access_request_enabled: bool = True
    camera_default_on: bool = True
    camera_facing: CameraFacing = "front"
    enabled: bool = True
    target_resolution: TargetResolution = TargetResolution(
        width=1280, height=720, bitrate=1_500_000
    )


class ScreensharingSettingsRequest(Frozen):
    """Shared screens."""

    access_request_enabled: bool | None = None
    enabled: bool | None = None
    target_resolution: TargetResolution | None = None


class ScreensharingSettingsResponse(Frozen):
    """Shared screens."""

    access_request_enabled: bool = True
    enabled: bool = True
    target_resolution: Maybe[TargetResolution] = None


class BackstageSettingsRequest(Frozen):
    """Being in a call before it goes live."""

    enabled: bool | None = None
    join_ahead_time_seconds: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class BackstageSettingsResponse(Frozen):
    """Being in a call before it goes live; calls here are always live."""

    enabled: Off = False
    join_ahead_time_seconds: Maybe[int] = None


class ThumbnailsSettingsRequest(Frozen):
    """Pictures of a call."""

    enabled: bool | None = None


class ThumbnailsSettingsResponse(Frozen):
    """Pictures of a call; none are made here."""

    enabled: Off = False
