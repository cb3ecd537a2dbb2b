"""The corpus of README.md, through every interface and on every database."""

from __future__ import annotations

from contextlib import closing

import pytest

from stories.command_line import CommandLine
from stories.http import Http
from stories.library import Library
from stories.registered import Registered
from stories.teller import stories, tell
from stories.village import village

CORPUS = [pytest.param(one, id=str(one)) for one in stories()]


@pytest.mark.parametrize("story", CORPUS)
def test_through_the_library(story):
    tell(story, Library(village()))


@pytest.mark.parametrize("story", CORPUS)
def test_through_flows(story, tmp_path, url):
    with closing(Registered(village(), tmp_path, url)) as driver:
        tell(story, driver)


@pytest.mark.parametrize("story", CORPUS)
def test_through_http(story, tmp_path, url):
    with closing(Http(village(), tmp_path, url)) as driver:
        tell(story, driver)


@pytest.mark.parametrize("story", CORPUS)
def test_through_the_command_line(story, tmp_path, url):
    with closing(CommandLine(village(), tmp_path, url)) as driver:
        tell(story, driver)
