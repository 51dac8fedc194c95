"""Settings of transcription, which is not done here and answered as off."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isotrack.contract.fields import Disabled, Maybe, Off
from isotrack.recording.settings import Mode
from isotrack.recording.tracks import Frozen

# fmt: off
SpokenLanguage = Literal[
    "auto", "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv",
    "ta", "th", "tl", "tr", "uk", "zh",
]
TranslatedLanguage = Literal[
    "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu",
    "id", "it", "ja", "ko", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "ta", "th",
    "tl", "tr", "uk", "zh",
]
# fmt: on
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]


class SpeechSegmentConfig(Frozen):
    """How speech is cut into captions."""

    max_speech_caption_ms: Milliseconds | None = None
    silence_duration_ms: Milliseconds | None = None


class TranslationSettings(Frozen):
    """Into which languages captions are translated."""

    enabled: bool | None = None
    languages: Annotated[tuple[TranslatedLanguage, ...], Field(max_length=40)] | None = None


class TranscriptionSettingsRequest(Frozen):
    """Captions and transcripts."""

    closed_caption_mode: Mode | None = None
    language: SpokenLanguage | None = None
    mode: Mode | None = None
    speech_segment_config: SpeechSegmentConfig | None = None
    translation: TranslationSettings | None = None


class TranslationSettingsResponse(Frozen):
    """Into which languages captions are translated: there are none."""

    enabled: Off = False
    languages: tuple[TranslatedLanguage, ...] = ()


class TranscriptionSettingsResponse(Frozen):
    """Captions and transcripts, which are not made here."""

    closed_caption_mode: Disabled = "disabled"
    language: SpokenLanguage = "auto"
    mode: Disabled = "disabled"
    translation: Maybe[TranslationSettingsResponse] = None
