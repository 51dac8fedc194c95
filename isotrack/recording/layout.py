"""JSON laid out for people: what is short stands on one line, long rows of numbers fill lines."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

WIDTH = 140

_NESTED = dict, list
_encode = json.JSONEncoder(ensure_ascii=False).encode
_name = lru_cache(_encode)  # the same few name most values


def laid_out(value: Any, indent: int = 0) -> str:
    """The JSON text of what `json` takes.

    Args:
        value: the whole.
        indent: how far its lines but the first are moved to the right.
    """
    if not isinstance(value, _NESTED):
        return _encode(value)
    children = value.values() if isinstance(value, dict) else value
    texts = [
        str(child) if type(child) is int else laid_out(child, indent + 1)  # most are numbers
        for child in children
    ]
    if isinstance(value, dict):
        texts = [f"{_name(name)}: {text}" for name, text in zip(value, texts, strict=True)]
    brackets = "{}" if isinstance(value, dict) else "[]"
    if indent + sum(map(len, texts)) + 2 * len(texts) <= WIDTH:
        return f"{brackets[0]}{', '.join(texts)}{brackets[1]}"
    if isinstance(value, list) and not any(isinstance(child, _NESTED) for child in value):
        texts = _filled(texts, WIDTH - indent)
    return _enclosed(brackets, texts, indent)


def _filled(words: list[str], width: int) -> list[str]:
    """As many words to a line as fit in."""
    count = max(width // (max(map(len, words)) + 2), 1)
    return [", ".join(words[at : at + count]) for at in range(0, len(words), count)]


def _enclosed(brackets: str, lines: list[str], indent: int) -> str:
    inner, outer = " " * (indent + 1), " " * indent
    body = ",\n".join(inner + line for line in lines)
    return f"{brackets[0]}\n{body}\n{outer}{brackets[1]}"
