import asyncio
import gc

import anyio
import pytest

from ovh_api_mcp.ovh.shared_call import SharedCall

pytestmark = pytest.mark.anyio


class Work:
    """A piece of work that ends when it is told to."""

    def __init__(self) -> None:
        self.started = 0
        self.end = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.started += 1
        await self.end.wait()
        if self.fails:
            raise ValueError("no")
        return self.started


async def test_callers_at_the_same_time_share_one_run_and_later_ones_start_another() -> None:
    work = Work()
    shared = SharedCall(work.__call__)
    callers = [asyncio.create_task(shared()) for _ in range(20)]
    await anyio.lowlevel.checkpoint()
    work.end.set()
    assert await asyncio.gather(*callers) == [1] * 20
    assert await shared() == 2


async def test_a_cancelled_caller_leaves_the_others_untouched() -> None:
    work = Work()
    shared = SharedCall(work.__call__)
    first, second = asyncio.create_task(shared()), asyncio.create_task(shared())
    await anyio.lowlevel.checkpoint()
    first.cancel()
    await asyncio.wait({first})
    work.end.set()
    assert await second == 1


async def test_an_error_reaches_every_caller_and_the_next_one_tries_again() -> None:
    work = Work()
    work.fails = True
    shared = SharedCall(work.__call__)
    callers = [asyncio.create_task(shared()) for _ in range(3)]
    await anyio.lowlevel.checkpoint()
    work.end.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    work.fails = False
    assert await shared() == 2


async def test_an_error_that_nobody_waits_for_any_more_is_quiet() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    work = Work()
    work.fails = True
    shared = SharedCall(work.__call__)
    caller = asyncio.create_task(shared())
    await anyio.lowlevel.checkpoint()
    caller.cancel()
    await asyncio.wait({caller})
    work.end.set()
    while shared._running is not None:
        await anyio.lowlevel.checkpoint()
    gc.collect()
    assert complaints == []


async def test_closing_stops_the_work() -> None:
    work = Work()
    shared = SharedCall(work.__call__)
    caller = asyncio.create_task(shared())
    await anyio.lowlevel.checkpoint()
    await shared.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
