"""The corpus of README.md, through every interface and on every database."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from flow_world import migrated
from stories.command_line import CommandLine, Terminal
from stories.http import Http
from stories.library import Library
from stories.teller import Story, stories, tell
from stories.village import village

CORPUS = [pytest.param(one, id=str(one)) for one in stories()]


@pytest.mark.parametrize("story", CORPUS)
def test_through_the_library(story):
    tell(story, Library(village()))


@pytest.mark.parametrize("driver", [Http, CommandLine], ids=["http", "command-line"])
@pytest.mark.parametrize("story", CORPUS)
def test_through_a_broker(story, driver, tmp_path, url):
    with closing(driver(village(), tmp_path, url)) as broker:
        tell(story, broker)


def test_through_processes_of_their_own(tmp_path):
    steps = (
        {
            "who": "maria",
            "asks": "h1",
            "type": "citizen-helper",
            "principal": "maria",
            "representative": "tom",
        },
        {"who": "maria", "approves": "h1", "error": "own_request"},
        {"who": "tom", "approves": "h1"},
        {"who": "tom", "may": "vouchers:read", "for": "maria", "path": ["h1"]},
    )
    shutil.copy(Path(migrated().name) / "volmacht.db", tmp_path / "volmacht.db")
    with closing(Terminal(village(), tmp_path, f"sqlite:///{tmp_path}/volmacht.db")) as terminal:
        tell(Story("smoke", "One citizen helps another", steps), terminal)
