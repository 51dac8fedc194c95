"""No image is built here: what can be known of one without docker is its context and its recipe."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from infra.images import DOCKERFILE, Target
from tests.infra.conftest import ROOT

RECIPES = (ROOT / DOCKERFILE, ROOT / "capture_agent/Dockerfile")


@pytest.fixture(scope="session")
def contexts(assembly: Path) -> dict[str, Path]:
    """The staged build contexts, by target."""
    assets = json.loads((assembly / "Isotrack.assets.json").read_text())
    sources = [image["source"] for image in assets["dockerImages"].values()]
    return {source["dockerBuildTarget"]: assembly / source["directory"] for source in sources}


def _copied(recipe: str) -> set[str]:
    return set(re.findall(r"^COPY (\S+) \S+$", recipe, flags=re.MULTILINE))


def _stages(recipe: str) -> dict[str, str]:
    """The text of each stage of a Dockerfile, by its name."""
    parts = re.split(r"^FROM \S+ AS (\w+)$", recipe, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_functions_of_one_target_share_one_image(contexts: dict[str, Path]) -> None:
    assert set(contexts) == {target.value for target in Target}


@pytest.mark.parametrize("target", Target)
def test_a_context_holds_code_and_its_requirements_and_nothing_else(
    contexts: dict[str, Path], target: Target
) -> None:
    context = contexts[target]
    files = {str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()}
    allowed = ("isotrack/*.py", "functions/*.py", DOCKERFILE, ".dockerignore")
    rest = {file for file in files if not any(fnmatch(file, pattern) for pattern in allowed)}
    assert rest <= {f"requirements/{target}.txt"}
    assert "functions/plan.py" in files
    assert "isotrack/pipeline/plan.py" in files


@pytest.mark.parametrize("target", Target)
def test_a_stage_installs_its_own_requirements_by_hash_and_copies_the_code(target: Target) -> None:
    stage = _stages((ROOT / DOCKERFILE).read_text())[target]
    assert _copied(stage) == {f"requirements/{target}.txt", "isotrack", "functions"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_what_is_installed_is_checked_by_hash_and_never_built(recipe: Path) -> None:
    installs = [line for line in recipe.read_text().splitlines() if "pip install" in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line
        assert "--only-binary :all:" in line


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_whatever_a_recipe_copies_is_let_into_its_context(recipe: Path) -> None:
    allowed = (ROOT / ".dockerignore").read_text()
    for copied in _copied(recipe.read_text()):
        folder, _, name = copied.partition("/")
        pattern = f"!{folder}/*{Path(name).suffix}" if name else f"!{folder}/**/*.py"
        assert pattern in allowed.splitlines(), copied


def test_an_image_runs_the_client_that_the_local_stack_runs() -> None:
    recipe = (ROOT / DOCKERFILE).read_text()
    assert 'ENTRYPOINT ["python", "-m", "awslambdaric"]' in recipe
