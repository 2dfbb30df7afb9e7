"""Fixtures that every part of the tests shares."""

import os
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


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
