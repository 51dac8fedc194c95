"""H.265 over RTP (RFC 7798): NAL units out of packets and into them.

The header of a NAL unit and of every payload (section 1.1.4), and what follows it in a FU
(section 4.4.3):

     0                   1
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |F|   Type    |  LayerId  | TID |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |S|E|  FuType   |  and a DONL of two bytes where S is set and the session has them
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from collections.abc import Sequence

from isotrack.codecs import nal_packetizer, nal_payloads
from isotrack.codecs.media import Media, PacketColumns
from isotrack.codecs.nal import nal_units, split_annexb
from isotrack.codecs.nal_format import PayloadFormat, kinds

__all__ = ["FORMAT", "IRAP", "depacketize", "nal_units", "packetize", "split_annexb", "unit_type"]

IRAP = range(16, 22)
"""NAL unit types of pictures at which decoding may begin: BLA, IDR, CRA (H.265 table 7-1)."""

_AP = 48
_OF_RTP = range(48, 51)

FORMAT = PayloadFormat(
    name="H.265",
    header=2,
    shift=1,
    mask=63,
    aggregate=_AP,
    fragment=49,  # FU
    of_rtp=kinds(_OF_RTP),
    unreadable=kinds((50,)),  # PACI
    left_out=kinds(range(48, 64)),  # unspecified by H.265
    pictures=kinds(range(32)),
    slices=kinds(range(32)),  # first_slice_segment_in_pic_flag
    opening=kinds((32, 33, 34, 35, 39, 41, 42, 43, 44)),  # H.265 section 7.4.2.4.4
    prefixes=kinds(()),
    keyframes=kinds(IRAP),
)
"""Of sessions without decoding order numbers, which all of WebRTC's are."""


def depacketize(packets: PacketColumns, *, with_donl: bool = False) -> Media:
    """The media of H.265 packets: every NAL unit behind its length in four bytes.

    Writes over the last six bytes before each payload: header extensions are to be read before.

    Args:
        packets: in transmission order, which is taken for the decoding order.
        with_donl: payloads hold decoding order numbers (`h265_parameters.has_donl`), to be
            stepped over.
    """
    return nal_payloads.depacketize(packets, payload_format(with_donl=with_donl))


def payload_format(*, with_donl: bool) -> PayloadFormat:
    """The format of payloads that hold decoding order numbers, or do not."""
    return FORMAT._replace(donl=2) if with_donl else FORMAT


def packetize(units: Sequence[bytes], max_payload: int) -> list[bytes]:
    """The RTP payloads of an access unit's NAL units, none longer than `max_payload`.

    Neighbors that fit are sent together (AP), what is too long is cut (FU).

    Raises:
        ValueError: The payloads have no room for a fragment.
    """
    return nal_packetizer.packetize(units, max_payload, FORMAT, _ap_header)


def _ap_header(units: Sequence[bytes]) -> bytes:
    """The lowest layer and the lowest temporal layer of them all (RFC 7798 section 4.4.2)."""
    headers = [int.from_bytes(unit[:2], "big") for unit in units]
    layer, temporal = min(h & 0x1F8 for h in headers), min(h & 7 for h in headers)
    return (_AP << 9 | layer | temporal).to_bytes(2, "big")


def unit_type(unit: bytes | memoryview) -> int:
    """The type of a NAL unit of the base layer; -1 for one of another layer or without a header.

    Decoders of the base specification leave other layers out (H.265 section 7.4.2.2).
    """
    if len(unit) < FORMAT.header or unit[0] & 1 or unit[1] > 7:
        return -1
    return unit[0] >> 1 & 63
