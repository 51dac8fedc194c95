"""The template that is shipped: synthesized once, so that the local stack needs no Node and no CDK.

`python -m infra.template` writes `infra/template.json`; a test synthesizes again and compares.
Reading the shipped template imports nothing of the CDK.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.app import STACK_NAME, synthesize

SHIPPED = Path(__file__).with_name("template.json")
# What only the CDK's own deployment needs: the version of its bootstrap stack, and its notes.
_BOOTSTRAP = "BootstrapVersion"
_BOOTSTRAP_RULE = "CheckBootstrapVersion"


def shipped() -> dict[str, Any]:
    """The template as shipped."""
    template: dict[str, Any] = json.loads(SHIPPED.read_text())
    return template


def read(outdir: Path) -> dict[str, Any]:
    """The normalized template of a cloud assembly."""
    template = json.loads((outdir / f"{STACK_NAME}.template.json").read_text())
    assets = json.loads((outdir / f"{STACK_NAME}.assets.json").read_text())
    return normalize(template, assets)


def normalize(template: dict[str, Any], assets: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a template what changes with every line of code, or says nothing of the app.

    Args:
        template: as synthesized; it is not changed.
        assets: the stack's asset manifest, which says what target an image was built from.
    """
    text = json.dumps(template)
    for digest, image in assets["dockerImages"].items():
        text = text.replace(f":{digest}", f":{image['source']['dockerBuildTarget']}")
    normalized: dict[str, Any] = json.loads(text)
    normalized["Parameters"].pop(_BOOTSTRAP, None)
    normalized["Rules"].pop(_BOOTSTRAP_RULE, None)
    if not normalized["Rules"]:
        del normalized["Rules"]
    for resource in normalized["Resources"].values():
        resource.pop("Metadata", None)
    return normalized


def dump(template: dict[str, Any]) -> str:
    """The template as text: in the order of synthesis, which is that of the code."""
    return json.dumps(template, indent=1) + "\n"


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        synthesize(directory)
        SHIPPED.write_text(dump(read(Path(directory))))
