"""One sandbox for the whole corpus: what a script leaves behind would meet the next ones."""

import json
from collections.abc import AsyncIterator

import pytest

from ovh_api_mcp.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import DOCUMENT


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    box = Sandbox(load_document=lambda: iter([json.dumps(DOCUMENT).encode()]))
    yield box
    await box.aclose()
