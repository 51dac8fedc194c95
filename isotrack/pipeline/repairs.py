"""Which sources repair another: retransmissions and FEC, told by what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from isotrack.pipeline.observing import Head, SourceObserver
from isotrack.rtp import ulpfec
from isotrack.rtp.payload_types import STATIC_PAYLOAD_TYPES

_LEAST_SHARE = 0.6
_COMFORT_NOISE = 13
_MAX_EVENT = 16  # the digits and letters of a telephone, and a flash (RFC 4733)


class Repair(NamedTuple):
    """What a source repairs."""

    role: str
    """`rtx` or `flexfec-03`."""
    ssrc: int


class RtxTally:
    """Counts, while a file is read, which sources repeat packets of which (RFC 4588 section 4).

    The first two bytes of a retransmission are the sequence number it had in the source repeated,
    and its timestamp is the one it had there.
    """

    def __init__(self) -> None:
        self._looked_at: Counter[int] = Counter()
        self._repeats: Counter[tuple[int, int]] = Counter()

    def look(self, sources: Sequence[SourceObserver]) -> None:
        """Compare what is new in the beginnings of payloads with what the other sources sent."""
        for one in sources:
            heads = [head for some in one.heads.values() for head in some]
            for head in heads[self._looked_at[one.ssrc] :]:
                self._looked_at[one.ssrc] += 1
                number = int.from_bytes(head.first_bytes[:2], "big")
                for other in sources:
                    repeats = other.ssrc != one.ssrc and head.length > 2
                    if repeats and other.sent_near(number, head.timestamp):
                        self._repeats[one.ssrc, other.ssrc] += 1

    def repeated_by(self, ssrc: int) -> int | None:
        """The SSRC that this one repeats, if it does nothing else."""
        found = {media: count for (rtx, media), count in self._repeats.items() if rtx == ssrc}
        if not found:
            return None
        media = max(found, key=lambda one: found[one])
        return media if found[media] >= _LEAST_SHARE * self._looked_at[ssrc] else None


def protected_by(source: SourceObserver) -> int | None:
    """The SSRC that a source protects by FlexFEC, if it does.

    The header of draft-ietf-payload-flexible-fec-scheme-03 section 4.2, as WebRTC sends it:

        |R|F|P|X|  CC   |M| PT recovery |        length recovery        |
        |                          TS recovery                          |
        |   SSRC count  |                    reserved                   |
        |                             SSRC                              |
        |           SN base             |k|          mask               |
    """
    heads = [head for some in source.heads.values() for head in some]
    if not heads or not all(_is_flexfec(head) for head in heads):
        return None
    ssrcs = Counter(int.from_bytes(head.first_bytes[12:16], "big") for head in heads)
    return ssrcs.most_common(1)[0][0] if len(ssrcs) == 1 else None


def _is_flexfec(head: Head) -> bool:
    first = head.first_bytes
    return len(first) >= 20 and first[0] >> 6 == 0 and first[8:12] == b"\x01\0\0\0"


def format_of(source: SourceObserver, payload_type: int, media: int | None) -> str | None:
    """What a payload type that shares the SSRC of media is, as far as it shows."""
    heads = source.heads.get(payload_type, [])
    if payload_type == _COMFORT_NOISE:
        return "cn"
    if payload_type in STATIC_PAYLOAD_TYPES:
        return STATIC_PAYLOAD_TYPES[payload_type].mime_type.partition("/")[2]
    if not heads or payload_type == media:
        return None
    if all(head.length == 4 and head.first_bytes[0] <= _MAX_EVENT for head in heads):
        return "telephone-event"
    if all(ulpfec.is_likely(head.first_bytes, head.sequence_number) for head in heads):
        return "ulpfec"
    return None
