"""Keyframes of H.265: IRAP pictures, and the parameter sets they need (RFC 7798, H.265 7.3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from isotrack.codecs import h265_parameters as parameters
from isotrack.codecs.h265 import FORMAT, IRAP, unit_type
from isotrack.codecs.h265_parameters import PPS, SPS, VPS, Sps
from isotrack.codecs.keyframes import WHOLE, PictureSize, note_size
from isotrack.codecs.nal import MAX_PARAMETER_SET, nal_units

_MAX_SPS_ID, _MAX_PPS_ID = 15, 63  # H.265 sections 7.4.3.2.1 and 7.4.3.3.1


class _Pps(NamedTuple):
    """A picture parameter set."""

    nal: bytes
    sps_id: int


class H265Keyframes:
    """H.265 IRAP pictures: usable once the parameter sets they name are known.

    Pictures that follow a CRA picture but are shown before it may need what came before it (RASL):
    `h265_pictures.LeadingPictures` tells which have to go.

    Args:
        out_of_band: parameter sets from signaling (`h265_parameters.sprop_parameter_sets`).
    """

    needs = WHOLE

    def __init__(self, out_of_band: Sequence[bytes] = ()) -> None:
        self.sizes: list[PictureSize] = []
        self._vps: dict[int, bytes] = {}
        self._sps: dict[int, tuple[bytes, Sps]] = {}
        self._pps: dict[int, _Pps] = {}
        self._configuration: bytes | None = None
        self._in_band = False
        for nal in out_of_band:
            self._learn(nal)

    @property
    def configuration(self) -> bytes:
        """The hvcC of the parameter sets known at the first usable keyframe."""
        return self._configuration or b""

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:
        """Learn parameter sets, and find those of the picture.

        Where a stream sends them with its pictures, a picture that has none and comes after a loss
        may have lost new ones: those known are not to be trusted, as with H.264 (edge case 109).
        """
        learned = False
        active: Sps | None = None
        for nal in nal_units(frame):
            kind = unit_type(nal)
            if kind in (VPS, SPS, PPS):
                self._learn(bytes(nal))
                learned = True
            elif kind >= 0 and FORMAT.pictures[kind]:
                active = self._active(bytes(nal[:64])) if kind in IRAP else None
                break
        if active is None or (after_loss and self._in_band and not learned):
            return False
        self._in_band |= learned
        note_size(self.sizes, timestamp, active.width, active.height)
        if self._configuration is None:
            # The one in use comes first: profile and level are taken from it.
            by_use = sorted(self._sps, key=lambda number: number != active.sps_id)
            self._configuration = parameters.decoder_configuration(
                list(self._vps.values()),
                [self._sps[number][0] for number in by_use],
                [pps.nal for pps in self._pps.values()],
            )
        return True

    def _learn(self, nal: bytes) -> None:
        """Keep a parameter set; one that cannot be read, or used, is as good as none."""
        if len(nal) > MAX_PARAMETER_SET:
            return
        kind = unit_type(nal)
        try:
            if kind == VPS:
                self._vps[parameters.vps_id(nal)] = nal
            elif kind == SPS and (sps := parameters.parse_sps(nal)).sps_id <= _MAX_SPS_ID:
                self._sps[sps.sps_id] = nal, sps
            elif kind == PPS:
                number, sps_id = parameters.pps_ids(nal)
                if number <= _MAX_PPS_ID:
                    self._pps[number] = _Pps(nal, sps_id)
        except ValueError:
            return

    def _active(self, nal: bytes) -> Sps | None:
        """What the sequence parameter set of a slice segment says, if all its sets are known."""
        try:
            pps = self._pps.get(parameters.slice_pps_id(nal))
        except ValueError:
            return None
        if pps is None or pps.sps_id not in self._sps:
            return None
        sps = self._sps[pps.sps_id][1]
        return sps if sps.vps_id in self._vps else None
