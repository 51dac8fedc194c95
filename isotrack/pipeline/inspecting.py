"""Inspect: what is in captures, source by source, and what it probably is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from isotrack.pipeline.captures import Capture, OpenCapture, open_captures, packets_of
from isotrack.pipeline.noting import mjr_header, notes_on
from isotrack.pipeline.observing import SourceObserver
from isotrack.pipeline.recognizing import Recognized
from isotrack.pipeline.repairs import RtxTally, format_of, protected_by
from isotrack.recording.inspection import (
    InspectedFile,
    InspectedSource,
    Inspection,
    Role,
    SentExtension,
    SentType,
)
from isotrack.rtp.datagrams import Datagrams
from isotrack.rtp.mjr import MjrHeader
from isotrack.rtp.pacing import nearest_rate
from isotrack.rtp.payload_types import STATIC_PAYLOAD_TYPES, PayloadFormat
from isotrack.rtp.rtcp import SenderReport, cnames, read_compound

MAX_SOURCES = 512
"""Sources of one file; where there are more, those of a packet or two go: they are no media."""

_FEW = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CERTAINTY = ("none", "likely", "sure")


def inspect(
    captures: Sequence[Capture], clock_rates: Mapping[int, int] | None = None
) -> Inspection:
    """Read captures and say what is in them.

    Args:
        captures: the files.
        clock_rates: of payload types, for formats that record no arrivals.

    Raises:
        CorruptInput: one is no capture; the message names it.
    """
    files: list[InspectedFile] = []
    sources: list[InspectedSource] = []
    for opened in open_captures(captures, clock_rates or {}):
        reading = _Reading(opened)
        files.append(reading.file())
        sources += reading.sources()
    return Inspection(files=tuple(files), sources=tuple(sources))


class _Reading:
    """One file, read to its end."""

    def __init__(self, opened: OpenCapture) -> None:
        self._name = opened.capture.name
        self._reader = opened.reader
        self._found: dict[tuple[int, int], SourceObserver] = {}
        self._rtx = RtxTally()
        self._reports: Counter[int] = Counter()
        self._cnames: dict[int, str] = {}
        self._packets = self._rtcp = self._malformed = self._passed_over = 0
        for batch in opened.batches:
            self._observe(batch)
        for source in self._found.values():
            source.finish()
            source.sender_reports = self._reports[source.ssrc]
            source.cname = self._cnames.get(source.ssrc) or None

    def file(self) -> InspectedFile:
        """The file as a whole."""
        skipped = {reason: count for reason, count in self._reader.skipped.items() if count}
        if self._passed_over:
            skipped["stray"] = self._passed_over
        return InspectedFile(
            file=self._name,
            form=self._reader.form,
            packets=self._packets,
            rtcp=self._rtcp,
            malformed=self._malformed,
            arrivals_made=self._reader.arrivals_made,
            skipped=skipped,
            notes=tuple(notes_on(self._reader, self._packets)),
        )

    def sources(self) -> list[InspectedSource]:
        """Its sources, by the time they begin."""
        ordered = sorted(self._found.items(), key=lambda item: item[1].first_us)
        return [self._describe(flow, source) for (flow, _), source in ordered]

    def _observe(self, batch: Datagrams) -> None:
        packets, rows, malformed = packets_of(batch)
        self._malformed += malformed
        self._packets += packets.count
        keys = batch.flow[rows] << 32 | packets.ssrc.astype(np.int64)
        for key in np.unique(keys).tolist():
            place = (key >> 32, key & 0xFFFFFFFF)
            if place not in self._found:
                self._make_room()
                self._found[place] = SourceObserver(place[1], timed=not self._reader.arrivals_made)
            self._found[place].push(packets.take(np.flatnonzero(keys == key)))
        self._rtx.look(list(self._found.values()))
        whole = memoryview(batch.buffer)  # type: ignore[arg-type]  # arrays are buffers
        for row in np.flatnonzero(batch.is_rtcp).tolist():
            at = int(batch.offset[row])
            self._read_rtcp(whole[at : at + int(batch.length[row])])

    def _make_room(self) -> None:
        if len(self._found) < MAX_SOURCES:
            return
        least = min(self._found, key=lambda place: self._found[place].packets)
        self._passed_over += self._found.pop(least).packets

    def _read_rtcp(self, packet: memoryview) -> None:
        self._rtcp += 1
        for part in read_compound(packet):
            if isinstance(part, SenderReport) and len(self._reports) < MAX_SOURCES:
                self._reports[part.ssrc] += 1
        if len(self._cnames) < MAX_SOURCES:
            self._cnames |= cnames(packet)

    def _describe(self, flow: int, source: SourceObserver) -> InspectedSource:
        media, said = self._media_of(source)
        role, repairs = self._role(source, said)
        if role in (Role.RTX, Role.FLEXFEC):
            media, said = None, None
        best = said if isinstance(said, Recognized) else None
        header = mjr_header(self._reader)
        rate = said.clock_rate if said else None
        if rate is None and source.measured_hz:
            rate = nearest_rate(source.measured_hz)
        return InspectedSource(
            file=self._name,
            flow=str(self._reader.flows[flow]),
            ssrc=source.ssrc,
            role=role,
            mime_type=said.mime_type if said else None,
            certainty=best.certainty if best else "sure" if said else "none",
            clock_rate=rate,
            channels=said.channels if said else 1,
            measured_hz=round(source.measured_hz, 1) if source.measured_hz else None,
            repairs=repairs,
            payload_types=tuple(self._types(source, media, said)),
            packets=source.packets,
            empty=source.empty,
            bytes=source.bytes,
            lost=source.lost,
            reordered=source.reordered,
            duplicates=source.duplicates,
            restarts=source.restarts,
            first_at=_EPOCH + timedelta(microseconds=source.first_us),
            last_at=_EPOCH + timedelta(microseconds=source.last_us),
            bitrate_bps=_bitrate(source),
            markers=source.markers,
            sender_reports=source.sender_reports,
            cname=source.cname,
            header_extensions=tuple(
                SentExtension(
                    id=identifier,
                    packets=seen.packets,
                    smallest=min(seen.sizes),
                    largest=max(seen.sizes),
                    first_bytes=tuple(sorted(seen.values)),
                )
                for identifier, seen in sorted(source.extensions.items())
            ),
            fmtp=header.fmtp if header else "",
            extension_uris=header.extensions if header else {},
            keyframes=best.keyframes if best else 0,
            width=best.size[0] if best and best.size else None,
            height=best.size[1] if best and best.size else None,
        )

    def _media_of(
        self, source: SourceObserver
    ) -> tuple[int | None, Recognized | PayloadFormat | None]:
        """The payload type of the media of a source, and what it is."""
        header = mjr_header(self._reader)
        found: list[tuple[float, int, Recognized | PayloadFormat]] = []
        for payload_type, count in source.payload_types.items():
            one = source.recognized.get(payload_type)
            static = STATIC_PAYLOAD_TYPES.get(payload_type)
            if static and static.mime_type != "audio/cn" and source.bytes:
                found.append((2.0 * count, payload_type, static))
            elif one:
                found.append((one.score * count, payload_type, one))
        if found:
            _, media, said = max(found, key=lambda one: one[0])
            if isinstance(said, Recognized) and said.certainty == "sure":
                return media, said
            if isinstance(said, PayloadFormat) or header is None:
                return media, said
        if header and header.codec and source.payload_types:
            return source.payload_types.most_common(1)[0][0], _announced(header)
        return None, None

    def _role(
        self, source: SourceObserver, said: Recognized | PayloadFormat | None
    ) -> tuple[Role, int | None]:
        sure = isinstance(said, PayloadFormat) or (said is not None and said.certainty == "sure")
        if not sure:
            protected = protected_by(source)
            if protected is not None:
                return Role.FLEXFEC, protected
            repeated = self._rtx.repeated_by(source.ssrc)
            if repeated is not None:
                return Role.RTX, repeated
        if said is None:
            return Role.UNKNOWN, None
        return Role(said.mime_type.partition("/")[0]), None

    def _types(
        self,
        source: SourceObserver,
        media: int | None,
        said: Recognized | PayloadFormat | None,
    ) -> Iterator[SentType]:
        best = said if isinstance(said, Recognized) else None
        inner, fec = (best.inner_payload_type, best.fec_payload_type) if best else (None, None)
        for payload_type, count in sorted(source.payload_types.items()):
            form = format_of(source, payload_type, media)
            if said and payload_type in (media, inner):
                form = said.mime_type.partition("/")[2]
            if inner is not None and payload_type == media != inner:
                form = "red"
            yield SentType(payload_type=payload_type, packets=count, format=form)
        if inner is not None and inner not in source.payload_types and said:
            name = said.mime_type.partition("/")[2]
            yield SentType(payload_type=inner, packets=0, format=name)
        if fec is not None and fec not in source.payload_types:
            yield SentType(payload_type=fec, packets=0, format="ulpfec")


def _announced(header: MjrHeader) -> PayloadFormat:
    video = header.kind == "video"
    rate = 90_000 if video else 48_000 if header.codec in ("opus", "multiopus") else 8000
    channels = 2 if header.codec == "opus" else 1
    return PayloadFormat(f"{header.kind}/{header.codec}", rate, channels)


def _bitrate(source: SourceObserver) -> int:
    us = source.last_us - source.first_us
    return source.bytes * 8_000_000 // us if us > 0 else 0
