from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.template import SHIPPED
from tests.infra.conftest import ROOT

# DependsOn where a reference says the same: the CDK writes both.
REDUNDANT_DEPENDENCY = "W3005"
# ApiCertificateArn is empty by default, when the condition HasApiDomain has nobody look at it.
DEFAULT_DOES_NOT_MATCH = "W1030"


def test_cfn_lint_has_nothing_to_say() -> None:
    lint = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--ignore-checks",
            REDUNDANT_DEPENDENCY,
            DEFAULT_DOES_NOT_MATCH,
            "--",
            SHIPPED,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr
