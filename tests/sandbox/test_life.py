"""Processes: who dies, who lives on, what is left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.sandbox.fair_queue import FairQueue
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.sandbox.conftest import Run, echo, value

pytestmark = pytest.mark.anyio


def zygote_of(sandbox: Sandbox) -> psutil.Process:
    [zygote] = zygotes()
    return zygote


def zygotes() -> list[psutil.Process]:
    return [
        p
        for p in psutil.Process().children()
        if any("sandbox.inside.zygote" in argument for argument in p.cmdline())
    ]


async def test_a_killed_zygote_fails_the_running_script_and_the_next_one_works(
    sandbox: Sandbox, run: Run
) -> None:
    async def kill(call: ScriptCall) -> CallAnswer:
        for zygote in zygotes():
            zygote.kill()
        return await echo(call)

    outcome = await run("async () => { for (;;) await ovh.get('/v1/me') }", kill)
    assert outcome.failure is not None
    assert outcome.failure.kind == "crashed"
    assert value(await run("() => 1")) == 1


async def test_a_zygote_killed_between_scripts_is_not_noticed(sandbox: Sandbox, run: Run) -> None:
    assert value(await run("() => 1")) == 1
    zygote_of(sandbox).kill()
    assert value(await run("() => 2")) == 2


async def test_a_killed_child_fails_its_script_only(sandbox: Sandbox, run: Run) -> None:
    async def kill(call: ScriptCall) -> CallAnswer:
        for child in zygote_of(sandbox).children():
            child.kill()
        return await echo(call)

    outcome = await run("async () => { for (;;) await ovh.get('/v1/me') }", kill)
    assert outcome.failure is not None
    assert outcome.failure.kind == "crashed"
    assert "signal 9" in outcome.failure.message
    assert value(await run("() => 1")) == 1


async def test_nothing_is_left_of_a_closed_sandbox() -> None:
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    descriptors = psutil.Process().num_fds()
    box = Sandbox()
    for _ in range(5):
        await box.run(parse_script("() => 1", limit_bytes=100), echo, ScriptLimits(5))
    started = asyncio.Event()

    async def note(call: ScriptCall) -> CallAnswer:
        started.set()
        return await echo(call)

    code = "async () => { await ovh.get('/v1/me'); for (;;); }"
    running = asyncio.create_task(box.run(parse_script(code, limit_bytes=100), note, ScriptLimits(60)))
    async with asyncio.timeout(10):
        await started.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await box.aclose()
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before
    assert psutil.Process().num_fds() <= descriptors


async def test_no_process_outlives_a_server_that_is_killed() -> None:
    code = textwrap.dedent(
        """
        import asyncio
        from ovh_api_mcp.sandbox.outcome import ScriptLimits
        from ovh_api_mcp.sandbox.sandbox import Sandbox
        from ovh_api_mcp.sandbox.script import parse_script

        async def say(call):
            print("running", flush=True)
            await asyncio.sleep(60)

        async def main():
            script = parse_script("async () => { await ovh.get('/v1/me') }", limit_bytes=100)
            await Sandbox().run(script, say, ScriptLimits(60))

        asyncio.run(main())
        """
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert server.stdout.readline() == "running\n"
    family = psutil.Process(server.pid).children(recursive=True)
    assert len(family) >= 2
    server.kill()
    server.wait()
    server.stdout.close()
    gone, alive = psutil.wait_procs(family, timeout=5)
    assert not alive, gone


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is told to refuse forks by a filter of Linux")
def test_a_system_without_a_process_to_give_fails_each_script_with_a_clear_error() -> None:
    code = textwrap.dedent(
        """
        import asyncio, errno, pyseccomp
        from ovh_api_mcp.errors import InternalError
        from ovh_api_mcp.sandbox.outcome import ScriptLimits
        from ovh_api_mcp.sandbox.sandbox import Sandbox
        from ovh_api_mcp.sandbox.script import parse_script

        CLONE_VM = 0x100  # threads and new programs have it, a fork has not
        refuse = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        fork = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_VM, 0)
        refuse.add_rule(pyseccomp.ERRNO(errno.EAGAIN), "clone", fork)
        refuse.load()

        async def main():
            sandbox = Sandbox()
            for _ in range(3):
                try:
                    await sandbox.run(parse_script("() => 1", limit_bytes=100), None, ScriptLimits(5))
                except InternalError as error:
                    print(error.code, error.message)
            await sandbox.aclose()

        asyncio.run(main())
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    for line in lines:
        assert line.startswith("sandbox-unavailable ")
        assert "no process or memory left" in line


