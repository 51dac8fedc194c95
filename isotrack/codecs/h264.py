"""H.264 over RTP (RFC 6184, packetization modes 0 and 1): NAL units out of packets and into them.

The header of a NAL unit and of every payload, and what follows it in a FU-A:

     0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+
    |F|NRI|  Type   |  section 1.3
    |S|E|R|  Type   |  section 5.8, the FU header: of the NAL unit cut
    +-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from collections.abc import Sequence

from isotrack.codecs import nal_packetizer, nal_payloads
from isotrack.codecs.media import Media, PacketColumns
from isotrack.codecs.nal import nal_units, split_annexb
from isotrack.codecs.nal_format import PayloadFormat, kinds

__all__ = ["FORMAT", "depacketize", "nal_units", "packetize", "split_annexb"]

_STAP_A = 24
_OF_RTP = range(24, 30)  # RFC 6184's own

FORMAT = PayloadFormat(
    name="H.264",
    header=1,
    shift=0,
    mask=31,
    aggregate=_STAP_A,
    fragment=28,  # FU-A
    of_rtp=kinds(_OF_RTP),
    unreadable=kinds((25, 26, 27, 29)),  # of the interleaved mode
    left_out=kinds((*_OF_RTP, 0, 14, 15, 20, 30, 31)),  # unspecified, of SVC and MVC, PACSI
    pictures=kinds(range(1, 6)),
    # first_mb_in_slice is the first thing in a slice, and 0 is Exp-Golomb coded as a single 1.
    slices=kinds((1, 2, 5)),
    opening=kinds((6, 7, 8, 9, 15, 16, 17, 18)),  # H.264 section 7.4.1.2.3
    prefixes=kinds((14,)),
    keyframes=kinds((5,)),  # IDR
)


def depacketize(packets: PacketColumns) -> Media:
    """The media of H.264 packets as AVCC: every NAL unit behind its length in four bytes.

    Writes over the last five bytes before each payload: header extensions are to be read before.
    """
    return nal_payloads.depacketize(packets, FORMAT)


def packetize(units: Sequence[bytes], max_payload: int) -> list[bytes]:
    """The RTP payloads of an access unit's NAL units, none longer than `max_payload`.

    Neighbors that fit are sent together (STAP-A), what is too long is cut (FU-A).

    Raises:
        ValueError: The payloads have no room for a fragment.
    """
    return nal_packetizer.packetize(units, max_payload, FORMAT, _stap_header)


def _stap_header(units: Sequence[bytes]) -> bytes:
    """As important as the most important NAL unit (RFC 6184 section 5.7)."""
    return bytes((max(unit[0] & 0x60 for unit in units) | _STAP_A,))
