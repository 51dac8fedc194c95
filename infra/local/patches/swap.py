"""How moto is patched: by name, and only if what is replaced looks as expected."""

from __future__ import annotations

import inspect
from typing import Any


class PatchMismatch(Exception):
    """This version of moto is not the one that the patch was written for."""


def swap(owner: Any, name: str, replacement: Any) -> Any:
    """Replace an attribute of a class or module, and give back what it was.

    A function must be replaced by one that takes the same parameters.

    Raises:
        PatchMismatch: the owner does not itself define the attribute, or its parameters differ.
    """
    where = f"{getattr(owner, '__module__', '')}.{owner.__name__}.{name}".lstrip(".")
    if name not in vars(owner):
        raise PatchMismatch(f"moto has no {where} to patch")
    original = vars(owner)[name]
    before, after = _parameters(original), _parameters(replacement)
    if before != after:
        raise PatchMismatch(f"{where} takes {before}, and its patch {after}")
    setattr(owner, name, replacement)
    return _unwrapped(original)


def _unwrapped(attribute: Any) -> Any:
    return attribute.__func__ if isinstance(attribute, staticmethod) else attribute


def _parameters(attribute: Any) -> list[str] | None:
    function = _unwrapped(attribute)
    return list(inspect.signature(function).parameters) if inspect.isfunction(function) else None
