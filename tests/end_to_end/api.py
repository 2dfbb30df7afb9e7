"""A simulated API in a thread of its own, so that neither tests nor servers can hold it up."""

from __future__ import annotations

from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.simulator import Simulator
from ovh_api_mcp.simulator.testing import running_simulator

__all__ = ["calls_of", "forget", "lines_of", "running_simulator"]

_BESIDE_CALLS = ("/v1/auth/time", "/v1/", "/v2/")


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
