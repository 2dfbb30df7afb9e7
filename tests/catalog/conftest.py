"""Fixtures of the catalogue's tests: a small schema site, and the real catalogue built once."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.validators import Fetched, Validators
from tests.catalog.native_oracle import NativeCatalog
from tests.catalog.schema_site import SchemaSite, serving, small_services


@pytest.fixture(scope="session", autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    """Retry as often as the program does, but without the pauses, in this process."""
    with stamina.set_testing(True, attempts=4):
        yield


@pytest.fixture
def site() -> Iterator[SchemaSite]:
    """The small API, served on loopback."""
    with serving(SchemaSite.of(small_services())) as served:
        yield served


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


@pytest.fixture(scope="session")
def full_document(full_path: Path) -> dict[str, dict[str, dict[str, object]]]:
    """The merged document of the whole API; to be read only."""
    file = CatalogFile.open(full_path)
    try:
        document: dict[str, dict[str, dict[str, object]]] = json.loads(file.document())
    finally:
        file.close()
    return document
