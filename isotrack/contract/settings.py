"""The settings of calls and call types: section by section, as requested and as answered."""

from __future__ import annotations

from isotrack.contract.ingress_settings import IngressSettingsRequest, IngressSettingsResponse
from isotrack.contract.media_settings import (
    AudioSettingsRequest,
    AudioSettingsResponse,
    BackstageSettingsRequest,
    BackstageSettingsResponse,
    ScreensharingSettingsRequest,
    ScreensharingSettingsResponse,
    ThumbnailsSettingsRequest,
    ThumbnailsSettingsResponse,
    VideoSettingsRequest,
    VideoSettingsResponse,
)
from isotrack.contract.recording_settings import (
    BroadcastSettingsRequest,
    BroadcastSettingsResponse,
    FrameRecordingSettingsRequest,
    FrameRecordingSettingsResponse,
    IndividualRecordingSettingsRequest,
    IndividualRecordingSettingsResponse,
    RawRecordingSettingsRequest,
    RawRecordingSettingsResponse,
    RecordSettingsRequest,
    RecordSettingsResponse,
)
from isotrack.contract.session_settings import (
    EncryptionSettingsRequest,
    EncryptionSettingsResponse,
    GeofenceSettingsRequest,
    GeofenceSettingsResponse,
    LimitsSettingsRequest,
    LimitsSettingsResponse,
    RingSettingsRequest,
    RingSettingsResponse,
    SessionSettingsRequest,
    SessionSettingsResponse,
)
from isotrack.contract.transcription_settings import (
    TranscriptionSettingsRequest,
    TranscriptionSettingsResponse,
)
from isotrack.recording.tracks import Frozen


class CallSettingsRequest(Frozen):
    """Sections to set; one that is None is left as it is, or to the next level."""

    audio: AudioSettingsRequest | None = None
    backstage: BackstageSettingsRequest | None = None
    broadcasting: BroadcastSettingsRequest | None = None
    encryption: EncryptionSettingsRequest | None = None
    frame_recording: FrameRecordingSettingsRequest | None = None
    geofencing: GeofenceSettingsRequest | None = None
    individual_recording: IndividualRecordingSettingsRequest | None = None
    ingress: IngressSettingsRequest | None = None
    limits: LimitsSettingsRequest | None = None
    raw_recording: RawRecordingSettingsRequest | None = None
    recording: RecordSettingsRequest | None = None
    ring: RingSettingsRequest | None = None
    screensharing: ScreensharingSettingsRequest | None = None
    session: SessionSettingsRequest | None = None
    thumbnails: ThumbnailsSettingsRequest | None = None
    transcription: TranscriptionSettingsRequest | None = None
    video: VideoSettingsRequest | None = None

    def over(self, below: CallSettingsResponse) -> CallSettingsResponse:
        """All settings, with the sections of this in place of those below.

        What a section leaves out is as in `below`. What we do not do stays off, asked for or not.
        """
        asked = self.model_dump(exclude_none=True)
        sections = below.model_dump()
        return CallSettingsResponse.model_validate(
            {name: {**section, **asked.get(name, {})} for name, section in sections.items()}
        )


class CallSettingsResponse(Frozen):
    """Every section complete; what we do not do is off."""

    audio: AudioSettingsResponse = AudioSettingsResponse()
    backstage: BackstageSettingsResponse = BackstageSettingsResponse()
    broadcasting: BroadcastSettingsResponse = BroadcastSettingsResponse()
    encryption: EncryptionSettingsResponse = EncryptionSettingsResponse()
    frame_recording: FrameRecordingSettingsResponse = FrameRecordingSettingsResponse()
    geofencing: GeofenceSettingsResponse = GeofenceSettingsResponse()
    individual_recording: IndividualRecordingSettingsResponse = (
        IndividualRecordingSettingsResponse()
    )
    ingress: IngressSettingsResponse = IngressSettingsResponse()
    limits: LimitsSettingsResponse = LimitsSettingsResponse()
    raw_recording: RawRecordingSettingsResponse = RawRecordingSettingsResponse()
    recording: RecordSettingsResponse = RecordSettingsResponse()
    ring: RingSettingsResponse = RingSettingsResponse()
    screensharing: ScreensharingSettingsResponse = ScreensharingSettingsResponse()
    session: SessionSettingsResponse = SessionSettingsResponse()
    thumbnails: ThumbnailsSettingsResponse = ThumbnailsSettingsResponse()
    transcription: TranscriptionSettingsResponse = TranscriptionSettingsResponse()
    video: VideoSettingsResponse = VideoSettingsResponse()


DEFAULT_SETTINGS = CallSettingsResponse()
"""Where neither a call nor its type says anything."""
