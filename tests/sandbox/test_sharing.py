"""How scripts share cores, turns and time."""

import asyncio
from dataclasses import replace

import psutil
import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.cores import Cores
from ovh_api_mcp.sandbox.fair_queue import FairQueue
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.sandbox.conftest import echo, value
from tests.sandbox.test_life import zygote_of

pytestmark = pytest.mark.anyio

SEARCH = ScriptLimits(20, may_call=False)
EXECUTE = ScriptLimits(20)


async def run(sandbox: Sandbox, code: str, bounds: ScriptLimits = SEARCH, client: str = "") -> Outcome:
    return await sandbox.run(parse_script(code, limit_bytes=1000), echo, bounds, client=client)


class Hold:
    """An API that answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    async def answer(self, call: ScriptCall) -> CallAnswer:
        self.asked.set()
        await self.released.wait()
        return CallAnswer(is_ok=True, json=b"1")

    def start(self, sandbox: Sandbox, code: str, timeout_s: float = 20) -> asyncio.Task[Outcome]:
        script = parse_script(code, limit_bytes=1000)
        return asyncio.create_task(sandbox.run(script, self.answer, ScriptLimits(timeout_s)))


async def looping_on(sandbox: Sandbox, client: str = "") -> asyncio.Task[Outcome]:
    """Return a script that loops, once it holds a core."""
    task = asyncio.create_task(run(sandbox, "() => { for (;;); }", client=client))
    async with asyncio.timeout(10):
        while not sandbox._cores.turns.held_by(client):
            await asyncio.sleep(0.01)
    return task


async def cancel(*tasks: asyncio.Task[Outcome]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def nice_of(process: psutil.Process) -> int | None:
    try:
        return int(process.nice())
    except psutil.NoSuchProcess:
        return None


async def test_a_script_that_waits_for_the_api_holds_no_core(sandbox: Sandbox) -> None:
    sandbox._cores = Cores(1)
    hold = Hold()
    waiting = [hold.start(sandbox, "async () => await ovh.get('/v1/me')") for _ in range(3)]
    await hold.asked.wait()
    assert value(await run(sandbox, "() => 2")) == 2
    hold.released.set()
    assert [value(outcome) for outcome in await asyncio.gather(*waiting)] == [1, 1, 1]


async def test_scripts_of_one_client_compute_on_as_many_cores_as_there_are(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovh_api_mcp.limits.CORE_TURN_S", 60.0)
    sandbox._cores = Cores(1)
    looping = await looping_on(sandbox)
    second = asyncio.create_task(run(sandbox, "() => 2"))
    for _ in range(20):
        await run(sandbox, "() => 1", client="other")  # another client is not held up by the loop
    assert not second.done()
    await cancel(looping)
    assert value(await second) == 2


async def test_a_script_that_computes_for_long_makes_room_for_the_next_and_goes_on(sandbox: Sandbox) -> None:
    sandbox._cores = Cores(1, reserve=0)
    looping = await looping_on(sandbox)
    process, *_ = zygote_of(sandbox).children()  # a spare came later
    assert value(await run(sandbox, "() => 2")) == 2
    assert not looping.done()
    used_s = process.cpu_times().user
    async with asyncio.timeout(10):
        while process.cpu_times().user < used_s + 0.5:
            await asyncio.sleep(0.01)
    await cancel(looping)


async def test_scripts_that_take_turns_have_all_of_their_time(sandbox: Sandbox) -> None:
    sandbox._cores = Cores(1, reserve=0)
    code = "() => { let n = 0; for (let i = 0; i < 1.2e7; i++) n += i % 7; return 1 }"
    alone = await run(sandbox, code, ScriptLimits(20, may_call=False))
    # Five at a time on one core: by the clock on the wall the last one ends long after its time is up.
    bounds = ScriptLimits(max(2.5 * alone.wall_s, 0.5), may_call=False)
    outcomes = await asyncio.gather(*(run(sandbox, code, bounds) for _ in range(5)))
    assert [value(outcome) for outcome in outcomes] == [1] * 5


async def test_a_loop_that_takes_turns_is_ended_when_it_has_had_its_time(sandbox: Sandbox) -> None:
    sandbox._cores = Cores(1, reserve=0)
    bounds = ScriptLimits(0.7, may_call=False)
    outcomes = await asyncio.gather(*(run(sandbox, "() => { for (;;); }", bounds) for _ in range(3)))
    assert [outcome.failure.kind for outcome in outcomes if outcome.failure] == ["timeout"] * 3


@pytest.mark.promise("sharing.clients")
async def test_a_client_that_floods_is_slowed_alone(sandbox: Sandbox) -> None:
    flood = [await looping_on(sandbox, "flood")]
    flood += [asyncio.create_task(run(sandbox, "() => { for (;;); }", client="flood")) for _ in range(20)]
    flood += [
        asyncio.create_task(run(sandbox, "async () => { for (;;); }", EXECUTE, "flood"))
        for _ in range(limits.SCRIPTS_RUNNING + 5)
    ]
    for _ in range(10):
        assert value(await run(sandbox, "() => 1", client="other")) == 1
        assert value(await run(sandbox, "async () => (await ovh.get('/v1/me')).path", EXECUTE, "other"))
    assert not any(task.done() for task in flood)
    await cancel(*flood)


async def test_a_flood_of_calls_does_not_hold_up_the_call_of_another_client(sandbox: Sandbox) -> None:
    sandbox._turns = replace(
        sandbox._turns, calls=FairQueue("calls", 1, each=1, waiting=1000, waiting_each=1000)
    )
    served: list[str] = []
    hold = asyncio.Event()

    async def answer(call: ScriptCall) -> CallAnswer:
        served.append(str(call.arguments["path"]))
        await hold.wait()
        return CallAnswer(is_ok=True, json=b"1")

    async def calls(client: str, count: int) -> Outcome:
        code = f"async () => (await Promise.all(Array.from({{length: {count}}}, () => ovh.get('/{client}')))).length"
        return await sandbox.run(parse_script(code, limit_bytes=1000), answer, EXECUTE, client=client)

    flood = [asyncio.create_task(calls("flood", 10)) for _ in range(5)]
    other = asyncio.create_task(calls("other", 1))
    async with asyncio.timeout(10):
        while sandbox._turns.calls.waiting_count < 50:
            await asyncio.sleep(0.01)
    hold.set()
    assert value(await other) == 1
    assert "/other" in served[:3]
    await asyncio.gather(*flood)


@pytest.mark.promise("limits.clock")
async def test_the_clock_of_a_script_stands_still_while_its_call_waits_for_a_turn(sandbox: Sandbox) -> None:
    sandbox._turns = replace(sandbox._turns, calls=FairQueue("calls", 1, each=1, waiting=10, waiting_each=10))
    first, second = Hold(), Hold()
    holder = first.start(sandbox, "async () => await ovh.get('/v1/first')")
    await first.asked.wait()
    second.released.set()
    code = "async () => { await ovh.get('/v1/me'); const end = Date.now() + 300; while (Date.now() < end); return 7 }"
    waiting = second.start(sandbox, code, timeout_s=0.6)
    looping = first.start(sandbox, "async () => { ovh.get('/v1/x'); for (;;) await null }", timeout_s=1.2)
    assert (await looping).failure is not None  # meanwhile the other one's time would have been up
    assert not waiting.done()
    first.released.set()
    assert value(await waiting) == 7
    assert value(await holder) == 1


async def test_waiting_for_the_api_is_part_of_a_scripts_time(sandbox: Sandbox) -> None:
    hold = Hold()
    outcome = await hold.start(sandbox, "async () => await ovh.get('/v1/me')", timeout_s=0.3)
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"


async def test_the_time_for_which_a_clock_stands_still_is_bounded(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovh_api_mcp.limits.STANDSTILL_S", 0.3)
    sandbox._turns = replace(sandbox._turns, calls=FairQueue("calls", 1, each=1, waiting=10, waiting_each=10))
    hold = Hold()
    holder = hold.start(sandbox, "async () => await ovh.get('/v1/first')")
    await hold.asked.wait()
    outcome = await hold.start(sandbox, "async () => await ovh.get('/v1/second')", timeout_s=0.2)
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"
    await cancel(holder)


async def test_a_cancelled_run_is_killed_whatever_it_waits_for(sandbox: Sandbox) -> None:
    sandbox._cores = Cores(1)
    hold = Hold()
    tasks = [
        hold.start(sandbox, "async () => await ovh.get('/v1/me')"),
        await looping_on(sandbox),
        asyncio.create_task(run(sandbox, "() => 1")),
    ]
    await hold.asked.wait()
    await cancel(*tasks)
    zygote = zygote_of(sandbox)
    async with asyncio.timeout(5):
        while len([child for child in zygote.children() if nice_of(child) is not None]) > 1:  # the spare
            await asyncio.sleep(0.01)
    assert value(await run(sandbox, "() => 2")) == 2


async def test_writes_that_end_after_their_runs_were_cancelled_hold_nothing(sandbox: Sandbox) -> None:
    sandbox._cores = Cores(1)
    for _ in range(limits.CORES_RESERVED + 2):
        hold = Hold()
        running = hold.start(sandbox, "async () => await ovh.post('/v1/me')")
        await hold.asked.wait()
        await cancel(running)
        hold.released.set()
    async with asyncio.timeout(10):
        while sandbox._writes:
            await asyncio.sleep(0.01)
    assert value(await run(sandbox, "() => 2")) == 2
    assert not sandbox._cores.turns.held_by("")


async def test_a_script_that_has_ended_waits_for_its_write_and_for_no_core(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovh_api_mcp.limits.CORE_TURN_S", 60.0)
    sandbox._cores = Cores(1)
    hold = Hold()
    code = "async () => { ovh.post('/v1/me'); await ovh.get('/v1/you'); return 1 }"

    async def answer(call: ScriptCall) -> CallAnswer:
        return await (hold.answer(call) if call.may_change_something else echo(call))

    script = parse_script(code, limit_bytes=1000)
    ended = asyncio.create_task(sandbox.run(script, answer, EXECUTE))
    await hold.asked.wait()
    async with asyncio.timeout(10):
        while sandbox._cores.turns.held_by(""):  # it has its answer to the GET, and has ended
            await asyncio.sleep(0.01)
    looping = await looping_on(sandbox)
    hold.released.set()
    assert value(await asyncio.wait_for(ended, 10)) == 1
    await cancel(looping)
