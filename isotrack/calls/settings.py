"""Which settings hold for a call: its own, its type's, or ours, section by section."""

from __future__ import annotations

from isotrack.contract.settings import DEFAULT_SETTINGS, CallSettingsRequest, CallSettingsResponse


def overridden(
    settings: CallSettingsRequest | None, change: CallSettingsRequest | None
) -> CallSettingsRequest | None:
    """The settings with the sections that the change has in place of what was there."""
    if settings is None or change is None:
        return change or settings
    sections = {
        name: section
        for name in CallSettingsRequest.model_fields
        if (section := getattr(change, name)) is not None
    }
    return settings.model_copy(update=sections)


def resolve_settings(
    call: CallSettingsRequest | None,
    call_type: CallSettingsRequest | None,
    default: CallSettingsResponse = DEFAULT_SETTINGS,
) -> CallSettingsResponse:
    """Put the levels of settings together: the call's own over its type's over ours.

    What a section leaves out is left to the next level; whole sections are, where there is none.
    """
    for level in (call_type, call):
        if level is not None:
            default = level.over(default)
    return default
