"""NAL units into RTP payloads: alone, together or cut (RFC 6184 and RFC 7798)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from isotrack.codecs.nal_format import PayloadFormat

AggregateHeader = Callable[[Sequence[bytes]], bytes]
"""The payload header of an aggregate of these NAL units."""


def packetize(
    units: Sequence[bytes],
    max_payload: int,
    form: PayloadFormat,
    aggregate_header: AggregateHeader,
) -> list[bytes]:
    """The RTP payloads of an access unit's NAL units, none longer than `max_payload`.

    Neighbors that fit are sent together, what is too long is cut.

    Raises:
        ValueError: The payloads have no room for a fragment.
    """
    room = max_payload - form.header - 1
    if room < 1:
        raise ValueError(f"{form.name} payloads of {max_payload} bytes have no room for a fragment")
    payloads: list[bytes] = []
    group: list[bytes] = []

    def close() -> None:
        """Send the group: its NAL unit as it is where it is one, else an aggregate."""
        if len(group) > 1:
            sized = (len(unit).to_bytes(2, "big") + unit for unit in group)
            payloads.append(aggregate_header(group) + b"".join(sized))
        else:
            payloads.extend(group)
        group.clear()

    for unit in units:
        if form.header + sum(2 + len(member) for member in (*group, unit)) > max_payload:
            close()
        if len(unit) > max_payload:
            payloads += _cut(unit, room, form)
        else:
            group.append(unit)
    close()
    return payloads


def _cut(unit: bytes, room: int, form: PayloadFormat) -> list[bytes]:
    """The payloads of a NAL unit, with up to `room` bytes of it in each."""
    kind = unit[0] >> form.shift & form.mask
    indicator = unit[0] ^ (kind ^ form.fragment) << form.shift
    header = bytes((indicator,)) + unit[1 : form.header]
    starts = range(form.header, len(unit), room)
    return [
        header
        + bytes((kind | 0x80 * (at == starts[0]) | 0x40 * (at == starts[-1]),))
        + unit[at : at + room]
        for at in starts
    ]
