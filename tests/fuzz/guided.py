"""Fuzz one target guided by coverage: python -m tests.fuzz.guided TARGET SECONDS.

What leads to new lines is kept in .fuzz/TARGET/, and the next run begins with it. Ends at the first
input that fails, takes long or much memory; it is written to tests/data/fuzz/, where it is a test
from then on.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["isotrack"]):
    from tests.fuzz.seeds import FOUND
    from tests.fuzz.targets import TARGETS, Target

KEPT = Path(__file__).parents[2] / ".fuzz"
"""What was found worth keeping, by target; not under version control."""

_LIMITS = ("-timeout=60", "-rss_limit_mb=2048", "-max_len=100000", "-print_final_stats=1")


def corpus(target: Target) -> Path:
    """The folder of a target, its seeds in it."""
    folder = KEPT / target.name
    folder.mkdir(parents=True, exist_ok=True)
    (KEPT / ".gitignore").write_text("*\n")
    for seed in target.seeds():
        (folder / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    return folder


def main() -> None:
    """Fuzz until the time is over or something fails; libFuzzer ends the process."""
    name, seconds = sys.argv[1], int(float(sys.argv[2]))
    (target,) = (each for each in TARGETS if each.name == name)
    warnings.simplefilter("error")
    FOUND.mkdir(exist_ok=True)
    flags = [*_LIMITS, f"-max_total_time={max(seconds, 1)}", f"-artifact_prefix={FOUND}/{name}-"]
    atheris.Setup([sys.argv[0], *flags, str(corpus(target))], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
