"""Fuzz the targets for a while: python -m tests.fuzz SECONDS [TARGET ...].

What fails is written to tests/data/fuzz/, where it is a test from then on.
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from random import Random

from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import FOUND
from tests.fuzz.targets import TARGETS, Target


def fuzz(target: Target, seconds: float) -> tuple[int, int]:
    """Run a target on mutations of its seeds; gives how many there were and how many failed."""
    random, corpus = Random(), list(target.seeds())
    runs = failures = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(random.choice(corpus), random, corpus)
        runs += 1
        try:
            target.run(data)
        except Exception:  # whatever it is, it is what was looked for
            failures += 1
            FOUND.mkdir(exist_ok=True)
            path = FOUND / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            print(f"{path}:\n{traceback.format_exc()}")
    return runs, failures


def main() -> int:
    """Fuzz the targets named, or all, each for an equal share of the time."""
    seconds, names = float(sys.argv[1]), sys.argv[2:]
    chosen = [target for target in TARGETS if not names or target.name in names]
    failed = 0
    for target in chosen:
        runs, failures = fuzz(target, seconds / len(chosen))
        failed += failures
        print(f"{target.name:24} {runs:8} inputs  {failures} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