async def test_running_scripts_finish_on_the_old_document_and_new_ones_get_the_new(
    sandbox: Sandbox, run: Run
) -> None:
    async def switch(call: ScriptCall) -> CallAnswer:
        sandbox.switch_document(
            lambda: iter([json.dumps({"details": [], "document": {"openapi": "new"}}).encode()])
        )
        new = await sandbox.run(parse_script("() => spec.openapi", limit_bytes=100), echo, ScriptLimits(5))
        return CallAnswer(is_ok=True, json=new.result or b"null")

    outcome = await run("async () => [await ovh.get('/v1/me'), spec.openapi]", switch)
    assert value(outcome) == ["new", "3.1.0"]
    async with asyncio.timeout(5):
        while len(zygotes()) > 1:
            await asyncio.sleep(0.01)


async def test_a_document_that_cannot_be_read_is_a_clear_error() -> None:
    box = Sandbox(load_document=lambda: iter([b'{"paths":']))
    with pytest.raises(InternalError) as caught:
        await box.run(parse_script("() => 1", limit_bytes=100), echo, ScriptLimits(5))
    assert caught.value.code == "sandbox-unavailable"
    await box.aclose()


async def test_many_scripts_at_once_each_get_their_own_answer(run: Run) -> None:
    outcomes = await asyncio.gather(
        *(run(f"async () => (await ovh.get('/v1/{n}')).path") for n in range(100))
    )
    assert [value(outcome) for outcome in outcomes] == [f"/v1/{n}" for n in range(100)]


@pytest.mark.promise("sharing.clients")
async def test_more_scripts_than_may_wait_are_told_that_the_server_is_busy(
    sandbox: Sandbox, run: Run
) -> None:
    sandbox._executing = FairQueue("scripts", 1, each=1, waiting=1, waiting_each=1)
    release = asyncio.Event()

    async def hold(call: ScriptCall) -> CallAnswer:
        await release.wait()
        return await echo(call)

    running = [asyncio.ensure_future(run("async () => await ovh.get('/v1/me')", hold)) for _ in range(2)]
    for _ in range(3):
        await asyncio.sleep(0)
    with pytest.raises(InternalError) as caught:
        await run("() => 1")
    assert caught.value.code == "busy"
    release.set()
    assert all(value(outcome) for outcome in await asyncio.gather(*running))


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux may look into a child"
)
async def test_the_zygote_has_neither_environment_nor_foreign_descriptors(
    sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVH_APPLICATION_SECRET", "canary-in-the-environment")

    async def look(call: ScriptCall) -> CallAnswer:
        zygote = zygote_of(sandbox)
        assert "OVH_APPLICATION_SECRET" not in zygote.environ()
        async with asyncio.timeout(5):  # a spare may be on its way to the same state
            while open_descriptors(zygote.children()) != {1}:
                await asyncio.sleep(0.01)
        return await echo(call)

    value(await run("async () => await ovh.get('/v1/me')", look))


def open_descriptors(processes: list[psutil.Process]) -> set[int]:
    return {len(list(Path(f"/proc/{process.pid}/fd").iterdir())) for process in processes}


async def test_the_children_ignore_a_key_press_at_the_terminal(sandbox: Sandbox, run: Run) -> None:
    async def interrupt(call: ScriptCall) -> CallAnswer:
        assert os.getpgid(zygote_of(sandbox).pid) != os.getpgid(0)
        assert signal.getsignal(signal.SIGINT) is not None
        return await echo(call)

    value(await run("async () => await ovh.get('/v1/me')", interrupt))


@pytest.mark.parametrize("pieces", [1, 100])
async def test_a_zygote_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    monkeypatch.setattr("ovh_api_mcp.sandbox.inside_process._import_path", list)
    box = Sandbox(load_document=lambda: iter([b" " * 1_000_000] * pieces))
    with pytest.raises(InternalError) as caught:
        await box.run(parse_script("() => 1", limit_bytes=100), echo, ScriptLimits(5))
    assert caught.value.code == "sandbox-unavailable"
    assert "ModuleNotFoundError" in caught.value.message
    await box.aclose()
