"""Where captures to test with are: all beside the repository, and cuts of some within it."""

from __future__ import annotations

import os
from pathlib import Path

CUTS = Path(__file__).parent / "data"

_BESIDE = Path(__file__).parents[2] / "shared" / "vectors"
_NAMED = Path(os.environ.get("ISOTRACK_VECTORS") or _BESIDE)

VECTORS = _NAMED if _NAMED.is_dir() else None
"""The folder with all of them (ISOTRACK_VECTORS names another one); None where there is none."""

WHY_NOT = f"the captures are not in {_NAMED}: ISOTRACK_VECTORS may name another folder"
