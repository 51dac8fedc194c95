"""The RTP sender of one track (RFC 3550): packets with its numbers, and its sender reports."""

from __future__ import annotations

import random
from collections.abc import Sequence

from isotrack.rtp import rtcp
from isotrack.rtp.header import write_header

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
MID_EXTENSION_ID = 4

_FIRST_PACKETS = 200  # so few before the sequence number wraps
_FIRST_SECONDS = 3  # and so long before the timestamp does: both wrap early in each run


class RtpSender:
    """Numbers the packets of a track; begins, seeded, shortly before each counter wraps."""

    def __init__(
        self, *, payload_type: int, clock_rate: int, mid: str, cname: str, seed: str
    ) -> None:
        chance = random.Random(seed)
        self.ssrc = chance.randrange(1, 1 << 32)
        self._payload_type = payload_type
        self._extensions = {MID_EXTENSION_ID: mid.encode()}
        self._cname = cname
        self._sequence_number = (1 << 16) - chance.randrange(1, _FIRST_PACKETS)
        self._offset = (1 << 32) - chance.randrange(1, _FIRST_SECONDS * clock_rate)
        self._first_ticks: int | None = None
        self._packets = 0
        self._octets = 0

    def packets(self, payloads: Sequence[bytes], ticks: int) -> list[bytes]:
        """The RTP packets of one frame; the last one carries the marker of a frame's end.

        Args:
            payloads: the payloads in order.
            ticks: RTP time of the frame, counted from the beginning of the call.
        """
        timestamp = self._timestamp(ticks)
        packets = []
        for place, payload in enumerate(payloads, start=1):
            header = write_header(
                self._payload_type,
                self._sequence_number % (1 << 16),
                timestamp,
                self.ssrc,
                place == len(payloads),
                self._extensions,
            )
            packets.append(header + payload)
            self._sequence_number += 1
            self._octets += len(payload)
        self._packets += len(payloads)
        return packets

    def report(self, wall_us: int, ticks: int) -> bytes:
        """A sender report (section 6.4.1) saying that at this wall time it was this RTP time."""
        report = rtcp.SenderReport(
            ssrc=self.ssrc,
            ntp=rtcp.ntp_from_unix_us(wall_us),
            rtp_timestamp=self._timestamp(ticks),
            packet_count=self._packets % (1 << 32),
            octet_count=self._octets % (1 << 32),
        )
        return rtcp.sender_report(report, self._cname)

    def _timestamp(self, ticks: int) -> int:
        if self._first_ticks is None:
            self._first_ticks = ticks
        return (self._offset + ticks - self._first_ticks) % (1 << 32)
