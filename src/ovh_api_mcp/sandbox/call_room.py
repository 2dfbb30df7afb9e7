"""What the bounds of its script leave to a call."""

from __future__ import annotations

import asyncio
import contextlib
import math
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol


class CallRoom(Protocol):
    """Time, turns and requests that a call may use."""

    def time_left_s(self) -> float:
        """Return what is left of the script's time; its clock stands still while it waits for a turn."""
        ...

    def requests_left(self) -> int:
        """Return how many requests the script may still make."""
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Hold, and count, a turn for one request of an errand.

        *Raises* RefusedError `too-many-calls`, InternalError `busy`.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Let time pass in an errand; it counts as the script's."""
        ...

    def asking(self) -> AbstractAsyncContextManager[None]:
        """Wait for a person: without a turn, and with the script's clock standing still however long."""
        ...


class _WithoutBounds:
    def time_left_s(self) -> float:
        return math.inf

    def requests_left(self) -> int:
        return 1 << 30

    def turn(self) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def asking(self) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()


ROOM_WITHOUT_BOUNDS: Final[CallRoom] = _WithoutBounds()
