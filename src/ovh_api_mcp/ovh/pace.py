"""How many requests one set of credentials has in flight: as many as come, until the API says 429.

Then half as many as there were, none before the time that the API named, and one more for each
round that goes well, until it is felt no more. Those who wait take turns by sender, so that one
script with many calls does not hold up the others. Source: additive increase, multiplicative
decrease, as in RFC 5681; OVHcloud does not document its limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ovh_api_mcp.limits import CALLS_IN_FLIGHT


class Pace:
    """The window of one set of credentials; used in one event loop."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._window = math.inf
        self._not_before = -math.inf
        self._in_flight = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def window(self) -> float:
        """How many may be in flight; infinite where nothing is felt of it."""
        return self._window

    def pause_s(self) -> float:
        """Return for how long nothing is to be sent."""
        return max(0.0, self._not_before - self._now())

    @asynccontextmanager
    async def place(self, sender: str) -> AsyncIterator[None]:
        """Hold one of the places; waits for it, in turn with the other senders."""
        if self._waiting or self._in_flight >= self._window:
            await self._wait(sender)
        else:
            self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._wake()

    def slow_down(self, pause_s: float) -> None:
        """Note a 429: half as many from now on, none before `pause_s` have passed."""
        if self._now() >= self._not_before:  # those that were under way together count once
            self._window = max(1.0, min(self._window, self._in_flight) / 2)
        self._not_before = max(self._not_before, self._now() + pause_s)

    def speed_up(self) -> None:
        """Note an answer that was no 429."""
        if math.isinf(self._window):
            return
        self._window += 1.0 / self._window
        if self._window >= CALLS_IN_FLIGHT:
            self._window = math.inf
        self._wake()

    async def _wait(self, sender: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sender, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._in_flight -= 1  # it was given at the very moment
            self._leave(sender, turn)
            self._wake()
            raise

    def _leave(self, sender: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(sender)
        if queue is not None:
            with contextlib.suppress(ValueError):
                queue.remove(turn)
            if not queue:
                del self._waiting[sender]

    def _wake(self) -> None:
        while self._waiting and self._in_flight < self._window:
            sender, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[sender] = queue  # behind the others
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
