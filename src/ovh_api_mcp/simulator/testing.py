"""The simulator for test suites: in a thread of its own, so that neither tests nor clients hold it up.

    def test_it() -> None:
        with running_simulator() as ovh:
            ovh.faults.add("GET", "/v1/me", status=503, times=1)
            ...

For pytest, `pytest_plugins = ["ovh_api_mcp.simulator.pytest_plugin"]` gives the fixture `ovh_simulator`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from ovh_api_mcp.simulator.simulator import Simulator


@contextmanager
def running_simulator(schemas: Path | None = None, *, seed: Path | None = None) -> Iterator[Simulator]:
    """Serve until the end of the block; all that the simulator has may be used from any thread.

    `schemas` is a directory of native schemas, None for its own small set; `seed` a file of what the
    account has. *Raises* SettingsError.
    """
    with start_blocking_portal() as portal:
        simulator = portal.call(partial(Simulator.start, schemas=schemas, seed=seed))
        try:
            yield simulator
        finally:
            portal.call(simulator.aclose)
