"""An inspection as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isotrack.recording.inspection import InspectedFile, InspectedSource, Inspection

_HEADINGS = (
    "SSRC",
    "KIND",
    "CODEC",
    "PT",
    "PACKETS",
    "LOST",
    "LATE",
    "TWICE",
    "KBIT/S",
    "START",
    "SECONDS",
    "CLOCK",
    "SR",
    "ABOUT",
)


def tabulate(found: Inspection) -> str:
    """The files one after the other, a line for each source of packets."""
    return "\n".join(line for file in found.files for line in _file(file, found)) + "\n"


def _file(file: InspectedFile, found: Inspection) -> Iterator[str]:
    yield f"{file.file}: {file.form}, {file.packets} RTP packets, {file.rtcp} RTCP packets"
    passed_over = dict(file.skipped) | ({"malformed": file.malformed} if file.malformed else {})
    if passed_over:
        yield "  passed over: " + ", ".join(f"{count} {why}" for why, count in passed_over.items())
    yield from (f"  {note}" for note in file.notes)
    sources = [source for source in found.sources if source.file == file.file]
    flows = dict.fromkeys(source.flow for source in sources)
    for flow in flows:
        if flow:
            yield f"  {flow}"
        rows = [_row(source) for source in sources if source.flow == flow]
        yield from _table([_HEADINGS, *rows])
    yield ""


def _row(source: InspectedSource) -> tuple[str, ...]:
    codec = (source.mime_type or "").partition("/")[2] or "?"
    seconds = (source.last_at - source.first_at).total_seconds()
    clock = "?" if source.clock_rate is None else str(source.clock_rate)
    if source.measured_hz is not None:
        clock += f" ({source.measured_hz:.0f})"
    return (
        f"{source.ssrc:#010x}",
        source.role.value,
        codec + {"sure": "", "likely": " (likely)", "none": ""}[source.certainty],
        "+".join(str(sent.payload_type) for sent in source.payload_types if sent.packets),
        str(source.packets),
        str(source.lost),
        str(source.reordered),
        str(source.duplicates),
        f"{source.bitrate_bps / 1000:.0f}",
        f"{source.first_at:%H:%M:%S}.{source.first_at.microsecond // 1000:03d}",
        f"{seconds:.3f}",
        clock,
        str(source.sender_reports),
        "; ".join(_about(source)),
    )


def _about(source: InspectedSource) -> Iterator[str]:
    if source.width and source.height:
        yield f"{source.width}x{source.height}"
    if source.keyframes:
        yield f"{source.keyframes} keyframes"
    for sent in source.payload_types:
        if sent.format and sent.format != (source.mime_type or "").partition("/")[2]:
            yield f"{sent.payload_type} is {sent.format}"
    if source.repairs is not None:
        yield f"for {source.repairs:#010x}"
    if source.empty:
        yield f"{source.empty} empty"
    if source.restarts:
        yield f"{source.restarts} restarts"
    if source.cname:
        yield f"cname {source.cname}"
    extensions = [f"{e.id}:{_sizes(e.smallest, e.largest)}" for e in source.header_extensions]
    if extensions:
        yield "extensions " + " ".join(extensions)


def _sizes(smallest: int, largest: int) -> str:
    return str(smallest) if smallest == largest else f"{smallest}-{largest}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "    " + "  ".join(cells).rstrip()
