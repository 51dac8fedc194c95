import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.dependency_structure import (
    Indication,
    Structure,
    Template,
    parse_descriptor,
)
from tests.bits import BitWriter
from tests.dependency import write_descriptor

DATA = Path(__file__).parents[2] / "data" / "av1"
CHROME = json.loads((DATA / "descriptors.json").read_text())
L3T3 = """
0 0 SSSRRRRRR 12   12,11,10 | 0 0 SSSSSSSSS -    0,0,0 | 0 1 -DS-RR-RR 6   6,5,4
0 2 --D--R--R 3    3,2,1    | 0 2 --D--R--R 3    9,8,7 | 1 0 ---SSSRRR 12,1 1,1,1
1 0 ---SSSSSS 1    1,1,1    | 1 1 ----DS-RR 6,1  7,6,5 | 1 2 -----D--R 3,1  4,3,2
1 2 -----D--R 3,1  10,9,8   | 2 0 ------SSS 12,1 2,1,1 | 2 0 ------SSS 1    2,1,1
2 1 -------DS 6,1  8,7,6    | 2 2 --------D 3,1  5,4,3 | 2 2 --------D 3,1  11,10,9
"""


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(",") if each != "-")


def templates(table: str) -> tuple[Template, ...]:
    """Templates as the specification's examples list them: layers, DTIs, fdiffs, chains."""
    rows = [row.split() for row in table.replace("\n", "|").split("|") if row.strip()]
    return tuple(
        Template(
            int(spatial),
            int(temporal),
            tuple(Indication("-DSR".index(symbol)) for symbol in symbols),
            numbers(references),
            numbers(chains),
        )
        for spatial, temporal, symbols, references, chains in rows
    )


L1T2 = Structure(
    template_id_offset=60,
    templates=templates("0 0 SS - 0 | 0 0 SS 2 2 | 0 1 D- 1 1"),
    decode_targets=2,
    protected_by=(0, 0),
    resolutions=(),
)


def test_the_structure_of_a_browser_is_read() -> None:
    descriptor = parse_descriptor(bytes.fromhex(CHROME["structure"]), None)
    assert descriptor.structure == Structure(
        template_id_offset=0,
        templates=templates(L3T3),
        decode_targets=9,
        protected_by=(0, 0, 0, 1, 1, 1, 2, 2, 2),
        resolutions=((120, 67), (240, 135), (480, 270)),
    )
    assert descriptor.frame == descriptor.structure.templates[1]
    assert (descriptor.starts_frame, descriptor.ends_frame) == (True, True)
    assert (descriptor.frame_number, descriptor.brings_structure) == (370, True)
    assert descriptor.active_decode_targets == 0b111111111
    assert descriptor.resolution == (120, 67)


def test_descriptors_refer_to_the_structure_that_came_before() -> None:
    structure = parse_descriptor(bytes.fromhex(CHROME["structure"]), None).structure
    for written in CHROME["plain"] + CHROME["fewer_targets"]:
        element = bytes.fromhex(written)
        descriptor = parse_descriptor(element, structure)
        assert descriptor.frame == structure.templates[element[0] & 63]
        assert descriptor.frame_number == int.from_bytes(element[1:3], "big")
        assert descriptor.starts_frame == (element[0] > 127)
        assert not descriptor.brings_structure
        fewer = written in CHROME["fewer_targets"]
        assert descriptor.active_decode_targets == (0b111111 if fewer else None)


@pytest.mark.parametrize("resolutions", [(), ((1280, 720),)])
def test_what_is_written_is_read(resolutions: tuple[tuple[int, int], ...]) -> None:
    structure = L1T2._replace(resolutions=resolutions)
    descriptor = parse_descriptor(
        write_descriptor(7, 62, structure=structure, active=(0b01, 2)), None
    )
    assert descriptor.structure == structure
    assert descriptor.frame == structure.templates[2]
    assert descriptor.active_decode_targets == 1
    assert descriptor.resolution == (resolutions[0] if resolutions else None)


def test_template_ids_wrap() -> None:
    structure = L1T2._replace(template_id_offset=62)
    assert parse_descriptor(write_descriptor(1, 0), structure).frame == structure.templates[2]
    with pytest.raises(ValueError, match="unknown template 1"):
        parse_descriptor(write_descriptor(1, 1), structure)


def test_a_frame_can_differ_from_its_template() -> None:
    element = write_descriptor(
        9, 61, start=False, indications=(3, 1), references=(16, 17, 256, 257, 4096), chains=(200,)
    )
    frame = parse_descriptor(element, L1T2).frame
    assert frame == Template(
        0, 0, (Indication.REQUIRED, Indication.DISCARDABLE), (16, 17, 256, 257, 4096), (200,)
    )
    assert parse_descriptor(write_descriptor(9, 61, references=()), L1T2).frame.references == ()


def test_a_structure_can_do_without_chains() -> None:
    structure = Structure(0, templates("0 0 S - -"), 1, (), ())
    assert parse_descriptor(write_descriptor(1, structure=structure), None).structure == structure


def test_a_descriptor_without_a_structure_is_of_no_use() -> None:
    with pytest.raises(ValueError, match="before any template structure"):
        parse_descriptor(write_descriptor(1), None)


def test_a_truncated_descriptor_is_refused() -> None:
    element = bytes.fromhex(CHROME["structure"])
    for end in range(len(element)):
        with pytest.raises(ValueError, match=r"truncated|before any"):
            parse_descriptor(element[:end], None)


def test_more_than_can_be_is_refused() -> None:
    layers = BitWriter().put(0, 24).put(1).put(0, 4).put(0, 11)
    for steps in ([2] * 4, [1] * 8, [0] * 64):
        bits = BitWriter().put(int(layers.bits, 2), len(layers.bits))
        for step in steps:
            bits.put(step, 2)
        with pytest.raises(ValueError, match="more layers or templates than can be"):
            parse_descriptor(bits.to_bytes() + bytes(20), None)
    with pytest.raises(ValueError, match="17 references"):
        parse_descriptor(write_descriptor(1, 60, references=[1] * 17), L1T2)


def corpus() -> list[bytes]:
    return [path.read_bytes() for path in sorted((DATA / "dependency-descriptor-corpus").iterdir())]


def elements(fuzzed: bytes) -> list[bytes]:
    """A fuzzer's bytes as descriptors: each behind its length, and all of them as one."""
    found = [fuzzed]
    at = 0
    while at < len(fuzzed):
        end = at + 1 + fuzzed[at]
        found.append(fuzzed[at + 1 : end])
        at = end
    return found


@pytest.mark.parametrize("fuzzed", corpus())
def test_fuzzed_descriptors_are_read_or_refused(fuzzed: bytes) -> None:
    structure: Structure | None = L1T2
    for element in elements(fuzzed):
        try:
            descriptor = parse_descriptor(element, structure)
        except ValueError:
            continue
        structure = descriptor.structure
        assert len(structure.templates) <= 64
        assert len(descriptor.frame.indications) == structure.decode_targets


@given(st.binary(max_size=80))
def test_hostile_descriptors_are_read_or_refused(element: bytes) -> None:
    for bytes_ in (element, b"\xc0\x00\x01\x80" + element):
        try:
            descriptor = parse_descriptor(bytes_, L1T2)
        except ValueError:
            continue
        assert descriptor.frame.spatial <= 3
        assert descriptor.frame.temporal <= 7
