"""The Dependency Descriptors of a stream: which frame needs which (AV1 RTP, appendix A).

An RTP header extension that tells, of any codec, what the payload does not: the number of each
frame, its layer, and the frames without which it cannot be decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs.dependency_structure import (
    MANDATORY,
    MAX_TEMPLATES,
    Structure,
    Template,
    parse_descriptor,
)
from isotrack.codecs.media import Layering

URI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
"""What `a=extmap` calls the header extension."""

_FRAME_NUMBERS = 65536
_MAX_REMEMBERED = 1024


class Descriptions(NamedTuple):
    """What Dependency Descriptors say: columns, a row per packet."""

    layering: Layering
    """`picture` is the frame number, so spatial layers are pictures of their own. A packet whose
    template is not known has its number and nothing else."""
    spatial: NDArray[np.int64]
    """Spatial layer, 0 the base; -1 where it is not known."""
    starts_frame: NDArray[np.bool_]
    """The first packet of its frame."""
    ends_frame: NDArray[np.bool_]
    """The last packet of its frame."""


class _Custom(NamedTuple):
    """What the bytes behind the mandatory ones make of a template."""

    frame: Template | None
    """None where they cannot be read."""
    active_decode_targets: int | None


class _Frames:
    """What frames there are, each with a number. Equal ones may have two: they are not compared."""

    def __init__(self) -> None:
        self.all: list[Template] = []
        self._numbers: dict[int, int] = {}

    def number(self, frame: Template) -> int:
        """The number of this frame, a new one if it has none."""
        found = self._numbers.setdefault(id(frame), len(self.all))
        if found == len(self.all):
            self.all.append(frame)
        return found


class DependencyDescriptors:
    """Reads the descriptors of one stream, its packets in decode order."""

    def __init__(self) -> None:
        self.structure: Structure | None = None
        """The last one that came."""
        self.active_decode_targets = 0
        """The decode targets that are sent, a bit each, as last told."""
        self._remembered: dict[bytes, _Custom] = {}

    def read(
        self, buffer: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]
    ) -> Descriptions:
        """What the descriptors at these places say.

        Args:
            buffer: the bytes the offsets point into.
            offset: of the element in each packet; negative where there is none.
            length: its bytes; fewer than a descriptor has count as none.
        """
        rows = np.flatnonzero((offset >= 0) & (length >= MANDATORY))
        fields = buffer[offset[rows, None] + np.arange(MANDATORY)].astype(np.int64)
        is_short = length[rows] == MANDATORY
        known = _Frames()
        frame = np.full(rows.size, -1, np.int64)
        changes = [(0, self.structure)]
        whole = memoryview(buffer)  # type: ignore[arg-type]  # arrays are buffers
        longer = np.flatnonzero(~is_short)
        begins, sizes = offset[rows[longer]].tolist(), length[rows[longer]].tolist()
        for i, at, size in zip(longer.tolist(), begins, sizes, strict=True):
            told = self._read_longer(bytes(whole[at : at + size]))
            if self.structure is not changes[-1][1]:
                changes.append((i, self.structure))
            if told is not None:
                frame[i] = known.number(told)
        template = fields[:, 0] & MAX_TEMPLATES - 1
        ends = [*(begin for begin, _ in changes[1:]), rows.size]
        for (begin, structure), end in zip(changes, ends, strict=True):
            if structure is not None:
                numbers = [known.number(each) for each in structure.templates]
                numbers += [-1] * (MAX_TEMPLATES - len(numbers))
                index = (template[begin:end] - structure.template_id_offset) % MAX_TEMPLATES
                found = np.array(numbers)[index]
                frame[begin:end] = np.where(is_short[begin:end], found, frame[begin:end])
        return _describe(offset.size, rows, fields, frame, known.all)

    def _read_longer(self, element: bytes) -> Template | None:
        """The frame that a descriptor with more than the mandatory fields is of, if readable.

        All but the frame number is the same in many packets, and is remembered.
        """
        key = bytes((element[0] & MAX_TEMPLATES - 1,)) + element[MANDATORY:]
        custom = self._remembered.get(key)
        if custom is None:
            try:
                told = parse_descriptor(element, self.structure)
            except ValueError:
                custom = _Custom(None, None)
            else:
                custom = _Custom(told.frame, told.active_decode_targets)
                if told.structure != self.structure:
                    self.structure = told.structure
                    self._remembered.clear()
            if len(self._remembered) == _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = custom
        if custom.active_decode_targets is not None:
            self.active_decode_targets = custom.active_decode_targets
        return custom.frame


def _describe(
    count: int,
    rows: NDArray[np.int64],
    fields: NDArray[np.int64],
    frame: NDArray[np.int64],
    known: Sequence[Template],
) -> Descriptions:
    """The columns of so many packets.

    Args:
        count: of the packets.
        rows: those with a descriptor.
        fields: [rows, 3] the mandatory fields of each.
        frame: what each is of, as its index in `known`; -1 if that is not known.
        known: the different frames that there are.
    """
    table = _tabulate(known)
    columns = np.zeros((count, table.shape[1]), np.int64)
    columns[:, :2] = -1
    columns[rows] = table[frame]
    picture = np.full(count, -1, np.int64)
    picture[rows] = fields[:, 1] << 8 | fields[:, 2]
    exact, starts, ends = (np.zeros(count, np.bool_) for _ in range(3))
    exact[rows] = frame >= 0
    starts[rows], ends[rows] = fields[:, 0] & 0x80 != 0, fields[:, 0] & 0x40 != 0
    layering = Layering(
        picture=picture,
        modulo=np.full(count, _FRAME_NUMBERS, np.int64),
        base=np.full(count, -1, np.int64),
        temporal=columns[:, 1],
        sync=np.zeros(count, np.bool_),
        exact=exact,
        references=columns[:, 2:],
    )
    return Descriptions(layering, columns[:, 0], starts, ends)


def _tabulate(known: Sequence[Template]) -> NDArray[np.int64]:
    """A row per template: spatial and temporal layer, references; for index -1, one of none."""
    most = max([1, *(len(each.references) for each in known)])
    rows = [
        (each.spatial, each.temporal, *each.references, *[0] * (most - len(each.references)))
        for each in known
    ]
    return np.array([*rows, (-1, -1, *[0] * most)], np.int64)
