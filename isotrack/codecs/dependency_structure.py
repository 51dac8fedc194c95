"""One Dependency Descriptor, and the structure they refer to (AV1 RTP, appendix A.8).

     0                   1                   2
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |S|E| template  |         frame number          |  start and end of the frame
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |T|A|D|F|C| structure, if T | active decode targets, if A | DTIs, if D | fdiffs, if F | chains

Most descriptors are the first three bytes, for all else is as the template has it. A structure,
which brings templates, comes with the first packet of a coded video sequence.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from isotrack.codecs.bits import Bits

MANDATORY = 3
"""Bytes of the fields that are in every descriptor."""

MAX_TEMPLATES = 64
MAX_REFERENCES = 16
"""Frames that a decoder of any codec holds: no frame refers to more."""

_MAX_SPATIAL, _MAX_TEMPORAL = 3, 7
_SAME_LAYER, _NEXT_TEMPORAL, _NEXT_SPATIAL, _NO_MORE = range(4)


class Indication(IntEnum):
    """What a frame is to a decode target: the DTI (table A.2)."""

    NOT_PRESENT = 0
    DISCARDABLE = 1
    SWITCH = 2
    REQUIRED = 3


class Template(NamedTuple):
    """What a frame has in common with others, or after customization, what is true of it."""

    spatial: int
    temporal: int
    indications: tuple[Indication, ...]
    """Per decode target."""
    references: tuple[int, ...]
    """The frames it needs, as differences of frame numbers (fdiffs)."""
    chains: tuple[int, ...]
    """Per chain: how far before the last frame of the chain is; 0 where it begins anew."""


class Structure(NamedTuple):
    """How the frames of a coded video sequence hang together."""

    template_id_offset: int
    templates: tuple[Template, ...]
    decode_targets: int
    protected_by: tuple[int, ...]
    """Per decode target: the chain that protects it; empty without chains."""
    resolutions: tuple[tuple[int, int], ...]
    """Per spatial layer: the largest width and height in pixels; empty if not told."""


class Descriptor(NamedTuple):
    """What one packet says of its frame."""

    starts_frame: bool
    ends_frame: bool
    frame_number: int
    frame: Template
    structure: Structure
    """The one it brings, or else the one it was read with."""
    brings_structure: bool
    active_decode_targets: int | None
    """A bit per decode target; None where the descriptor does not say."""

    @property
    def resolution(self) -> tuple[int, int] | None:
        """The largest width and height of the frame's spatial layer, if told."""
        told = self.structure.resolutions
        return told[self.frame.spatial] if told else None


def parse_descriptor(element: bytes | memoryview, structure: Structure | None) -> Descriptor:
    """A Dependency Descriptor.

    Args:
        element: the header extension's element, without its id and length.
        structure: the last one that came.

    Raises:
        ValueError: It is truncated, refers to no template, or states what cannot be.
    """
    bits = Bits(element, "Dependency descriptor")
    starts, ends, template_id = bits.flag(), bits.flag(), bits.take(6)
    frame_number = bits.take(16)
    brings = has_active = has_indications = has_references = has_chains = False
    if len(element) > MANDATORY:
        brings, has_active, has_indications, has_references, has_chains = (
            bits.flag() for _ in range(5)
        )
    if brings:
        structure = _read_structure(bits)
    if structure is None:
        raise ValueError("Dependency descriptor comes before any template structure")
    active = (1 << structure.decode_targets) - 1 if brings else None
    if has_active:
        active = bits.take(structure.decode_targets)
    index = (template_id - structure.template_id_offset) % MAX_TEMPLATES
    if index >= len(structure.templates):
        raise ValueError(f"Dependency descriptor refers to an unknown template {template_id}")
    frame = structure.templates[index]
    if has_indications:
        frame = frame._replace(indications=_read_indications(bits, structure.decode_targets))
    if has_references:
        frame = frame._replace(references=_read_references(bits))
    if has_chains:
        frame = frame._replace(chains=tuple(bits.take(8) for _ in frame.chains))
    return Descriptor(starts, ends, frame_number, frame, structure, brings, active)


def _read_structure(bits: Bits) -> Structure:
    """template_dependency_structure."""
    offset = bits.take(6)
    targets = bits.take(5) + 1
    layers = _read_layers(bits)
    indications = [_read_indications(bits, targets) for _ in layers]
    references = [_read_template_references(bits) for _ in layers]
    count = bits.below(targets + 1)
    protected_by = tuple(bits.below(count) for _ in range(targets)) if count else ()
    chains = [tuple(bits.take(4) for _ in range(count)) for _ in layers]
    resolutions: tuple[tuple[int, int], ...] = ()
    if bits.flag():
        spatial_layers = range(layers[-1][0] + 1)
        resolutions = tuple((bits.take(16) + 1, bits.take(16) + 1) for _ in spatial_layers)
    templates = tuple(
        Template(*layer, told, needed, chain)
        for layer, told, needed, chain in zip(layers, indications, references, chains, strict=True)
    )
    return Structure(offset, templates, targets, protected_by, resolutions)


def _read_layers(bits: Bits) -> list[tuple[int, int]]:
    """Spatial and temporal layer of each template."""
    spatial = temporal = 0
    layers = []
    while True:
        layers.append((spatial, temporal))
        step = bits.take(2)
        if step == _NO_MORE:
            return layers
        if step == _NEXT_TEMPORAL:
            temporal += 1
        elif step == _NEXT_SPATIAL:
            spatial, temporal = spatial + 1, 0
        if spatial > _MAX_SPATIAL or temporal > _MAX_TEMPORAL or len(layers) == MAX_TEMPLATES:
            raise ValueError("Dependency descriptor states more layers or templates than can be")


def _read_indications(bits: Bits, targets: int) -> tuple[Indication, ...]:
    return tuple(Indication(bits.take(2)) for _ in range(targets))


def _read_template_references(bits: Bits) -> tuple[int, ...]:
    """template_fdiffs of one template: four bits each."""
    references = []
    while bits.flag():
        references.append(bits.take(4) + 1)
    return _checked(references)


def _read_references(bits: Bits) -> tuple[int, ...]:
    """frame_fdiffs: four, eight or twelve bits each."""
    references = []
    while size := bits.take(2):
        references.append(bits.take(4 * size) + 1)
    return _checked(references)


def _checked(references: list[int]) -> tuple[int, ...]:
    if len(references) > MAX_REFERENCES:
        raise ValueError(f"Dependency descriptor states {len(references)} references of a frame")
    return tuple(references)
