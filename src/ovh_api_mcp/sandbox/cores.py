"""Who computes: as many scripts at a time as there are cores, the others in turn.

A script that waits for the API holds no core. One that has computed for limits.CORE_TURN_S while
others wait is stopped, and goes on when it is its turn again: nobody is starved, and a script's
time is what it had, not what others took.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.sandbox.fair_queue import FairQueue

_MAY_USE: Final = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
_CORES: Final = max(2, _MAY_USE)  # where there is one, the system shares it between two


class Cores:
    """The cores of this machine. A client that holds none finds one beyond them, while reserves last.

    The system then shares the cores a little further, so that nobody waits for another client's turn to end.
    """

    def __init__(self, count: int = _CORES, *, reserve: int = limits.CORES_RESERVED) -> None:
        self.turns = FairQueue(
            "scripts",
            count,
            each=count,
            waiting=limits.SCRIPTS_QUEUED + limits.SCRIPTS_RUNNING,
            waiting_each=limits.SCRIPTS_QUEUED_PER_CLIENT + limits.SCRIPTS_RUNNING_PER_CLIENT,
            reserve=reserve,
        )

    def share(self, client: str) -> CoreShare:
        """Return the share of one script of `client`; it computes not yet."""
        return CoreShare(self.turns, client)


class CoreShare:
    """One script's right to compute: from `begin` to `end` it holds a core, or is stopped until it does."""

    def __init__(self, turns: FairQueue, client: str) -> None:
        self._turns = turns
        self._client = client
        self._timer: asyncio.TimerHandle | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._stop = self._go_on = _nothing
        self.is_held = False

    @property
    def is_in_turn(self) -> bool:
        """Tell whether the script computes, or would if it were its turn."""
        return self.is_held or self._resuming is not None

    def control(self, *, stop: Callable[[], None], go_on: Callable[[], None]) -> None:
        """Say how to stop the script's process, and how to let it go on."""
        self._stop, self._go_on = stop, go_on
        if self._is_stopped:
            stop()

    async def begin(self) -> None:
        """Wait for a core; *Raises* InternalError `busy` as FairQueue.take does."""
        if self._resuming is not None:
            await asyncio.shield(self._resuming)
            return
        await self._turns.take(self._client)
        self._have()

    def end(self) -> None:
        """Give the core back, if one is held; the script does not compute."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        if self.is_held:
            self.is_held = False
            self._turns.give_back(self._client)

    def _have(self) -> None:
        self.is_held = True
        self._let_go_on()
        self._watch()

    def _let_go_on(self) -> None:
        if self._is_stopped:
            self._is_stopped = False
            self._go_on()

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(limits.CORE_TURN_S, self._make_room)

    def _make_room(self) -> None:
        if not self._turns.waiting_count:
            self._watch()
            return
        self._timer = None
        self.is_held = False
        self._is_stopped = True
        self._resuming = asyncio.create_task(self._resume())
        self._stop()
        self._turns.give_back(self._client)

    async def _resume(self) -> None:
        with contextlib.suppress(InternalError):  # better beside the others than never
            await self._turns.take(self._client)
            self._have()
        self._let_go_on()
        self._resuming = None


def _nothing() -> None:
    pass
