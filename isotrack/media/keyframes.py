"""What a keyframe tells: if decoding can begin there, the picture size, the codec's set-up.

Only keyframes are looked into, once every few seconds; all other frames pass unread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from isotrack.codecs import h264, vp8
from isotrack.codecs import h264_parameters as parameters
from isotrack.codecs.h264_parameters import Sps

_IDR, _SPS, _PPS = 5, 7, 8
_MAX_SPS_ID, _MAX_PPS_ID = 30, 254  # an avcC holds no more sets, and of WebRTC nobody sends two


class PictureSize(NamedTuple):
    """The picture has this size from an RTP timestamp on."""

    timestamp: int
    width: int
    height: int


class KeyframeReader(Protocol):
    """Reads the keyframes of one stream in order."""

    sizes: list[PictureSize]
    """Each change of size, the first size first."""

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:
        """Look at a whole keyframe. True when decoding can begin with it."""

    @property
    def configuration(self) -> bytes:
        """Matroska's CodecPrivate for a track that begins with the first usable keyframe."""


def _note_size(sizes: list[PictureSize], timestamp: int, width: int, height: int) -> None:
    if not sizes or (sizes[-1].width, sizes[-1].height) != (width, height):
        sizes.append(PictureSize(timestamp, width, height))


class Vp8Keyframes:
    """VP8 keyframes (RFC 6386, section 9.1): the size is in each, nothing else is needed."""

    configuration = b""

    def __init__(self) -> None:
        self.sizes: list[PictureSize] = []

    def read(self, frame: bytes, timestamp: int, *, after_loss: bool) -> bool:  # noqa: ARG002
        """Note the size of the picture."""
        size = vp8.frame_size(frame)
        if size is None or 0 in size:
            return False
        _note_size(self.sizes, timestamp, *size)
        return True


class H264Keyframes:
    """H.264 IDR pictures: usable once the parameter sets they name are known.

    Args:
        out_of_band: parameter sets from signaling (`sprop-parameter-sets`, RFC 6184 section 8.1).
    """

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
        for nal in h264.nal_units(frame):
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
        _note_size(self.sizes, timestamp, sps.width, sps.height)
        if self._configuration is None:
            # The one in use comes first: profile and level are taken from it.
            by_use = sorted(self._sps, key=lambda number: number != active)
            self._configuration = parameters.decoder_configuration(
                [self._sps[number][0] for number in by_use], [raw for raw, _ in self._pps.values()]
            )
        return True

    def _learn(self, nal: bytes) -> None:
        """Keep a parameter set; one that cannot be read, or used, is as good as none."""
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


def keyframe_reader(codec: str, fmtp: dict[str, str]) -> KeyframeReader:
    """The reader of a video codec, with what signaling said of it."""
    if codec == "vp8":
        return Vp8Keyframes()
    try:
        out_of_band = parameters.sprop_parameter_sets(fmtp.get("sprop-parameter-sets", ""))
    except ValueError:
        out_of_band = []  # not worth a recording: most senders repeat them in band
    return H264Keyframes(out_of_band)
