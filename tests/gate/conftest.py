"""Gates over a few operations and over the whole catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from tests.gate.operations import Operations, Recorder, every_operation, few_operations


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def gate(recorder: Recorder) -> Gatekeeper:
    return Gatekeeper(few_operations(), recorder.send)


@pytest.fixture(scope="session")
def whole_catalog(shared_dir: Path) -> Operations:
    return every_operation(shared_dir / "ovh-schemas")


@pytest.fixture(scope="session")
def whole_gate(whole_catalog: Operations) -> Gatekeeper:
    return Gatekeeper(whole_catalog, Recorder().send)
