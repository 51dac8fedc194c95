"""How to read a track's packets, from what was announced of it."""

from __future__ import annotations

from isotrack.codecs.audio import audio_codec
from isotrack.media.repair import FecFormat, RepairFormat
from isotrack.media.track_format import AUDIO_CODECS, SUPPORTED_CODECS, TrackFormat
from isotrack.recording.tracks import Track
from isotrack.rtp.rtx_pairing import RtxFormat


def track_format(track: Track) -> TrackFormat:
    """The format of a track as announced.

    Raises:
        ValueError: its codec cannot be remuxed, or not with that clock or so many channels.
    """
    if track.codec not in SUPPORTED_CODECS:
        raise ValueError(track.mime_type)
    if track.codec in AUDIO_CODECS:
        audio_codec(track.codec, track.clock_rate, track.channels, track.fmtp)
    ssrcs = _ssrcs(track)
    red = () if track.red is None else (track.red.payload_type,)
    return TrackFormat(
        codec=track.codec,
        payload_types=(track.payload_type, *red),
        clock_rate=track.clock_rate,
        channels=track.channels,
        ssrcs=ssrcs,
        fmtp=dict(track.fmtp),
        header_extensions=dict(track.header_extensions),
        repair=_repair_format(track, ssrcs),
    )


def _ssrcs(track: Track) -> tuple[int, ...]:
    """The SSRCs of the media; none where not all of them were announced."""
    layers = [layer.ssrc for layer in track.layers]
    announced = [ssrc for ssrc in layers or [track.ssrc] if ssrc is not None]
    return tuple(announced) if len(announced) == max(len(layers), 1) else ()


def _repair_format(track: Track, ssrcs: tuple[int, ...]) -> RepairFormat | None:
    if track.rtx is None and track.red is None and track.fec is None:
        return None
    return RepairFormat(
        media_payload_types=(track.payload_type,),
        media_ssrcs=ssrcs,
        rtx=tuple(_rtx_formats(track)),
        red_payload_type=None if track.red is None else track.red.payload_type,
        fec=None if track.fec is None else FecFormat(**track.fec.model_dump()),
        extensions=dict(track.header_extensions),
    )


def _rtx_formats(track: Track) -> list[RtxFormat]:
    if track.rtx is None:
        return []
    of_layers = [
        RtxFormat(
            track.rtx.payload_type,
            track.payload_type,
            ssrc=layer.rtx_ssrc,
            media_ssrc=layer.ssrc,
            rid=layer.rid,
        )
        for layer in track.layers
        if layer.rtx_ssrc is not None
    ]
    return of_layers or [
        RtxFormat(
            track.rtx.payload_type,
            track.payload_type,
            ssrc=track.rtx.ssrc,
            media_ssrc=track.ssrc,
        )
    ]
