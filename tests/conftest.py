"""Fixtures that every part of the tests shares."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.validators import Fetched, Validators
from tests import witness
from tests.catalog.native_oracle import NativeCatalog

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Let the witness listen to the whole suite, and the programs of the tests be interrupted.

    A suite that a shell runs in the background is deaf to Ctrl+C, and so would be all that it starts.
    """
    config.pluginmanager.register(witness)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The reference data beside the checkout: the real catalogue, vectors, corpora."""
    if not (_SHARED / "ovh-schemas" / "v1" / "index.json").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the reference data is not beside the checkout, and under CI it must be")
        pytest.skip("needs the reference data beside the checkout (../shared)")
    return _SHARED


@pytest.fixture(scope="session")
def native_catalog(shared_dir: Path) -> NativeCatalog:
    """OVH's own schemas as plain JSON."""
    return NativeCatalog.load(shared_dir / "ovh-schemas")


@pytest.fixture(scope="session")
def full_path(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue file of the whole API."""
    root = "https://api.example"

    async def fetch(url: str, *, limit_bytes: int, known: Validators) -> Fetched:
        path = url.removeprefix(f"{root}/")
        file = shared_dir / "ovh-schemas" / (f"{path}index.json" if path.endswith("/") else path)
        return Fetched(file.read_bytes())

    out = tmp_path_factory.mktemp("full") / "full.catalog"
    asyncio.run(build_catalog(fetch, endpoint_root=root, services=["*"], out=out, clock=lambda: 1_000_000.0))
    return out


@pytest.fixture
def full_catalog(full_path: Path) -> Iterator[CatalogFile]:
    file = CatalogFile.open(full_path)
    yield file
    file.close()
