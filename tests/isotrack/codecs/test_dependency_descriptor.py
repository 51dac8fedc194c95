import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.dependency_descriptor import DependencyDescriptors, Descriptions
from isotrack.codecs.dependency_structure import Indication, Structure, Template, parse_descriptor
from tests.dependency import write_descriptor

DATA = Path(__file__).parents[2] / "data" / "av1"
CHROME = json.loads((DATA / "descriptors.json").read_text())
ALL = (Indication.SWITCH,)
BASE, NEXT = Template(0, 0, ALL, (), ()), Template(0, 0, ALL, (1,), ())
SIMPLE = Structure(5, (BASE, NEXT, Template(0, 1, ALL, (1, 2), ())), 1, (), ())
OTHER = Structure(40, (Template(0, 0, ALL, (9,), ()), Template(1, 0, ALL, (1,), ())), 1, (), ())


def read(reader: DependencyDescriptors, elements: Sequence[bytes | None]) -> Descriptions:
    """What the reader makes of these elements, laid out with other bytes between."""
    buffer = b"\xff\xff"
    offset, length = [], []
    for element in elements:
        offset.append(-1 if element is None else len(buffer))
        length.append(len(element or b""))
        buffer += (element or b"") + b"\xff\xff"
    return reader.read(
        np.frombuffer(buffer, np.uint8), np.array(offset, np.int64), np.array(length, np.int64)
    )


def references(found: Descriptions) -> list[list[int]]:
    return [[int(n) for n in row if n] for row in found.layering.references]


def test_frames_of_a_browser_are_told_apart() -> None:
    reader = DependencyDescriptors()
    written = [CHROME["structure"], *CHROME["plain"]]
    found = read(reader, [bytes.fromhex(each) for each in written])
    layering = found.layering
    assert layering.picture.tolist() == [370, 371, 371, 372, 372, 372, 373]
    assert (layering.modulo == 65536).all()
    assert layering.exact.all()
    assert references(found) == [[], [1], [1], [1], [1], [1], [3]]
    assert found.spatial.tolist() == [0, 1, 1, 2, 2, 2, 0]
    assert layering.temporal.tolist() == [0, 0, 0, 0, 0, 0, 2]
    assert found.starts_frame.tolist() == [True, True, False, True, False, False, True]
    assert found.ends_frame.tolist() == [True, False, True, False, False, False, True]
    assert (layering.base == -1).all()
    assert not layering.sync.any()
    assert reader.active_decode_targets == 0b111111111


def test_structure_and_active_targets_last_over_calls() -> None:
    reader = DependencyDescriptors()
    read(reader, [bytes.fromhex(CHROME["structure"])])
    found = read(reader, [bytes.fromhex(each) for each in CHROME["fewer_targets"]])
    assert references(found) == [[1], [1], [3], [3, 1], [3, 1], [6]]
    assert reader.active_decode_targets == 0b111111
    assert reader.structure is not None
    assert reader.structure.resolutions[-1] == (480, 270)
    assert read(reader, []).layering.picture.size == 0


def test_packets_without_descriptor_say_nothing() -> None:
    reader = DependencyDescriptors()
    found = read(reader, [None, write_descriptor(9, 5, structure=SIMPLE), None, b"", b"\x85\x00"])
    assert found.layering.picture.tolist() == [-1, 9, -1, -1, -1]
    assert found.layering.exact.tolist() == [False, True, False, False, False]
    assert found.layering.temporal.tolist() == [-1, 0, -1, -1, -1]
    assert found.spatial.tolist() == [-1, 0, -1, -1, -1]
    assert not found.starts_frame[[0, 2, 3, 4]].any()


