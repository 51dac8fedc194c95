"""The recordings and the players, each made when a test first needs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.players.chromium import Chromium
from tests.players.recordings import NAMES, Recorded, Recorder, record


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording" in metafunc.fixturenames:
        metafunc.parametrize("recording", NAMES, indirect=True)


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Gives the files of a recording, by its name."""
    made: dict[str, list[Recorded]] = {}

    def files_of(name: str) -> list[Recorded]:
        if name not in made:
            made[name] = record(name, tmp_path_factory.mktemp(name))
        return made[name]

    return files_of


@pytest.fixture
def recording(request: pytest.FixtureRequest, recorder: Recorder) -> list[Recorded]:
    """The files of one recording."""
    files = recorder(request.param)
    assert files, "there is no file"
    return files


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a player's program; who runs these tests wants it to be there."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.fail(f"{name} is not installed: `make players` does it")
        return path

    return find


@pytest.fixture(scope="session")
def chromium(program: Callable[[str], str]) -> Iterator[Chromium]:
    browser = Chromium(program("chromium"))
    yield browser
    browser.close()
