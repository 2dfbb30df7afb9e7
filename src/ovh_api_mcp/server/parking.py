"""Scripts that wait for a person between two requests of their client (2026-07-28).

The first request ends with the question; the client repeats it with the answer and the sealed state,
which holds the handle of a script that has been waiting meanwhile, where it stood. Nothing runs twice.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

import mcp_types
from mcp.server.context import ServerRequestContext

from ovh_api_mcp import limits
from ovh_api_mcp.gate.question import Question
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.accounts import ReportProgress
from ovh_api_mcp.server.answers import ToolAnswer
from ovh_api_mcp.server.question_form import form_of, replies_of
from ovh_api_mcp.server.questions import AskPerson, Replies

_log = logging.getLogger(__name__)
_Context: TypeAlias = ServerRequestContext[None, object]
Run = Callable[[ReportProgress, AskPerson], Awaitable[ToolAnswer]]

_FIELD: Final = "calls"
_TOO_MANY: Final = f"{limits.PARKED_SCRIPTS} scripts wait for a person already"
_TOO_OFTEN: Final = f"this script has asked {limits.QUESTION_ROUNDS} times, which is the limit"
_TOO_LATE: Final = f"nobody answered within {limits.PARKED_S / 60:g} minutes"


class _Parked:
    """One script that asks: the task that runs it, and the question that is open."""

    def __init__(self, run: Run, report: ReportProgress) -> None:
        self._report = report
        self._rounds = 0
        self._open: tuple[Sequence[Question], asyncio.Future[Replies]] | None = None
        self._has_question = asyncio.Event()
        self.task = asyncio.ensure_future(run(self._progress, self._ask))

    async def _progress(self, done: float, total: float, message: str) -> None:
        await self._report(done, total, message)

    async def _ask(self, questions: Sequence[Question]) -> Replies:
        if self._rounds >= limits.QUESTION_ROUNDS:
            return Replies.of_nobody(len(questions), _TOO_OFTEN)
        self._rounds += 1
        answer: asyncio.Future[Replies] = asyncio.get_running_loop().create_future()
        self._open = (questions, answer)
        self._has_question.set()
        return await answer

    @property
    def questions(self) -> Sequence[Question]:
        """What is asked now."""
        return self._open[0] if self._open else ()

    def settle(self, replies: Replies) -> None:
        """Let the script go on with an answer."""
        if self._open is not None:
            _, answer = self._open
            self._open = None
            self._has_question.clear()
            if not answer.done():
                answer.set_result(replies)

    def give_up(self, why: str) -> None:
        """Let the script go on without an answer."""
        self.settle(Replies.of_nobody(len(self.questions), why))

    def follow(self, report: ReportProgress) -> None:
        """Report progress to another request from now on."""
        self._report = report

    async def until_it_asks_or_ends(self) -> None:
        """Wait; who is cancelled here has a client that has gone, so the script is ended."""
        asked = asyncio.ensure_future(self._has_question.wait())
        try:
            await asyncio.wait([self.task, asked], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.task.cancel()
            raise
        finally:
            asked.cancel()


class Parking:
    """The scripts that wait for a person, at most PARKED_SCRIPTS of them, each for PARKED_S."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._parked: dict[str, _Parked] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def begin(self, run: Run, report: ReportProgress) -> ToolAnswer | mcp_types.InputRequiredResult:
        """Run a script until it ends or asks."""
        return await self._go_on(_Parked(run, report))

    async def resume(
        self, handle: str, responses: Mapping[str, object] | None, report: ReportProgress
    ) -> ToolAnswer | mcp_types.InputRequiredResult | None:
        """Let a script go on with what a person said; None where none of this handle waits."""
        parked = self._take(handle)
        if parked is None:
            return None
        parked.follow(report)
        response = (responses or {}).get(_FIELD)
        count = len(parked.questions)
        if isinstance(response, mcp_types.ElicitResult):
            parked.settle(replies_of(response, count))
        elif count:
            parked.give_up("the client gave no answer")
        return await self._go_on(parked)

    async def aclose(self) -> None:
        """End every script that waits."""
        tasks = [parked.task for parked in self._parked.values()]
        for handle in list(self._parked):
            self._take(handle)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=limits.GRACE_S)

    async def _go_on(self, parked: _Parked) -> ToolAnswer | mcp_types.InputRequiredResult:
        while True:
            await parked.until_it_asks_or_ends()
            if parked.task.done():
                return parked.task.result()
            if len(self._parked) < limits.PARKED_SCRIPTS:
                break
            parked.give_up(_TOO_MANY)
        handle = secrets.token_urlsafe(16)
        self._parked[handle] = parked
        self._wait(handle, limits.PARKED_S, self._expire)
        return mcp_types.InputRequiredResult(
            input_requests={
                _FIELD: mcp_types.ElicitRequest(params=form_of(parked.questions, self._redactor))
            },
            request_state=handle,
        )

    def _wait(self, handle: str, seconds: float, then: Callable[[str], object]) -> None:
        self._timers[handle] = asyncio.get_running_loop().call_later(seconds, then, handle)

    def _take(self, handle: str) -> _Parked | None:
        timer = self._timers.pop(handle, None)
        if timer is not None:
            timer.cancel()
        return self._parked.pop(handle, None)

    def _expire(self, handle: str) -> None:
        """Let a script go on without an answer, and keep what it comes to for a client that is late."""
        parked = self._parked[handle]
        _log.warning("event=question-abandoned calls=%r", [each.title for each in parked.questions])
        parked.give_up(_TOO_LATE)
        self._wait(handle, limits.PARKED_S, self._take)
