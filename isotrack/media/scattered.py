"""Bytes that lie in many places, told in the order they are wanted: nothing is copied.

A frame lies in the packets it arrived in, and a cluster is made of frames and headers from all over
a chunk. Whoever writes them takes them from where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

_VECTOR = np.complex128
"""Two numbers of 8 bytes that numpy moves as one. No arithmetic is ever done with it."""


class Scattered:
    """Pieces of buffers, one behind the other. Every piece lies in its buffer: that is checked.

    Args:
        buffers: [any] bytes, each contiguous. They are kept as long as the pieces.
        which: [n] index of each piece's buffer.
        offset: [n] where the piece begins in it.
        length: [n] bytes of the piece; may be 0.

    Raises:
        ValueError: a piece lies outside of its buffer, or a buffer is none.
    """

    __slots__ = ("_vectors", "buffers")

    def __init__(
        self,
        buffers: Sequence[NDArray[np.uint8]],
        which: NDArray[np.integer],
        offset: NDArray[np.integer],
        length: NDArray[np.integer],
    ) -> None:
        self.buffers = tuple(buffers)
        size = np.array([buffer.size for buffer in buffers], np.int64)
        begin = np.array([_address(buffer) for buffer in buffers], np.int64)
        self._vectors = _vectors(begin[which], size[which], offset, length)

    @property
    def count(self) -> int:
        """Number of pieces."""
        return len(self._vectors)

    @property
    def vectors(self) -> NDArray[np.int64]:
        """[n, 2] address and length of each piece, as writev takes them: not to be changed.

        They hold as long as these pieces are there.
        """
        return self._vectors.view(np.int64).reshape(-1, 2)

    @property
    def length(self) -> NDArray[np.int64]:
        """[n] bytes of each piece."""
        return self.vectors[:, 1]

    def take(self, rows: NDArray[np.int64] | slice) -> Scattered:
        """The pieces of these indexes, in their order, or of a slice without a step."""
        return _checked(self.buffers, self._vectors[rows])

    def trimmed(self) -> Scattered:
        """The same pieces, over no buffer in which no byte of them lies."""
        if len(self.buffers) == 1:
            return self
        places = np.sort(self.vectors[:, 0])
        first = np.array([_address(buffer) for buffer in self.buffers], np.int64)
        end = first + [buffer.size for buffer in self.buffers]
        used = places.searchsorted(first) < places.searchsorted(end)
        return _checked(tuple(compress(self.buffers, used.tolist())), self._vectors)

    def pieces(self) -> list[memoryview]:
        """Each piece, for who cannot do with addresses."""
        begin, length = self.vectors.T
        which, offset = np.zeros(self.count, np.intp), np.zeros(self.count, np.int64)
        views = [memoryview(b"")]  # of a piece of no bytes, whose buffer may be gone
        for buffer in self.buffers:
            first = _address(buffer)
            mine = (begin >= first) & (begin + length <= first + buffer.size)
            which[mine], offset[mine] = len(views), begin[mine] - first
            views.append(buffer.data)
        rows = zip(which.tolist(), offset.tolist(), (offset + length).tolist(), strict=True)
        return [views[i][start:end] for i, start, end in rows]

    def joined(self) -> bytes:
        """All of the bytes, copied."""
        return b"".join(self.pieces())


def within(
    buffer: NDArray[np.uint8], offset: NDArray[np.integer], length: NDArray[np.integer]
) -> Scattered:
    """Pieces of one buffer. Raises ValueError as `Scattered` does."""
    return _checked((buffer,), _vectors(_address(buffer), buffer.size, offset, length))


def strung(parts: Sequence[Scattered]) -> Scattered:
    """The pieces of all, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    buffers = {id(buffer): buffer for part in parts for buffer in part.buffers}
    vectors = np.concatenate([part._vectors for part in parts])
    return _checked(tuple(buffers.values()), vectors)


def _address(buffer: NDArray[np.uint8]) -> int:
    if buffer.dtype != np.uint8 or buffer.ndim != 1 or not buffer.flags.c_contiguous:
        raise ValueError("pieces lie in contiguous bytes")
    return buffer.ctypes.data


def _vectors(
    begin: NDArray[np.int64] | int,
    size: NDArray[np.int64] | int,
    offset: NDArray[np.integer],
    length: NDArray[np.integer],
) -> NDArray[np.complex128]:
    """Addresses and lengths, once all is checked to lie in its buffer.

    Args:
        begin: address of the buffer, or of each piece's.
        size: bytes of it.
        offset: [n] where the piece begins in it.
        length: [n]
    """
    offset = offset.astype(np.int64, copy=False)
    length = length.astype(np.int64, copy=False)
    # Not offset + length: that could be more than 64 bits hold.
    outside = np.count_nonzero(offset > size - length)
    if outside or (len(length) and min(int(offset.min()), int(length.min())) < 0):
        raise ValueError("a piece lies outside of its buffer")
    vectors = np.empty((len(length), 2), np.int64)
    np.add(offset, begin, out=vectors[:, 0])
    vectors[:, 1] = length
    return vectors.view(_VECTOR)[:, 0]


def _checked(buffers: tuple[NDArray[np.uint8], ...], vectors: NDArray[np.complex128]) -> Scattered:
    """Pieces that were checked before, as parts of others."""
    made = Scattered.__new__(Scattered)
    made.buffers, made._vectors = buffers, vectors
    return made
