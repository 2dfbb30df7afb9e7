"""The calls of one script that have no answer yet, and its lookups.

Contract: nobody needs the answer to a read whose script has ended: it is cancelled. A write that
has begun may have been processed: it is waited for (limits.UNAWAITED_WRITE_S), and where nobody
can wait it is handed to whoever outlives the script. What has not begun never leaves. A lookup is
counted apart and takes its turn among lookups: it waits for no call, and no call for it. Each request
of an errand has a turn of its own, and counts as a call; the errand itself does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError, RefusedError
from ovh_api_mcp.sandbox.fair_queue import FairQueue
from ovh_api_mcp.sandbox.frames import FrameError
from ovh_api_mcp.sandbox.outcome import AnswerCall, CallAnswer, ScriptCall

Reply = Callable[[int, CallAnswer], Awaitable[None]]
TakeOver = Callable[[asyncio.Task[None]], None]

_NO_CALLS_IN_SEARCH = CallAnswer(
    is_ok=False,
    json=b'{"message":"search only reads the document; API calls are made with the execute tool",'
    b'"code":"invalid-call"}',
)
_BUSY = CallAnswer(
    is_ok=False,
    json=b'{"message":"the server is busy with other calls, and no turn came for this one; it was not sent",'
    b'"code":"busy"}',
)
_GO_ON: Final = "return what you have and go on in another run"
_TOO_MANY: Final = f"this script has made {limits.CALLS_PER_SCRIPT:,} API calls, which is the limit: {_GO_ON}"
_TOO_MANY_CALLS = CallAnswer(
    is_ok=False, json=f'{{"message":"{_TOO_MANY}","code":"too-many-calls","hint":"{_GO_ON}"}}'.encode()
)


@dataclass(slots=True)
class _Unanswered:
    """A call; `busy` counts what of it is under way: its request, those of an errand, or its pause."""

    call: ScriptCall
    size_bytes: int
    busy: int = 0

    @property
    def has_begun(self) -> bool:
        return self.busy > 0

    @property
    def must_end_by_itself(self) -> bool:
        return self.has_begun and self.call.may_change_something


class _Room:
    """What a script's bounds leave to one of its calls."""

    def __init__(self, calls: OutstandingCalls, unanswered: _Unanswered) -> None:
        self._calls = calls
        self._unanswered = unanswered

    def time_left_s(self) -> float:
        return self._calls.time_left_s()

    def requests_left(self) -> int:
        return max(0, limits.CALLS_PER_SCRIPT - self._calls.count)

    def turn(self) -> AbstractAsyncContextManager[None]:
        return self._calls.turn_of_errand(self._unanswered)

    async def pause(self, seconds: float) -> None:
        with self._calls.busy(self._unanswered):
            await asyncio.sleep(seconds)

    def asking(self) -> AbstractAsyncContextManager[None]:
        return self._calls.asking(self._unanswered)


@dataclass(frozen=True, slots=True)
class Turns:
    """Those of all calls and of all lookups of the server."""

    calls: FairQueue
    lookups: FairQueue

    @classmethod
    def of_one_server(cls) -> Turns:
        """Return the turns that all scripts share."""
        calls = limits.SCRIPTS_RUNNING * limits.CALLS_IN_FLIGHT_PER_SCRIPT  # no more can be asked for
        each = limits.CALLS_IN_FLIGHT
        lookups = limits.SCRIPTS_QUEUED * limits.LOOKUPS_IN_FLIGHT_PER_SCRIPT
        return cls(
            FairQueue("calls", each, each=each, waiting=calls, waiting_each=calls),
            FairQueue(
                "lookups",
                limits.LOOKUPS_AT_ONCE,
                each=limits.LOOKUPS_AT_ONCE,
                waiting=lookups,
                waiting_each=lookups,
            ),
        )

    def of(self, call: ScriptCall) -> FairQueue:
        """Return those that a call waits for."""
        return self.lookups if call.is_lookup else self.calls


class OutstandingCalls:
    """Answers the calls of one script, each in its turn among those of all clients.

    Where the script may not call the API, `may_call` is False and only its lookups are answered.
    `on_change` hears whenever a call begins or has its answer.
    """

    def __init__(
        self,
        answer_call: AnswerCall,
        turns: Turns,
        client: str,
        reply: Reply,
        take_over: TakeOver,
        on_change: Callable[[], None],
        time_left_s: Callable[[], float],
        *,
        may_call: bool,
    ) -> None:
        self._answer_call = answer_call
        self._may_call = may_call
        self._turns = turns
        self._client = client
        self._reply = reply
        self._take_over = take_over
        self._on_change = on_change
        self.time_left_s = time_left_s
        self._own_turns = asyncio.Semaphore(limits.CALLS_IN_FLIGHT_PER_SCRIPT)
        self._asked = 0  # for anything but lookups
        self._unanswered: dict[asyncio.Task[None], _Unanswered] = {}
        self._answered: dict[asyncio.Task[None], ScriptCall] = {}  # the child has yet to be told
        self._room = asyncio.Event()
        self._is_over = False
        self._questions = 0
        self.count = 0
        self.lookup_count = 0

    @property
    def are_there(self) -> bool:
        """Tell whether there are calls of which the child does not know how they ended."""
        return bool(self._unanswered or self._answered)

    @property
    def are_with_api(self) -> bool:
        """Tell whether any of them is with the API."""
        return any(call.has_begun for call in self._unanswered.values())

    @property
    def are_asking(self) -> bool:
        """Tell whether any of them waits for a person."""
        return self._questions > 0

    @property
    def has_calls(self) -> bool:
        """Tell whether there are any beside lookups."""
        return self._in_flight(are_lookups=False) > 0

    async def take(self, call_id: int, call: ScriptCall, size_bytes: int) -> None:
        """Begin to answer a call, at once or when there is room for its bytes; a lookup at once.

        Raises:
            FrameError: more calls or lookups than a script may make, or a lookup too large.
        """
        if call.is_lookup:
            self._count_lookup(size_bytes)
        else:
            await self._count_call(size_bytes)
        unanswered = _Unanswered(call, size_bytes)
        unanswered.call = replace(call, room=_Room(self, unanswered))
        task = asyncio.create_task(self._serve(call_id, unanswered))
        self._unanswered[task] = unanswered
        task.add_done_callback(self._forget)

    def _count_lookup(self, size_bytes: int) -> None:
        self.lookup_count += 1
        are_too_many = self._are_more_than(limits.LOOKUPS_IN_FLIGHT_PER_SCRIPT, are_lookups=True)
        if self.lookup_count > limits.LOOKUPS_PER_SCRIPT or are_too_many:
            raise FrameError("more lookups than a script may make")
        if size_bytes > limits.LOOKUP_BYTES + limits.KIB:  # with the head of its frame
            raise FrameError("a lookup larger than it may be")

    def _in_flight(self, *, are_lookups: bool) -> int:
        calls = (*(each.call for each in self._unanswered.values()), *self._answered.values())
        return sum(call.is_lookup is are_lookups for call in calls)

    def _are_more_than(self, most: int, *, are_lookups: bool) -> bool:
        """Tell whether one more would be too many.

        One of them may have its reply: the child knows of it before the task that waited to write it
        goes on.
        """
        return self._in_flight(are_lookups=are_lookups) > most

    async def _count_call(self, size_bytes: int) -> None:
        self._asked += 1
        are_too_many = self._are_more_than(limits.CALLS_IN_FLIGHT_PER_SCRIPT, are_lookups=False)
        if self._asked > limits.CALLS_PER_SCRIPT or are_too_many:
            raise FrameError("more calls than a script may make")
        while self._bytes() and self._bytes() + size_bytes > limits.CALL_BYTES:
            self._room.clear()
            await self._room.wait()

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
        self._answered[task] = unanswered.call
        self._room.set()
        self._on_change()
        await self._reply(call_id, answer)
        self._answered.pop(task, None)  # the child may call again before this task is seen to end

    async def _answer(self, unanswered: _Unanswered) -> CallAnswer:
        call = unanswered.call
        if call.is_lookup:
            return await self._in_turn(unanswered)
        if not self._may_call:
            return _NO_CALLS_IN_SEARCH
        if call.is_errand:
            return await self._answer_call(call)
        if self.count >= limits.CALLS_PER_SCRIPT:  # those of errands, which the child does not see, included
            return _TOO_MANY_CALLS
        self.count += 1
        async with self._own_turns:
            return await self._in_turn(unanswered)

    async def _in_turn(self, unanswered: _Unanswered) -> CallAnswer:
        turns = self._turns.of(unanswered.call)
        try:
            await turns.take(self._client)
        except InternalError:
            return _BUSY
        try:
            with self.busy(unanswered):
                return await self._answer_call(unanswered.call)
        finally:
            turns.give_back(self._client)

    @asynccontextmanager
    async def turn_of_errand(self, unanswered: _Unanswered) -> AsyncIterator[None]:
        """Hold a turn for one request of an errand; see CallRoom.turn."""
        if self.count >= limits.CALLS_PER_SCRIPT:
            raise RefusedError(_TOO_MANY, code="too-many-calls", hint=_GO_ON)
        self.count += 1
        async with self._own_turns:
            await self._turns.calls.take(self._client)
            try:
                with self.busy(unanswered):
                    yield
            finally:
                self._turns.calls.give_back(self._client)

    @asynccontextmanager
    async def asking(self, unanswered: _Unanswered) -> AsyncIterator[None]:
        """Wait for a person, while others have the turn; see CallRoom.asking."""
        self._questions += 1
        unanswered.busy -= 1
        self._turns.calls.give_back(self._client)
        self._on_change()
        try:
            yield
        finally:
            self._turns.calls.reclaim(self._client)  # however it ends: who had the turn gives it back
            self._questions -= 1
            unanswered.busy += 1
            self._on_change()

    @contextmanager
    def busy(self, unanswered: _Unanswered) -> Iterator[None]:
        """Note that something of a call is under way: its script's time passes."""
        unanswered.busy += 1
        self._on_change()
        try:
            yield
        finally:
            unanswered.busy -= 1
            self._on_change()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._unanswered.pop(task, None)
        self._answered.pop(task, None)
        self._room.set()

    def _bytes(self) -> int:
        return sum(each.size_bytes for each in self._unanswered.values() if not each.call.is_lookup)
