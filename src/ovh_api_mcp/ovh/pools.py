"""Kept connections, in pools of few.

The HTTP library looks at every idle connection of a pool whenever a request comes or goes: with 50 of them
that cost more than all the rest of a call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from ovh_api_mcp.limits import CALLS_IN_FLIGHT, KEEPALIVE_S, POOL_CONNECTIONS


@dataclass(slots=True)
class _Pool:
    transport: httpx2.AsyncHTTPTransport
    in_flight: int = 0


class Pools:
    """Connections that are made alike, CALLS_IN_FLIGHT of them at most.

    `new_transport` makes one pool with the limits it is given.
    """

    def __init__(self, new_transport: Callable[[httpx2.Limits], httpx2.AsyncHTTPTransport]) -> None:
        self._new_transport = new_transport
        self._pools: list[_Pool] = []

    @asynccontextmanager
    async def exchange(self, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
        """Send a request and yield the answer, which is closed afterwards; *Raises* what the library does."""
        pool = self._chosen()
        pool.in_flight += 1
        try:
            response = await pool.transport.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            pool.in_flight -= 1

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, []
        for pool in pools:
            await pool.transport.aclose()

    def _chosen(self) -> _Pool:
        """Return the first pool with room, so that few calls share few connections, else the emptiest."""
        for pool in self._pools:
            if pool.in_flight < POOL_CONNECTIONS:
                return pool
        if len(self._pools) * POOL_CONNECTIONS < CALLS_IN_FLIGHT:
            limits = httpx2.Limits(
                max_connections=POOL_CONNECTIONS,
                max_keepalive_connections=POOL_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_S,
            )
            self._pools.append(_Pool(self._new_transport(limits)))
            return self._pools[-1]
        return min(self._pools, key=lambda pool: pool.in_flight)
