"""What an errand of a script has: the gate, the room in its script's bounds, and who hears of it.

An errand (ovh.list, ovh.wait) is one call of a script that takes several requests. All of them read,
each goes through the gate by itself, and each has a turn of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError, OvhMcpError, RefusedError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper, Through
from ovh_api_mcp.gate.question import Ask
from ovh_api_mcp.gate.refusal import nearest_names, quoted, refusal
from ovh_api_mcp.gate.remarks import Remarks
from ovh_api_mcp.gate.scalar import kind_of
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.ovh.messages import ApiResponse
from ovh_api_mcp.sandbox.call_room import CallRoom

T = TypeVar("T")

ReportErrand = Callable[[str, int, int], Awaitable[None]]
"""Told what is going on, how much is done, and of how much (0: unknown)."""

OUT_OF_TIME: Final = "the script's time is nearly up"
OUT_OF_CALLS: Final = f"the script has made {limits.CALLS_PER_SCRIPT:,} calls, which is the limit"
BUSY: Final = "the server is busy, and no turn came"


@dataclass(frozen=True, slots=True)
class Errand:
    """`through` sends in the name of the run, `remarks` are told beside its result, `report` tells the client
    of progress, now and then; `ask` asks a person.
    """

    gate: Gatekeeper
    room: CallRoom
    through: Through
    remarks: Remarks
    report: ReportErrand
    ask: Ask

    async def get(self, call: JsonObject) -> ApiResponse:
        """Send one GET in its turn; *Raises* OvhMcpError, `too-many-calls` and `busy` where none came."""
        async with self.room.turn():
            arguments: JsonObject = {"method": "GET", **call}
            return await self.gate.request(
                arguments, None, through=self.through, remarks=self.remarks, ask=self.ask
            )

    def why_no_more(self) -> str:
        """Return why no further request should be made; "" where one may."""
        if self.room.requests_left() == 0:
            return OUT_OF_CALLS
        return OUT_OF_TIME if self.room.time_left_s() <= limits.LIST_MARGIN_S else ""


def why_not_read(error: OvhMcpError) -> str:
    """Return why a request was not made at all; "" where it was, and failed."""
    match error:
        case RefusedError(code="too-many-calls"):
            return OUT_OF_CALLS
        case InternalError(code="busy"):
            return BUSY
    return ""


async def read_in_order(
    errand: Errand, count: int, read: Callable[[int], Awaitable[T]], take: Callable[[T], bool]
) -> str:
    """Read what the numbers from 0 to `count` stand for, some at a time, and take it in their order.

    `take` returns False where it wants no more. Returns why it ended before the last, "" where it did
    not; what was taken is without gaps. *Raises* what `read` raises, but for turns that did not come.
    """
    reading = _Reading(errand, count, read, take)
    try:
        await reading.run()
    except ExceptionGroup as group:
        raise _first(group) from None
    return reading.ended


class _Reading:
    def __init__(
        self,
        errand: Errand,
        count: int,
        read: Callable[[int], Awaitable[T]],
        take: Callable[[T], bool],
    ) -> None:
        self.ended = ""
        self._errand = errand
        self._count = count
        self._read = read
        self._take = take
        self._next = 0
        self._taken = 0
        self._done: dict[int, T] = {}
        self._is_over = False
        self._workers: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            at_once = min(self._count, limits.CALLS_IN_FLIGHT_PER_SCRIPT)
            self._workers = [group.create_task(self._work()) for _ in range(at_once)]
            watch = group.create_task(self._watch_the_time())
            await asyncio.wait(self._workers)
            watch.cancel()

    async def _work(self) -> None:
        while not self._is_over and self._next < self._count:
            number, self._next = self._next, self._next + 1
            try:
                self._done[number] = await self._read(number)
            except OvhMcpError as error:
                if not (reason := why_not_read(error)):
                    raise
                self.ended, self._is_over = reason, True
                return
            self._take_what_follows()

    def _take_what_follows(self) -> None:
        while self._taken in self._done:
            value = self._done.pop(self._taken)
            self._taken += 1
            if not self._take(value):
                self._stop()

    def _stop(self) -> None:
        self._is_over = True
        self._done.clear()
        for worker in self._workers:
            if worker is not asyncio.current_task():
                worker.cancel()

    async def _watch_the_time(self) -> None:
        """Stop when the time is nearly up; the clock may stand still meanwhile, so more than one look."""
        while (left_s := self._errand.room.time_left_s() - limits.LIST_MARGIN_S) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left_s, limits.LIST_MARGIN_S))
        self.ended = OUT_OF_TIME
        self._stop()


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def parse_options(
    function: str, value: JsonValue, names: tuple[str, ...], other_names: dict[str, str], example: str
) -> JsonObject:
    """Return the options that a script gave; *Raises* RefusedError for one of no known name."""
    text = f"Options: {', '.join(names)}."
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refusal(
            "invalid-call",
            f"The options of {function} are {kind_of(value)}; they must be an object: {example}.",
            hint=text,
        )
    for name in value:
        if name not in names:
            bare = "".join(c for c in name[:32].lower() if c.isalnum())
            meant = other_names.get(bare) or next(iter(nearest_names(name, names)), "")
            rule = f"here it is called {meant}." if meant else f"{function} has no such option."
            raise refusal("invalid-call", f"Unknown option {quoted(name)}: {rule} {text}", hint=text)
    return value
