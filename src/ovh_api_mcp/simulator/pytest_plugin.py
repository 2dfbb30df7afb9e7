"""Fixtures for pytest: `pytest_plugins = ["ovh_api_mcp.simulator.pytest_plugin"]` in a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ovh_api_mcp.simulator.simulator import Simulator
from ovh_api_mcp.simulator.testing import running_simulator


@pytest.fixture(scope="session")
def _ovh_simulator() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def ovh_simulator(_ovh_simulator: Simulator) -> Simulator:
    """A simulated OVHcloud API, as it is at its start: nothing goes wrong, and nothing was changed."""
    _ovh_simulator.reset()
    return _ovh_simulator
