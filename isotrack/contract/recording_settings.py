"""Settings of what is made of a call: individual, composite, raw and frame recording, broadcasts.

Only individual recording is done here. The others are taken in requests, since programs send them,
and answered as what they are: off.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from isotrack.contract.fields import Custom, Disabled, Maybe, Off
from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES
from isotrack.recording.settings import Mode, OutputTypes
from isotrack.recording.tracks import Frozen

FrameQuality = Literal["360p", "480p", "720p", "1080p", "1440p"]
Quality = Literal[
    "360p",
    "480p",
    "720p",
    "1080p",
    "1440p",
    "portrait-360x640",
    "portrait-480x854",
    "portrait-720x1280",
    "portrait-1080x1920",
    "portrait-1440x2560",
]
LayoutName = Literal["spotlight", "grid", "single-participant", "mobile", "custom"]
Seconds = Annotated[int, Field(ge=2, le=60)]
Url = Annotated[str, StringConstraints(max_length=2048)]


class LayoutSettingsRequest(Frozen):
    """How a composite shows its participants."""

    name: LayoutName
    detect_orientation: bool | None = None
    external_app_url: Url | None = None
    external_css_url: Url | None = None
    options: Custom | None = None


class LayoutSettingsResponse(Frozen):
    """How a composite shows its participants."""

    name: LayoutName = "grid"
    detect_orientation: Maybe[bool] = None
    external_app_url: str = ""
    external_css_url: str = ""
    options: Maybe[dict[str, Any]] = None


class IndividualRecordingSettingsRequest(Frozen):
    """Recording of every participant on their own."""

    mode: Mode
    output_types: OutputTypes | None = None


class IndividualRecordingSettingsResponse(Frozen):
    """Recording of every participant on their own."""

    mode: Mode = Mode.AVAILABLE
    output_types: OutputTypes = DEFAULT_OUTPUT_TYPES


class RecordSettingsRequest(Frozen):
    """Composite recording."""

    mode: Mode
    audio_only: bool | None = None
    quality: Quality | None = None
    layout: LayoutSettingsRequest | None = None


class RecordSettingsResponse(Frozen):
    """Composite recording, which is not done here."""

    mode: Disabled = "disabled"
    audio_only: bool = False
    quality: Quality = "720p"
    layout: LayoutSettingsResponse = LayoutSettingsResponse()


class RawRecordingSettingsRequest(Frozen):
    """Recording of a call into one archive."""

    mode: Mode
    audio_only: bool | None = None


class RawRecordingSettingsResponse(Frozen):
    """Recording of a call into one archive, which is not done here."""

    mode: Disabled = "disabled"
    audio_only: Maybe[bool] = None


class FrameRecordingSettingsRequest(Frozen):
    """Recording of single pictures."""

    mode: Mode
    capture_interval_in_seconds: Seconds
    quality: FrameQuality | None = None


class FrameRecordingSettingsResponse(Frozen):
    """Recording of single pictures, which is not done here."""

    mode: Disabled = "disabled"
    capture_interval_in_seconds: Seconds = 60
    quality: Maybe[FrameQuality] = None


class HLSSettingsRequest(Frozen):
    """A broadcast over HLS."""

    quality_tracks: Annotated[tuple[Quality, ...], Field(min_length=1, max_length=3)]
    auto_on: bool | None = None
    enabled: bool | None = None
    layout: LayoutSettingsRequest | None = None


class HLSSettingsResponse(Frozen):
    """A broadcast over HLS, which is not done here."""

    auto_on: Off = False
    enabled: Off = False
    quality_tracks: tuple[Quality, ...] = ("720p",)
    layout: LayoutSettingsResponse = LayoutSettingsResponse()


class RTMPSettingsRequest(Frozen):
    """A broadcast over RTMP."""

    enabled: bool | None = None
    quality: Quality | None = None
    layout: LayoutSettingsRequest | None = None


class RTMPSettingsResponse(Frozen):
    """A broadcast over RTMP, which is not done here."""

    enabled: Off = False
    quality: Quality = "720p"
    layout: LayoutSettingsResponse = LayoutSettingsResponse()


class BroadcastSettingsRequest(Frozen):
    """Broadcasts."""

    enabled: bool | None = None
    hls: HLSSettingsRequest | None = None
    rtmp: RTMPSettingsRequest | None = None


class BroadcastSettingsResponse(Frozen):
    """Broadcasts, which are not made here."""

    enabled: Off = False
    hls: HLSSettingsResponse = HLSSettingsResponse()
    rtmp: RTMPSettingsResponse = RTMPSettingsResponse()
