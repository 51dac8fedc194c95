"""Keyframes of H.264: IDR pictures, and the parameter sets they need (RFC 6184, H.264 7.3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from isotrack.codecs import h264_parameters as parameters
from isotrack.codecs.h264_parameters import Sps
from isotrack.codecs.keyframes import WHOLE, PictureSize, note_size
from isotrack.codecs.nal import MAX_PARAMETER_SET, nal_units

_IDR, _SPS, _PPS = 5, 7, 8
_MAX_SPS_ID, _MAX_PPS_ID = 30, 254  # an avcC holds no more sets, and of WebRTC nobody sends two


class H264Keyframes:
    """H.264 IDR pictures: usable once the parameter sets they name are known.

    Args:
        out_of_band: parameter sets from signaling (`sprop-parameter-sets`, RFC 6184 section 8.1).
    """

    needs = WHOLE

    def __init__(self, out_of_band: Sequence[bytes] = ()) -> None:
        self.sizes: list[PictureSize] = []
        self._sps: dict[int, tuple[bytes, Sps]] = {}
        self._pps: dict[int, tuple[bytes, int]] = {}
        self._configuration: bytes | None = None
        self._in_band = False
        for nal in out_of_band:
            self._learn(nal)

    @property
    def configuration(self) -> bytes:
        """The avcC of the parameter sets known at the first usable keyframe."""
        return self._configuration or b""

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:
        """Learn parameter sets, and find those of the picture.

        Where a stream sends them with its pictures, a picture that has none and comes after a loss
        may have lost new ones: those known are not to be trusted (edge case 109).
        """
        active: int | None = None
        learned = False
        for nal in nal_units(frame):
            kind = nal[0] & 31
            if kind in (_SPS, _PPS):
                self._learn(bytes(nal))
                learned = True
            elif kind == _IDR and active is None:
                active = self._active(bytes(nal[:64]))
                if active is None:
                    return False
        if active is None or (after_loss and self._in_band and not learned):
            return False
        self._in_band |= learned
        sps = self._sps[active][1]
        note_size(self.sizes, timestamp, sps.width, sps.height)
        if self._configuration is None:
            # The one in use comes first: profile and level are taken from it.
            by_use = sorted(self._sps, key=lambda number: number != active)
            self._configuration = parameters.decoder_configuration(
                [self._sps[number][0] for number in by_use], [raw for raw, _ in self._pps.values()]
            )
        return True

    def _learn(self, nal: bytes) -> None:
        """Keep a parameter set; one that cannot be read, or used, is as good as none."""
        if len(nal) > MAX_PARAMETER_SET:
            return
        try:
            if nal[0] & 31 == _SPS and (number := parameters.sps_id(nal)) <= _MAX_SPS_ID:
                self._sps[number] = nal, parameters.parse_sps(nal)
            elif nal[0] & 31 == _PPS:
                number, sps = parameters.pps_ids(nal)
                if number <= _MAX_PPS_ID:
                    self._pps[number] = nal, sps
        except ValueError:
            return

    def _active(self, nal: bytes) -> int | None:
        """The number of the sequence parameter set that a slice is coded with, if it is known."""
        try:
            pps = self._pps.get(parameters.slice_pps_id(nal))
        except ValueError:
            return None
        return pps[1] if pps and pps[1] in self._sps else None
