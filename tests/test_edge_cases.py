"""Every numbered edge case is a test: its number stands in a test's docstring or name."""

from __future__ import annotations

import re
from pathlib import Path

CASES = 220
_MENTION = re.compile(r"[Ee]dge[ _]cases?[ _]((?:\d+(?:\s*(?:,|and|to|_)\s*)?)+)")


def mentioned(text: str) -> set[int]:
    """The numbers that a text names, ranges (`1 to 3`) written out."""
    found: set[int] = set()
    for match in _MENTION.finditer(text):
        numbers = match.group(1)
        found |= {int(number) for number in re.findall(r"\d+", numbers)}
        for first, last in re.findall(r"(\d+)\s*to\s*(\d+)", numbers):
            found |= set(range(int(first), int(last) + 1))
    return found


def test_ranges_and_lists_of_numbers_are_read() -> None:
    assert mentioned("Edge cases 3, 5 and 7 to 9; edge_case_12") == {3, 5, 7, 8, 9, 12}


def test_every_edge_case_is_a_test() -> None:
    tests = Path(__file__).parent
    found: set[int] = set()
    for path in tests.rglob("test_*.py"):
        if path != Path(__file__):
            found |= mentioned(path.read_text())
    assert sorted(set(range(1, CASES + 1)) - found) == []
