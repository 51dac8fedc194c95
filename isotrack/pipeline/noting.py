"""What there is to say of a capture file as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from isotrack.rtp.datagrams import CaptureReader
from isotrack.rtp.mjr import MjrHeader, MjrReader


def notes_on(reader: CaptureReader, packets: int) -> Iterator[str]:
    """What a reader should know of a file beside its sources, a sentence each."""
    if reader.arrivals_made:
        yield "no arrivals are recorded: they were made from RTP time"
    if reader.skipped["cut"]:
        cut = reader.skipped["cut"]
        yield f"{cut} packets were cut by the snaplen, and count as lost"
    if reader.skipped["torn"]:
        yield "the file is damaged, or ends inside a record"
    if reader.skipped["dtls"] and packets:
        yield "there is DTLS in it: media may be encrypted (SRTP), which cannot be read"
    if header := mjr_header(reader):
        about = [f"mjr of {header.kind}, {header.codec or 'no codec said'}", header.description]
        yield ", ".join(part for part in about if part)
        if header.encrypted:
            yield "payloads are end-to-end encrypted: no file can be made of them"


def mjr_header(reader: CaptureReader) -> MjrHeader | None:
    """What the header of a Janus recording says, if it is one."""
    return reader.header if isinstance(reader, MjrReader) else None
