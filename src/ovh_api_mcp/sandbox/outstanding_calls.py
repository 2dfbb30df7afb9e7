"""The calls of one script that have no answer yet.

Contract: nobody needs the answer to a read whose script has ended: it is cancelled. A write that
has begun may have been processed: it is never cancelled here, but waited for, and where that
takes too long it is handed to whoever outlives the script. What has not begun never leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.frames import FrameError
from ovh_api_mcp.sandbox.outcome import AnswerCall, CallAnswer, ScriptCall

Reply = Callable[[int, CallAnswer], Awaitable[None]]
TakeOver = Callable[[asyncio.Task[None]], None]


@dataclass(slots=True)
class _Outstanding:
    call: ScriptCall
    size_bytes: int
    has_begun: bool = False

    @property
    def must_end_by_itself(self) -> bool:
        return self.has_begun and self.call.may_change_something


class OutstandingCalls:
    """Answers the calls of one script, each in its turn.

    `turn` is shared by all scripts: a call holds it from its beginning until its answer has been
    written, so that it also bounds the answers that wait in memory.
    """

    def __init__(
        self, answer_call: AnswerCall, turn: asyncio.Semaphore, reply: Reply, take_over: TakeOver
    ) -> None:
        self._answer_call = answer_call
        self._turn = turn
        self._reply = reply
        self._take_over = take_over
        self._outstanding: dict[asyncio.Task[None], _Outstanding] = {}
        self._room = asyncio.Event()
        self.count = 0

    async def take(self, call_id: int, call: ScriptCall, size_bytes: int) -> None:
        """Begin to answer a call, at once or when there is room for its bytes.

        Raises:
            FrameError: more calls than a script may make.
        """
        self.count += 1
        in_flight = len(self._outstanding)
        if self.count > limits.CALLS_PER_SCRIPT or in_flight >= limits.CALLS_IN_FLIGHT_PER_SCRIPT:
            raise FrameError("more calls than a script may make")
        while self._bytes() and self._bytes() + size_bytes > limits.CALL_BYTES:
            self._room.clear()
            await self._room.wait()
        outstanding = _Outstanding(call, size_bytes)
        task = asyncio.create_task(self._answer(call_id, outstanding))
        self._outstanding[task] = outstanding
        task.add_done_callback(self._forget)

    async def settle(self) -> None:
        """Cancel what nobody needs, and wait for the writes that have begun (limits.UNAWAITED_WRITE_S)."""
        self._cancel_the_rest()
        try:
            if self._outstanding:
                await asyncio.wait(list(self._outstanding), timeout=limits.UNAWAITED_WRITE_S)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Cancel what nobody needs, and hand over the writes that have begun; does not wait."""
        self._cancel_the_rest()
        for task in list(self._outstanding):
            self._take_over(task)

    def _cancel_the_rest(self) -> None:
        for task, outstanding in list(self._outstanding.items()):
            if not outstanding.must_end_by_itself:
                task.cancel()

    async def _answer(self, call_id: int, outstanding: _Outstanding) -> None:
        async with self._turn:
            outstanding.has_begun = True
            answer = await self._answer_call(outstanding.call)
            # The script's own place is free before it can know that it is: it may use it at once.
            task = asyncio.current_task()
            assert task is not None
            self._forget(task)
            await self._reply(call_id, answer)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._outstanding.pop(task, None)
        self._room.set()

    def _bytes(self) -> int:
        return sum(outstanding.size_bytes for outstanding in self._outstanding.values())
