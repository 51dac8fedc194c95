"""Loss repaired before packets are put in order: retransmissions, redundancy, parity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.media.carrying import join
from isotrack.rtp import flexfec, ulpfec
from isotrack.rtp.bit_strings import mutable_elements
from isotrack.rtp.fec import MAX_BLOCK, FecDecoder
from isotrack.rtp.fec_packets import FecReading
from isotrack.rtp.packet import Packets
from isotrack.rtp.red import split
from isotrack.rtp.rtx_pairing import RtxFormat, RtxPairing

MAX_DECODERS = 8
"""SSRCs of one track whose losses are computed: as many as simulcast has layers."""

_READ = MappingProxyType({"ulpfec": ulpfec.read, "flexfec-03": flexfec.read})
_NO_EXTENSIONS: Mapping[str, int] = MappingProxyType({})


class FecFormat(NamedTuple):
    """Forward error correction of a track: what signaling said of it."""

    mechanism: Literal["ulpfec", "flexfec-03"]
    payload_type: int
    ssrc: int | None = None
    """None: that of the media (ULPFEC), or not known (FlexFEC)."""


class RepairFormat(NamedTuple):
    """All that a track sends against loss: what signaling said of it."""

    media_payload_types: tuple[int, ...]
    media_ssrcs: tuple[int, ...] = ()
    """Empty where they are not known: every SSRC that sends a payload type of the media."""
    rtx: tuple[RtxFormat, ...] = ()
    red_payload_type: int | None = None
    fec: FecFormat | None = None
    extensions: Mapping[str, int] = _NO_EXTENSIONS
    """Ids of header extensions by URI."""


class RepairCounts(NamedTuple):
    """What repair had to do with; how much of it was of use is known once packets are in order."""

    rtx_received: int
    rtx_unpaired: int
    """Retransmissions of an SSRC that could not be tied to one of media."""
    fec_received: int
    fec_recovered: int
    fec_unsupported: int
    fec_discarded: int
    """Results that were no packets of the media."""
    malformed: int
    """Retransmissions and FEC packets that could not be read."""


class Repairer:
    """Repairs the packets of a track, chunk by chunk."""

    def __init__(self, form: RepairFormat) -> None:
        self._form = form
        self._rtx = RtxPairing(form.rtx, form.extensions) if form.rtx else None
        self._mutable = mutable_elements(form.extensions)
        self._decoders: dict[int, FecDecoder] = {}
        self._fec_received = 0
        self._fec_unsupported = 0
        self._fec_malformed = 0
        self._fec_recovered = 0
        self._fec_discarded = 0  # by decoders that are no more

    def push(self, packets: Packets) -> Packets:
        """The packets as they were sent at first, what repair brought among them.

        Retransmissions and redundancy become media; parity in an SSRC of its own is left out, and
        that in the media's has nothing to play but a sequence number. All else stays as it is.
        """
        if self._rtx is not None:
            packets = self._rtx.restore(packets)
        if self._form.red_payload_type is not None:
            # A copy of parity would have the number of a packet of media: only primaries count.
            packets = split(packets, self._form.red_payload_type, self._form.media_payload_types)
        if self._form.fec is not None:
            packets = self._correct(packets, self._form.fec)
        return packets

    def counts(self) -> RepairCounts:
        """What there was to do so far."""
        rtx = self._rtx
        discarded = sum(decoder.discarded for decoder in self._decoders.values())
        return RepairCounts(
            rtx_received=rtx.received if rtx else 0,
            rtx_unpaired=rtx.unpaired if rtx else 0,
            fec_received=self._fec_received,
            fec_recovered=self._fec_recovered,
            fec_unsupported=self._fec_unsupported,
            fec_discarded=self._fec_discarded + discarded,
            malformed=self._fec_malformed + (rtx.malformed if rtx else 0),
        )

    def _correct(self, packets: Packets, fec: FecFormat) -> Packets:
        """The packets without parity, and what was recovered by it."""
        blocks = [
            packets.take(slice(at, at + MAX_BLOCK)) for at in range(0, packets.count, MAX_BLOCK)
        ]
        recovered = [found for block in blocks for found in self._recover(block, fec)]
        self._fec_recovered += sum(found.count for found in recovered)
        is_fec = self._is_fec(packets, fec)
        if is_fec.any():
            if fec.mechanism == "ulpfec" and (fec.ssrc is None or fec.ssrc in self._decoders):
                length = np.where(is_fec, 0, packets.payload_length)
                packets = packets._replace(payload_length=length)
            else:
                packets = packets.take(~is_fec)
        return reduce(_merge, (found for found in recovered if found.count), packets)

    def _recover(self, packets: Packets, fec: FecFormat) -> list[Packets]:
        rows = np.flatnonzero(self._is_fec(packets, fec))
        reading = self._read(packets, rows, fec)
        self._fec_received += int(np.count_nonzero(packets.payload_length[rows]))
        self._fec_unsupported += reading.unsupported
        self._fec_malformed += reading.malformed
        return [
            decoder.push(packets, reading.fec.take(reading.fec.ssrc == ssrc))
            for ssrc, decoder in self._decoders_of(packets).items()
        ]

    def _read(self, packets: Packets, rows: NDArray[np.int64], fec: FecFormat) -> FecReading:
        reading = _READ[fec.mechanism](packets, rows)
        media = self._form.media_ssrcs
        if fec.mechanism == "ulpfec" and fec.ssrc is not None and len(media) == 1:
            # In an SSRC of its own, ULPFEC does not say whose parity it is.
            ssrc = np.full_like(reading.fec.ssrc, media[0])
            return reading._replace(fec=reading.fec._replace(ssrc=ssrc))
        return reading

    def _is_fec(self, packets: Packets, fec: FecFormat) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = packets.payload_type == fec.payload_type
        if fec.ssrc is not None:
            chosen &= packets.ssrc == fec.ssrc
        return chosen

    def _decoders_of(self, packets: Packets) -> dict[int, FecDecoder]:
        """The decoder of each SSRC of the media, those of the newest SSRCs at least."""
        form = self._form
        ssrcs = list(form.media_ssrcs)
        if not ssrcs:
            is_media = np.isin(packets.payload_type, form.media_payload_types)
            ssrcs = np.unique(packets.ssrc[is_media]).tolist()
        for ssrc in ssrcs[:MAX_DECODERS]:
            decoder = self._decoders.pop(ssrc, None)
            self._decoders[ssrc] = decoder or FecDecoder(
                ssrc, form.media_payload_types, self._mutable
            )
        for ssrc in list(self._decoders)[:-MAX_DECODERS]:
            self._fec_discarded += self._decoders.pop(ssrc).discarded
        return self._decoders


def _merge(packets: Packets, recovered: Packets) -> Packets:
    """The packets, each one recovered behind the packet that completed it."""
    together = join(packets, recovered)
    # A clock that was set back does not change the order of what came.
    arrival_us = np.maximum.accumulate(packets.arrival_us)
    order = np.argsort(recovered.arrival_us, kind="stable")
    place = np.searchsorted(arrival_us, recovered.arrival_us[order], side="right")
    return together.take(np.insert(np.arange(packets.count), place, packets.count + order))
