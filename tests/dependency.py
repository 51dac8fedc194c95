"""Dependency Descriptors made by hand (AV1 RTP, appendix A.8)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from isotrack.codecs.dependency_structure import Structure
from tests.bits import BitWriter


def write_descriptor(
    number: int,
    template: int = 0,
    *,
    start: bool = True,
    end: bool = True,
    structure: Structure | None = None,
    active: tuple[int, int] | None = None,
    indications: Sequence[int] | None = None,
    references: Sequence[int] | None = None,
    chains: Sequence[int] | None = None,
) -> bytes:
    """A descriptor; `template` is its id, `active` a mask and its bits. None leaves a field out."""
    bits = BitWriter().put(start).put(end).put(template, 6).put(number, 16)
    optional = (structure, active, indications, references, chains)
    if all(each is None for each in optional):
        return bits.to_bytes()
    for each in optional:
        bits.put(each is not None)
    if structure is not None:
        _write_structure(bits, structure)
    if active is not None:
        bits.put(*active)
    for indication in indications or ():
        bits.put(indication, 2)
    if references is not None:
        for reference in references:
            size = 1 if reference <= 16 else 2 if reference <= 256 else 3
            bits.put(size, 2).put(reference - 1, 4 * size)
        bits.put(0, 2)
    for chain in chains or ():
        bits.put(chain, 8)
    return bits.to_bytes()


def _write_structure(bits: BitWriter, structure: Structure) -> None:
    templates, targets = structure.templates, structure.decode_targets
    bits.put(structure.template_id_offset, 6).put(targets - 1, 5)
    for before, after in pairwise(templates):
        step = 2 if after.spatial > before.spatial else after.temporal - before.temporal
        bits.put(step, 2)
    bits.put(3, 2)
    for template in templates:
        for indication in template.indications:
            bits.put(indication, 2)
    for template in templates:
        for reference in template.references:
            bits.put(1).put(reference - 1, 4)
        bits.put(0)
    chains = len(templates[0].chains)
    bits.below(chains, targets + 1)
    for chain in structure.protected_by:
        bits.below(chain, chains)
    for template in templates:
        for chain in template.chains:
            bits.put(chain, 4)
    bits.put(bool(structure.resolutions))
    for width, height in structure.resolutions:
        bits.put(width - 1, 16).put(height - 1, 16)
