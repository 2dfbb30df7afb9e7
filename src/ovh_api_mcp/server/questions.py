"""The questions of one run to a person: calls that are made together are asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import DeniedError
from ovh_api_mcp.gate.question import Question
from ovh_api_mcp.sandbox.call_room import CallRoom


class Reply(StrEnum):
    """What becomes of a call: `all` is also for each further call of the operation in this script."""

    ONCE = "once"
    ALL = "all"
    NO = "no"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Replies:
    """One for each question, in their order; `why` nobody answered, "" where somebody did."""

    each: tuple[Reply, ...]
    why: str = ""

    @classmethod
    def of_nobody(cls, count: int, why: str) -> Replies:
        """Return what stands for an answer that did not come."""
        return cls((Reply.NOBODY,) * count, why)


AskPerson = Callable[[Sequence[Question]], Awaitable[Replies]]
"""Shows questions to a person and returns what they say; raises nothing but cancellation."""

CANNOT_ASK: Final = "the client cannot ask anybody"
_HOW: Final = (
    "Tell the user. Whoever runs the server can allow it with a rule [[allow]] in --policy FILE, or with "
    "--access full; a client that supports elicitation can ask."
)


@dataclass(slots=True)
class _Waiting:
    question: Question
    reply: asyncio.Future[tuple[Reply, str]]


class Questions:
    """Asks in the name of one run; `aclose` it when the run is over."""

    def __init__(self, person: AskPerson | None) -> None:
        self._person = person
        self._granted: set[tuple[str, str, str]] = set()
        self._waiting: list[_Waiting] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, room: CallRoom, question: Question) -> None:
        """Return when a person says yes; *Raises* DeniedError."""
        operation = (question.account, question.method.value, question.template)
        if operation in self._granted:
            return
        if self._person is None:
            raise _denied(question, Reply.NOBODY, CANNOT_ASK)
        waiting = _Waiting(question, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(self._person))
        async with room.asking():
            reply, why = await waiting.reply
        if reply is Reply.ALL:
            self._granted.add(operation)
        if reply in (Reply.NO, Reply.NOBODY):
            raise _denied(question, reply, why)

    async def aclose(self) -> None:
        """Ask nobody any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask_all(self, person: AskPerson) -> None:
        while self._waiting:
            await asyncio.sleep(limits.QUESTION_GATHER_S)  # for those that are made together
            some, self._waiting = (
                self._waiting[: limits.QUESTIONS_AT_ONCE],
                self._waiting[limits.QUESTIONS_AT_ONCE :],
            )
            some = [each for each in some if not each.reply.done()]  # whose call was given up meanwhile
            if not some:
                continue
            replies = await person([each.question for each in some])
            for each, reply in zip(some, replies.each, strict=True):
                if not each.reply.done():
                    each.reply.set_result((reply, replies.why))


def _denied(question: Question, reply: Reply, why: str) -> DeniedError:
    call = f"{question.method} {question.template}"
    if reply is Reply.NO:
        return DeniedError(
            f"{call} is denied: the person who was asked said no. Nothing was sent.",
            labels=question.labels,
            by="person",
            hint="Respect that: do without it, and do not ask again by other means.",
        )
    return DeniedError(
        f"{call} needs a person's yes, because {question.why}; {why}. Nothing was sent.",
        labels=question.labels,
        by="nobody",
        hint=_HOW,
    )
