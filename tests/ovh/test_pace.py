"""The window of requests in flight that follows what the API says."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack

import pytest

from ovh_api_mcp.limits import CALLS_IN_FLIGHT
from ovh_api_mcp.ovh.pace import Pace

pytestmark = pytest.mark.anyio


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def hold(pace: Pace, count: int, held: AsyncExitStack, sender: str = "") -> None:
    for _ in range(count):
        await held.enter_async_context(pace.place(sender))


async def test_nothing_is_felt_of_it_until_the_api_says_that_it_is_too_much() -> None:
    pace = Pace(now=Time())
    async with AsyncExitStack() as held:
        await hold(pace, 500, held)
        assert math.isinf(pace.window)


async def test_many_refusals_of_one_burst_halve_it_once() -> None:
    time = Time()
    pace = Pace(now=time)
    async with AsyncExitStack() as held:
        await hold(pace, 40, held)
        for _ in range(40):
            pace.slow_down(2.0)
        assert pace.window == 20
        assert pace.pause_s() == 2.0
        time.now_s = 3.0
        pace.slow_down(1.0)
        assert pace.window == 10


async def test_it_grows_by_one_for_each_round_and_is_felt_no_more_in_the_end() -> None:
    pace = Pace(now=Time())
    async with AsyncExitStack() as held:
        await hold(pace, 20, held)
        pace.slow_down(0.0)
    before = pace.window
    for _ in range(round(before)):
        pace.speed_up()
    assert before < pace.window <= before + 1.05
    for _ in range(CALLS_IN_FLIGHT**2):
        pace.speed_up()
    assert math.isinf(pace.window)


async def test_those_who_wait_take_turns_by_sender_and_never_are_too_many() -> None:
    pace = Pace(now=Time())
    async with AsyncExitStack() as held:
        await hold(pace, 2, held)
        pace.slow_down(0.0)
    order: list[str] = []
    most = in_flight = 0

    async def work(sender: str) -> None:
        nonlocal most, in_flight
        async with pace.place(sender):
            in_flight += 1
            most = max(most, in_flight)
            order.append(sender)
            await asyncio.sleep(0)
            in_flight -= 1

    async with asyncio.timeout(10):
        await asyncio.gather(*(work("many") for _ in range(20)), *(work("few") for _ in range(3)))
    assert most == 1
    assert [place for place, sender in enumerate(order) if sender == "few"][-1] <= 7


async def test_who_gives_up_waiting_leaves_no_place_taken() -> None:
    pace = Pace(now=Time())
    async with AsyncExitStack() as held:
        await hold(pace, 1, held)
        pace.slow_down(0.0)
        waiting = [asyncio.create_task(_take(pace)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    async with asyncio.timeout(10):
        await _take(pace)


async def _take(pace: Pace) -> None:
    async with pace.place("x"):
        pass