def test_each_packet_is_read_with_the_structure_before_it() -> None:
    """Edge case 140: templates change in the middle of a stream."""
    reader = DependencyDescriptors()
    elements = [
        write_descriptor(1, 6),
        write_descriptor(2, 5, structure=SIMPLE),
        write_descriptor(3, 6),
        write_descriptor(4, 7),
        write_descriptor(5, 40),
        write_descriptor(6, 40, structure=OTHER),
        write_descriptor(7, 41),
        write_descriptor(8, 6),
        write_descriptor(9, 5, structure=SIMPLE),
        write_descriptor(10, 7),
    ]
    found = read(reader, elements)
    assert found.layering.picture.tolist() == list(range(1, 11))
    assert references(found) == [[], [], [1], [1, 2], [], [9], [1], [], [], [1, 2]]
    known = [False, True, True, True, False, True, True, False, True, True]
    assert found.layering.exact.tolist() == known
    assert found.spatial.tolist() == [-1, 0, 0, 0, -1, 0, 1, -1, 0, 0]
    assert reader.structure == SIMPLE


def test_custom_references_are_those_of_their_packets() -> None:
    reader = DependencyDescriptors()
    elements = [
        write_descriptor(65535, 5, structure=SIMPLE),
        write_descriptor(0, 6, references=(300, 2, 7)),
        write_descriptor(1, 6),
        write_descriptor(2, 6, references=()),
        write_descriptor(3, 6, references=(300, 2, 7)),
        write_descriptor(4, 7, references=(300, 2, 7)),
    ]
    found = read(reader, elements)
    assert references(found) == [[], [300, 2, 7], [1], [], [300, 2, 7], [300, 2, 7]]
    assert found.layering.references.shape == (6, 3)
    assert found.layering.temporal.tolist() == [0, 0, 0, 0, 0, 1]
    assert found.layering.exact.all()


def test_a_damaged_descriptor_costs_no_more_than_its_packet() -> None:
    reader = DependencyDescriptors()
    whole = write_descriptor(2, 40, structure=OTHER)
    elements = [
        write_descriptor(1, 5, structure=SIMPLE),
        whole[:5],
        write_descriptor(3, 6),
        write_descriptor(4, 6, references=(9, 9))[:4],
        write_descriptor(5, 6),
    ]
    found = read(reader, elements)
    assert found.layering.picture.tolist() == [1, 2, 3, 4, 5]
    assert found.layering.exact.tolist() == [True, False, True, False, True]
    assert reader.structure == SIMPLE


def test_custom_references_may_all_differ() -> None:
    reader = DependencyDescriptors()
    elements = [write_descriptor(0, 5, structure=SIMPLE)]
    elements += [write_descriptor(n, 6, references=(n, n + 1)) for n in range(1, 3001)]
    found = read(reader, elements)
    assert references(found)[1:] == [[n, n + 1] for n in range(1, 3001)]


@given(st.lists(st.none() | st.binary(max_size=24), max_size=30))
def test_many_descriptors_say_what_each_alone_says(elements: list[bytes | None]) -> None:
    first = write_descriptor(1, 5, structure=SIMPLE)
    everything = [first, *elements]
    found = read(DependencyDescriptors(), everything)
    structure: Structure | None = None
    for row, element in enumerate(everything):
        if element is None or len(element) < 3:
            assert found.layering.picture[row] == -1
            continue
        assert found.layering.picture[row] == int.from_bytes(element[1:3], "big")
        try:
            told = parse_descriptor(element, structure)
        except ValueError:
            assert not found.layering.exact[row]
            continue
        structure = told.structure
        assert references(found)[row] == list(told.frame.references)
        assert found.spatial[row] == told.frame.spatial
        assert found.layering.temporal[row] == told.frame.temporal
        assert (found.starts_frame[row], found.ends_frame[row]) == told[:2]


def test_fuzzed_descriptors_are_read_or_passed_over() -> None:
    reader = DependencyDescriptors()
    paths = sorted((DATA / "dependency-descriptor-corpus").iterdir())
    fuzzed = [path.read_bytes() for path in paths]
    pieces = [each[at : at + 60] for each in fuzzed for at in range(0, len(each), 60)]
    found = read(reader, [*fuzzed, *pieces])
    assert found.layering.picture.size == len(fuzzed) + len(pieces)
