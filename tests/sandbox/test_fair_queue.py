"""Who gets the next place, core or turn."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.sandbox.fair_queue import FairQueue

pytestmark = pytest.mark.anyio


def queue(places: int, *, each: int = 100, waiting: int = 100, waiting_each: int = 100) -> FairQueue:
    return FairQueue("scripts", places, each=each, waiting=waiting, waiting_each=waiting_each)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_clients_take_turns_however_many_one_of_them_has_waiting() -> None:
    places, served = queue(1), list[str]()
    await places.take("first")

    async def wait(client: str) -> None:
        await places.take(client)
        served.append(client)
        places.give_back(client)

    tasks = [asyncio.create_task(wait(client)) for client in ["flood"] * 5 + ["a", "b", "a"]]
    await settle()
    places.give_back("first")
    await asyncio.gather(*tasks)
    assert served == ["flood", "a", "b", "flood", "a", "flood", "flood", "flood"]


async def test_a_client_has_no_more_than_its_share_while_places_are_free() -> None:
    places = queue(3, each=2)
    assert [places.try_take("flood") for _ in range(3)] == [True, True, False]
    waiting = asyncio.create_task(places.take("flood"))
    await settle()
    assert places.try_take("other")
    assert not waiting.done()
    places.give_back("other")
    await settle()
    assert not waiting.done()
    places.give_back("flood")
    await waiting


async def test_more_than_may_wait_are_told_so_and_other_clients_still_wait() -> None:
    places = queue(1, waiting=3, waiting_each=2)
    await places.take("flood")
    tasks = [asyncio.create_task(places.take("flood")) for _ in range(2)]
    await settle()
    with pytest.raises(InternalError) as caught:
        await places.take("flood")
    assert caught.value.code == "busy"
    assert "2 of them yours" in caught.value.message
    tasks.append(asyncio.create_task(places.take("other")))
    await settle()
    with pytest.raises(InternalError):
        await places.take("third")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovh_api_mcp.limits.QUEUE_WAIT_S", 0.01)
    places = queue(1)
    await places.take("a")
    with pytest.raises(InternalError) as caught:
        await places.take("b")
    assert caught.value.code == "busy"
    places.give_back("a")
    assert places.try_take("b")


async def test_a_place_given_to_who_is_cancelled_at_that_moment_goes_to_the_next() -> None:
    places = queue(1)
    await places.take("a")
    first, second = (asyncio.create_task(places.take(client)) for client in "bc")
    await settle()
    places.give_back("a")  # it is the first's now
    first.cancel()
    await asyncio.wait_for(second, 1)
    assert first.cancelled()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=40))
def test_whatever_clients_do_no_place_is_lost_or_given_twice(steps: list[tuple[str, int, bool]]) -> None:
    async def play() -> None:
        places, held, peak = queue(3, each=2), Counter[str](), 0

        async def use(client: str, turns: int) -> None:
            nonlocal peak
            async with places.held(client):
                held[client] += 1
                peak = max(peak, held.total())
                assert held[client] <= 2
                try:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    held[client] -= 1

        tasks = []
        for client, turns, cancelled in steps:
            tasks.append(asyncio.create_task(use(client, turns)))
            await asyncio.sleep(0)
            if cancelled:
                tasks[len(tasks) // 2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert peak <= 3
        assert [places.try_take(client) for client in "aabb"] == [True, True, True, False]

    asyncio.run(play())
