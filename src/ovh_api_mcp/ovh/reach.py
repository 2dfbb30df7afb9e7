"""Whether an API answers at all, and what its clock says."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass

from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.transport import Transport


@dataclass(frozen=True, slots=True)
class Reach:
    """How long an answer took, and how far the API's clock is ahead of ours, in seconds."""

    took_s: float
    ahead_s: int


async def measure_reach(transport: Transport, endpoint: Endpoint) -> Reach:
    """Ask the API for its time; *Raises* NetworkError."""
    began_s = time.monotonic()
    async with aclosing(ServerClock(transport, endpoint.root)) as clock:
        now_s = await clock.now()
    return Reach(time.monotonic() - began_s, now_s - int(time.time()))
