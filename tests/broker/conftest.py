"""A world of its own for each test: fast, because its database is a copy of one that was migrated once."""

from __future__ import annotations

import pytest

from flow_world import FlowWorld


@pytest.fixture
def flow(tmp_path):
    world = FlowWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def far(flow):
    return flow.organisation("OCMW Verre", "0999000327", "ocmw")
