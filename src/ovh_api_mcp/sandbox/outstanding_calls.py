"""The calls of one script that have no answer yet.

Contract: nobody needs the answer to a read whose script has ended: it is cancelled. A write that
has begun may have been processed: it is waited for (limits.UNAWAITED_WRITE_S), and where nobody
can wait it is handed to whoever outlives the script. What has not begun never leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.sandbox.fair_queue import FairQueue
from ovh_api_mcp.sandbox.frames import FrameError
from ovh_api_mcp.sandbox.outcome import AnswerCall, CallAnswer, ScriptCall

Reply = Callable[[int, CallAnswer], Awaitable[None]]
TakeOver = Callable[[asyncio.Task[None]], None]

_BUSY = CallAnswer(
    is_ok=False,
    json=b'{"message":"the server is busy with other calls, and no turn came for this one; it was not sent",'
    b'"code":"busy"}',
)


@dataclass(slots=True)
class _Unanswered:
    call: ScriptCall
    size_bytes: int
    has_begun: bool = False

    @property
    def must_end_by_itself(self) -> bool:
        return self.has_begun and self.call.may_change_something


class OutstandingCalls:
    """Answers the calls of one script, each in its turn among the calls of all clients.

    `on_change` hears whenever a call begins or has its answer.
    """

    def __init__(
        self,
        answer_call: AnswerCall,
        turns: FairQueue,
        client: str,
        reply: Reply,
        take_over: TakeOver,
        on_change: Callable[[], None],
    ) -> None:
        self._answer_call = answer_call
        self._turns = turns
        self._client = client
        self._reply = reply
        self._take_over = take_over
        self._on_change = on_change
        self._unanswered: dict[asyncio.Task[None], _Unanswered] = {}
        self._answered: set[asyncio.Task[None]] = set()  # the child has yet to be told
        self._room = asyncio.Event()
        self._is_over = False
        self.count = 0

    @property
    def are_there(self) -> bool:
        """Tell whether there are calls of which the child does not know how they ended."""
        return bool(self._unanswered or self._answered)

    @property
    def are_with_api(self) -> bool:
        """Tell whether any of them is with the API."""
        return any(call.has_begun for call in self._unanswered.values())

    async def take(self, call_id: int, call: ScriptCall, size_bytes: int) -> None:
        """Begin to answer a call, at once or when there is room for its bytes.

        Raises:
            FrameError: more calls than a script may make.
        """
        self.count += 1
        # One may have its reply: the child knows of it before the task that waited to write it goes on.
        in_flight = len(self._unanswered) + len(self._answered) - 1
        if self.count > limits.CALLS_PER_SCRIPT or in_flight >= limits.CALLS_IN_FLIGHT_PER_SCRIPT:
            raise FrameError("more calls than a script may make")
        while self._bytes() and self._bytes() + size_bytes > limits.CALL_BYTES:
            self._room.clear()
            await self._room.wait()
        unanswered = _Unanswered(call, size_bytes)
        task = asyncio.create_task(self._serve(call_id, unanswered))
        self._unanswered[task] = unanswered
        task.add_done_callback(self._forget)

    async def settle(self) -> None:
        """Cancel what nobody needs, wait for the writes that have begun, and give up what is late."""
        self._cancel_the_rest()
        if not self._unanswered:
            return
        try:
            _, late = await asyncio.wait(list(self._unanswered), timeout=limits.UNAWAITED_WRITE_S)
        except asyncio.CancelledError:
            self.abandon()
            raise
        if late:
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=limits.GRACE_S)  # until it is known how they ended

    def abandon(self) -> None:
        """Cancel what nobody needs, and hand over the writes that have begun; does not wait."""
        self._cancel_the_rest()
        for task, unanswered in self._unanswered.items():
            if unanswered.must_end_by_itself:
                self._take_over(task)

    def _cancel_the_rest(self) -> None:
        self._is_over = True
        for task, unanswered in self._unanswered.items():
            if not unanswered.must_end_by_itself:
                task.cancel()
        for task in self._answered:
            task.cancel()

    async def _serve(self, call_id: int, unanswered: _Unanswered) -> None:
        answer = await self._answer(unanswered)
        # The script's own place is free before it can know that it is: it may use it at once.
        task = asyncio.current_task()
        assert task is not None
        self._unanswered.pop(task, None)
        if self._is_over:  # nobody is left to be told
            return
        self._answered.add(task)
        self._room.set()
        self._on_change()
        await self._reply(call_id, answer)
        self._answered.discard(task)  # at once: the child may call again before this task is seen to be done

    async def _answer(self, unanswered: _Unanswered) -> CallAnswer:
        try:
            await self._turns.take(self._client)
        except InternalError:
            return _BUSY
        try:
            unanswered.has_begun = True
            self._on_change()
            return await self._answer_call(unanswered.call)
        finally:
            self._turns.give_back(self._client)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._unanswered.pop(task, None)
        self._answered.discard(task)
        self._room.set()

    def _bytes(self) -> int:
        return sum(unanswered.size_bytes for unanswered in self._unanswered.values())
