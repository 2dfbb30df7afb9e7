"""A simulated API in a thread of its own, so that neither tests nor servers can hold it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.simulator import Simulator

_BESIDE_CALLS = ("/v1/auth/time", "/v1/", "/v2/")


@contextmanager
def running_simulator(schemas: Path | None = None) -> Iterator[Simulator]:
    """Serve until the end of the block; its record, faults and latency may be used from any thread."""
    with start_blocking_portal() as portal:
        simulator = portal.call(partial(Simulator.start, schemas=schemas))
        try:
            yield simulator
        finally:
            portal.call(simulator.aclose)


def forget(simulator: Simulator) -> None:
    """Make a simulator that tests share look new, its resources excepted."""
    simulator.requests.clear()
    simulator.faults.clear()
    simulator.latency_s = 0.0


def calls_of(simulator: Simulator) -> list[RecordedRequest]:
    """Return the calls that reached the API: all but schemas, sign-in and the clock."""
    return [request for request in list(simulator.requests) if not _is_beside(request.raw_path)]


def lines_of(simulator: Simulator) -> list[str]:
    """Return method and target of each call that reached the API."""
    return [f"{request.method} {request.target}" for request in calls_of(simulator)]


def _is_beside(path: str) -> bool:
    return path in _BESIDE_CALLS or path.startswith("/auth/") or path.endswith(".json")
