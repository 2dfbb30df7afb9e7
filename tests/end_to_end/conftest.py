"""One simulated API of each size and one server in front of it, shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import forget, running_simulator
from tests.end_to_end.program import Server, http_server
from tests.server.real_server import environment


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose cache keeps the catalogues, so that each is built once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="package")
def _whole_api(shared_dir: Path) -> Iterator[Simulator]:
    with running_simulator(shared_dir / "ovh-schemas") as simulator:
        yield simulator


@pytest.fixture(scope="package")
def _small_api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="package")
def _whole_server(_whole_api: Simulator, home: Path) -> Iterator[Server]:
    with http_server(environment(_whole_api, home)) as server:
        server.wait_catalogue()
        yield server


@pytest.fixture(scope="package")
def _small_server(_small_api: Simulator, home: Path) -> Iterator[Server]:
    with http_server(environment(_small_api, home)) as server:
        server.wait_catalogue()
        yield server


@pytest.fixture
def whole_api(_whole_api: Simulator) -> Simulator:
    """The API with all 84 services, its record and its faults empty."""
    forget(_whole_api)
    return _whole_api


@pytest.fixture
def small_api(_small_api: Simulator) -> Simulator:
    """The API with the simulator's own services, its record and its faults empty."""
    forget(_small_api)
    return _small_api


@pytest.fixture
def whole_server(whole_api: Simulator, _whole_server: Server) -> Server:
    """A server that signs in to the whole API with keys."""
    return _whole_server


@pytest.fixture
def small_server(small_api: Simulator, _small_server: Server) -> Server:
    """A server that signs in to the small API with keys."""
    return _small_server
