"""One stage for all clients; each plays its story once, and the tests read what it was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients import installed, python_server
from tests.clients.stagehand import Stagehand
from tests.clients.story import Story, Told
from tests.clients.venue import Venue
from tests.clients.venue import venue as open_venue


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with open_venue(tmp_path_factory.mktemp("clients")) as running:
        yield running


class Played(NamedTuple):
    """A story that was played: what the program was answered, and the files it has saved."""

    story: Story
    told: Told
    folder: Path


@pytest.fixture(scope="session", params=["python", "node"])
def played(
    request: pytest.FixtureRequest, venue: Venue, tmp_path_factory: pytest.TempPathFactory
) -> Played:
    """The story as a server program of each library has played it."""
    story = Story(request.param)
    folder = tmp_path_factory.mktemp(story.client)
    play = {"python": python_server.run, "node": _node}[story.client]
    return Played(story, play(story, venue, folder), folder)


def _node(story: Story, venue: Venue, folder: Path) -> Told:
    actions = {
        "gather": lambda asked: venue.gather(asked["cid"]),
        "disperse": lambda asked: venue.disperse(asked["cid"]),
    }
    with Stagehand(actions) as stagehand:
        printed = installed.run_node(
            "server.mjs",
            {
                **venue.environment(),
                "STAGE_URL": stagehand.url,
                "STORY": json.dumps(story.told()),
                "FOLDER": str(folder),
            },
        )
    told: Told = json.loads(printed)
    return told
