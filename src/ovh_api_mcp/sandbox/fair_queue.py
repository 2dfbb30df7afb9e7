"""Places that are few, and who gets the next one.

Clients take turns, so that whoever asks for much waits for himself: a client that holds fewer
than `each` places gets the next free one before another has its second turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError


class FairQueue:
    """`places` in all, at most `each` for one client; who waits is served client by client.

    At most `waiting` wait, of one client at most `waiting_each`. A client that holds none finds one
    of `reserve` places more. `thing` says in an error what the places are for, in the plural.
    """

    def __init__(
        self, thing: str, places: int, *, each: int, waiting: int, waiting_each: int, reserve: int = 0
    ) -> None:
        self._thing = thing
        self._free = places
        self._each = each
        self._reserve = reserve
        self._limit_waiting = waiting
        self._limit_waiting_each = waiting_each
        self._held: Counter[str] = Counter()
        # In the order of their next turn; a client without anybody who waits is not in it.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def waiting_count(self) -> int:
        """The number of those that wait for a place."""
        return sum(map(len, self._waiting.values()))

    def held_by(self, client: str) -> int:
        """Return how many places a client holds."""
        return self._held[client]

    def try_take(self, client: str) -> bool:
        """Take a place if there is one for `client` now; tell whether there was."""
        held = self._held[client]
        if held >= self._each or self._free <= (-self._reserve if held == 0 else 0):
            return False
        self._free -= 1
        self._held[client] += 1
        return True

    async def take(self, client: str) -> None:
        """Take a place, or wait for one (at most limits.QUEUE_WAIT_S).

        Raises:
            InternalError: `busy`: too many wait already, or the wait was too long.
        """
        if self.try_take(client):
            return
        mine = self._waiting.get(client, ())
        waiting = self.waiting_count
        if len(mine) >= self._limit_waiting_each or waiting >= self._limit_waiting:
            raise _busy(self._thing, f"{waiting} wait for their turn, {len(mine)} of them yours")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            async with asyncio.timeout(limits.QUEUE_WAIT_S):
                await turn
        except BaseException as end:
            self._leave(client, turn)
            if isinstance(end, TimeoutError):
                raise no_turn(self._thing) from None
            raise

    def give_back(self, client: str) -> None:
        """Give back a place; the next in turn has it."""
        self._free += 1
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]
        self._serve()

    def reclaim(self, client: str) -> None:
        """Take a place that was lent, at once, though all may be taken meanwhile."""
        self._free -= 1
        self._held[client] += 1

    @asynccontextmanager
    async def held(self, client: str) -> AsyncIterator[None]:
        """Hold a place; *Raises* as `take`."""
        await self.take(client)
        try:
            yield
        finally:
            self.give_back(client)

    def _serve(self) -> None:
        """Hand out what is free, one place a client and round."""
        for client, waiting in list(self._waiting.items()):
            while waiting and waiting[0].done():  # cancelled, and about to leave
                waiting.popleft()
            if waiting and self.try_take(client):
                waiting.popleft().set_result(None)
                self._waiting[client] = self._waiting.pop(client)  # behind all others
            if not waiting:
                del self._waiting[client]

    def _leave(self, client: str, turn: asyncio.Future[None]) -> None:
        """Wait no longer; a place that was given at the last moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self.give_back(client)
            return
        waiting = self._waiting.get(client)
        if waiting is not None and turn in waiting:
            waiting.remove(turn)
            if not waiting:
                del self._waiting[client]


def no_turn(thing: str) -> InternalError:
    """Return the error of who has waited for limits.QUEUE_WAIT_S; `thing` in the plural."""
    return _busy(thing, f"no turn came within {limits.QUEUE_WAIT_S:g} s")


def _busy(thing: str, why: str) -> InternalError:
    return InternalError(
        f"The server is busy with other {thing}: {why}.",
        code="busy",
        hint="Call again in a few seconds, with fewer at a time.",
    )
