"""Who computes: as many scripts as there are cores, and those that compute for long behind them.

A script that waits for the API holds no core. One that has computed for limits.CORE_TURN_S
without a pause gives its core to the next and goes on at a lower priority, so that short scripts
hardly notice long ones; how many may do so is bounded, too.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.fair_queue import FairQueue

_MAY_USE: Final = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
_CORES: Final = max(2, _MAY_USE)  # with one, a script that loops would stop the others for half a second each


class Cores:
    """The cores of this machine, as one client after the other gets them.

    One client computes on as many as there are (at least two), and has as many scripts again in
    overtime. Several may have more together: the system shares the cores between them, so that
    nobody waits until another one's loop has ended.
    """

    def __init__(self, count: int = _CORES) -> None:
        places = limits.COMPUTING_CLIENTS * count
        self._turns = FairQueue(
            "scripts",
            places,
            each=count,
            waiting=limits.SCRIPTS_QUEUED + limits.SCRIPTS_RUNNING,
            waiting_each=limits.SCRIPTS_QUEUED_PER_CLIENT + limits.SCRIPTS_RUNNING_PER_CLIENT,
        )
        self._overtime = FairQueue("scripts", places, each=count, waiting=0, waiting_each=0)

    def share(self, client: str) -> CoreShare:
        """Return the share of one script of `client`; it computes not yet."""
        return CoreShare(self._turns, self._overtime, client)


class CoreShare:
    """One script's right to compute: between `begin` and `end` it holds a core."""

    def __init__(self, turns: FairQueue, overtime: FairQueue, client: str) -> None:
        self._turns = turns
        self._overtime = overtime
        self._client = client
        self._held: FairQueue | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._slow_down: Callable[[], None] | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether the script may compute."""
        return self._held is not None

    def when_long(self, slow_down: Callable[[], None]) -> None:
        """Have `slow_down` called when the script has computed for long; at once where it has already."""
        self._slow_down = slow_down
        if self._held is self._overtime:
            slow_down()

    async def begin(self) -> None:
        """Wait for a core; *Raises* InternalError `busy` as FairQueue.take does."""
        await self._turns.take(self._client)
        self._held = self._turns
        self._watch()

    def end(self) -> None:
        """Give the core back, if one is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held is not None:
            held, self._held = self._held, None
            held.give_back(self._client)

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(limits.CORE_TURN_S, self._go_into_overtime)

    def _go_into_overtime(self) -> None:
        if not self._overtime.try_take(self._client):
            self._watch()
            return
        self._timer = None
        self._held = self._overtime
        self._turns.give_back(self._client)
        if self._slow_down is not None:
            self._slow_down()
