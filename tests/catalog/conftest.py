"""Fixtures of the catalogue's tests: a small schema site, and the real catalogue built once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from ovh_api_mcp.catalog.store import CatalogFile
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
def full_document(full_path: Path) -> dict[str, dict[str, dict[str, object]]]:
    """The merged document of the whole API; to be read only."""
    file = CatalogFile.open(full_path)
    try:
        document: dict[str, dict[str, dict[str, object]]] = json.loads(file.document())
    finally:
        file.close()
    return document
