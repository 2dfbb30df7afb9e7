from collections.abc import AsyncIterator

import pytest

from ovh_api_mcp.ovh.transport import Transport


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    await transport.aclose()
