"""One running piece of work for all who want its result at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedCall(Generic[T]):
    """Runs `work` once for everybody who asks while it runs; it does not keep results.

    A caller that is cancelled leaves the work, and the other callers, untouched. `work` bounds its
    own time.
    """

    def __init__(self, work: Callable[[], Coroutine[None, None, T]]) -> None:
        self._work = work
        self._running: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Join the running work, or start it, and return its result or raise its error."""
        if self._running is None:
            self._running = asyncio.create_task(self._work())
            self._running.add_done_callback(self._forget)
        return await asyncio.shield(self._running)

    async def aclose(self) -> None:
        """Cancel the work, if it runs, and wait for its end."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def _forget(self, done: asyncio.Task[T]) -> None:
        self._running = None
        if not done.cancelled():
            done.exception()  # seen here, because every caller may have gone
