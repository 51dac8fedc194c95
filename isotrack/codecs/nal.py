"""NAL units by themselves, as H.264 and H.265 share them: in frames, byte streams, SDP; their bits.

A NAL unit here is one without its length or start code, the NAL unit header first.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from isotrack.codecs.bits import Bits

LENGTH_SIZE = 4
"""Bytes of the length before each NAL unit of a frame, as avcC and hvcC announce it."""

MAX_PARAMETER_SET = 0xFFFF
"""Bytes of the longest parameter set that avcC and hvcC can hold."""

_LONGEST_CODE = 32  # leading zeros of the longest Exp-Golomb code that any field may hold


def nal_units(frame: bytes | memoryview) -> Iterator[memoryview]:
    """The NAL units of a frame that has lengths; ends at one that is empty or cut short."""
    rest = memoryview(frame)
    while len(rest) > LENGTH_SIZE:
        end = LENGTH_SIZE + int.from_bytes(rest[:LENGTH_SIZE], "big")
        if not LENGTH_SIZE < end <= len(rest):
            return
        yield rest[LENGTH_SIZE:end]
        rest = rest[end:]


def split_annexb(stream: bytes) -> list[bytes]:
    """The NAL units of a byte stream (annex B), without start codes and zeros between."""
    units = (unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1")[1:])
    return [unit for unit in units if unit]


def sized(parameter_set: bytes) -> bytes:
    """A parameter set behind its length in two bytes, as avcC and hvcC hold it.

    Raises:
        ValueError: It is empty or longer than that can say.
    """
    if not 0 < len(parameter_set) <= MAX_PARAMETER_SET:
        raise ValueError(f"no record can hold a parameter set of {len(parameter_set)} bytes")
    return len(parameter_set).to_bytes(2, "big") + parameter_set


def decode_sprop(name: str, value: str) -> list[bytes]:
    """The parameter sets of an fmtp parameter, base64 with commas between.

    Raises:
        ValueError: One of them is not base64, or empty.
    """
    try:
        sets = [base64.b64decode(part, validate=True) for part in value.split(",")]
    except ValueError as error:
        raise ValueError(f"{name} is not base64: {error}") from None
    if not all(sets):
        raise ValueError(f"{name} holds an empty parameter set")
    return sets


KNOWN = 32
"""Parameter sets that are remembered: senders repeat them with every keyframe."""


class NalBits:
    """Reads a NAL unit bit by bit, emulation prevention removed (H.264 and H.265 section 7.3.1.1).

    Args:
        nal: the NAL unit, its header the first of what is read.
        name: what it is, for errors: `H.264 SPS`.
        limit: how many bytes of it are looked at.
    """

    def __init__(self, nal: bytes | memoryview, name: str, *, limit: int = 4096) -> None:
        self._name = name
        self._bits = Bits(bytes(nal[:limit]).replace(b"\0\0\3", b"\0\0"), name)

    def take(self, count: int) -> int:
        """An unsigned number of so many bits, u(n). Raises ValueError behind the end."""
        return self._bits.take(count)

    def unsigned(self) -> int:
        """An unsigned Exp-Golomb code, ue(v) (section 9.1 of H.264, 9.2 of H.265).

        Raises:
            ValueError: It is truncated, or longer than any field may be.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _LONGEST_CODE:
                raise ValueError(f"{self._name} holds an Exp-Golomb code over 32 bits")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """A signed Exp-Golomb code, se(v). Raises ValueError as `unsigned` does."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)
