"""Each wall, with a process behind it that tries to get through: what an engine escape could do."""

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

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.inside.attempts import ATTEMPTS, Attempt
from ovh_api_mcp.sandbox.inside.syscall_filter import ALLOWED
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.trial import Trial, try_walls
from ovh_api_mcp.sandbox.walls import (
    Finding,
    Wall,
    WallFault,
    encode_faults,
    parse_faults,
)
from tests.sandbox.conftest import Run, echo, value
from tests.sandbox.test_life import zygote_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's"),
]

_NEED_PRIVILEGES = {Wall.NO_NEW_PRIVILEGES, Wall.CAPABILITIES}
_NOBODY = 65_534
_WAIT_S = 60


def run_inside(program: str) -> str:
    """Run a program that may import what the server may not; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_stopped(finding: Finding) -> bool:
    """Tell whether a wall does what it can for this user."""
    if finding.wall is Wall.PROCESSES and os.getuid() == 0:
        return finding.verdict in {"weak", "stands"}
    if finding.wall in _NEED_PRIVILEGES and os.getuid() != 0:
        return finding.verdict in {"untried", "stands"}  # where users may not make namespaces
    return finding.verdict == "stands"


@pytest.fixture(scope="module")
def trial() -> Trial:
    async def ignore(done: float, total: float, message: str) -> None:
        assert done <= total

    return asyncio.run(try_walls(ignore))


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: f"{attempt.wall}-{attempt.tried}")
def test_an_attempt_gets_through_where_its_wall_is_down_and_not_where_it_is_up(
    trial: Trial, attempt: Attempt
) -> None:
    [finding] = [
        found for found in trial.findings if (found.wall, found.tried) == (attempt.wall, attempt.tried)
    ]
    assert is_stopped(finding), finding


def test_every_wall_is_tried_and_a_script_runs_behind_all_of_them(trial: Trial) -> None:
    assert {finding.wall for finding in trial.findings} == set(Wall)
    assert trial.script == ""
    assert trial.is_passed


def test_native_code_that_the_engine_does_not_interrupt_is_killed_from_outside(trial: Trial) -> None:
    [finding] = [found for found in trial.findings if found.wall is Wall.DEADLINE]
    assert (finding.verdict, finding.stopped_by) == ("stands", "SIGKILL")


def test_behind_all_walls_every_system_call_beyond_the_list_is_the_end() -> None:
    ended: dict[str, str] = json.loads(
        run_inside("""
        import json
        from ovh_api_mcp.sandbox.inside import attempts, confine, trial
        from ovh_api_mcp.sandbox.walls import Wall
        bounds = trial.Trial().bounds
        print(json.dumps({
            attempt.tried: trial.run(attempt, lambda: confine.confine_child(bounds))
            for attempt in attempts.ATTEMPTS if attempt.wall is Wall.SYSCALL_FILTER
        }))
        """)
    )
    assert len(ended) >= 30
    assert set(ended.values()) == {"SIGSYS"}, ended


def test_the_walls_of_the_kernel_stand_for_an_ordinary_user() -> None:
    """Root is bound by less: as another user, forks are refused, and there is nothing to give up."""
    findings: list[Finding] = [
        Finding(Wall(wall), *rest)
        for wall, *rest in json.loads(
            run_inside(f"""
            import ctypes, json, os
            from ovh_api_mcp.sandbox.inside import attempts, trial
            from ovh_api_mcp.sandbox.walls import Wall
            one = trial.Trial()
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid({_NOBODY})
                os.setuid({_NOBODY})
                ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # readable by its own user, as processes are
            os.chdir("/")
            tried = {{Wall.PROCESSES, Wall.OPEN_FILES, Wall.FILE_SIZE, Wall.KERNEL_MEMORY,
                     Wall.HIDDEN_MEMORY, Wall.SYSCALL_FILTER, Wall.DIES_WITH_PARENT}}
            print(json.dumps([one.judge(each) for each in attempts.ATTEMPTS if each.wall in tried]))
            """)
        )
    ]
    assert {finding.wall for finding in findings} >= {Wall.PROCESSES, Wall.SYSCALL_FILTER}
    assert [finding for finding in findings if finding.verdict != "stands"] == []


def test_cpu_time_is_bounded_even_where_the_parent_has_its_signal_ignored_and_blocked() -> None:
    ended = run_inside("""
        import signal
        from ovh_api_mcp.sandbox.inside import attempts, trial
        from ovh_api_mcp.sandbox.walls import Wall
        for number in (signal.SIGPROF, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        one = trial.Trial()
        for attempt in attempts.ATTEMPTS:
            if attempt.wall is Wall.CPU_TIME:
                print(trial.run(attempt, lambda: one.put_up(Wall.CPU_TIME)))
        """)
    assert ended.split() == ["SIGPROF", "SIGXCPU"]


@pytest.mark.parametrize("refused", ["prctl", "capset", "prlimit64", "setitimer"])
def test_a_wall_that_linux_refuses_is_an_error_and_not_a_missing_wall(refused: str) -> None:
    ended = run_inside(f"""
        import pyseccomp
        from ovh_api_mcp.sandbox.inside import confine, trial
        bounds = trial.Trial().bounds
        refusing = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        refusing.add_rule(pyseccomp.ERRNO(1), {refused!r})
        refusing.load()
        try:
            confine.confine_child(bounds)
        except (OSError, ValueError) as error:
            print("refused")
        """)
    assert ended.split() == ["refused"]


@pytest.mark.parametrize("number", [signal.SIGPROF, signal.SIGXCPU])
async def test_a_script_that_the_kernel_ends_for_its_cpu_time_is_told_so(
    sandbox: Sandbox, run: Run, number: signal.Signals
) -> None:
    async def end(call: ScriptCall) -> CallAnswer:
        for child in zygote_of(sandbox).children():
            child.send_signal(number)
        return await echo(call)

    failure = (await run("async () => { for (;;) await ovh.get('/v1/me') }", end)).failure
    assert failure is not None
    assert failure.kind == "cpu-time"
    assert f"{limits.SCRIPT_CPU_S:g} s of CPU time" in failure.message


async def test_a_child_that_was_stopped_and_continued_goes_on(sandbox: Sandbox, run: Run) -> None:
    async def pause(call: ScriptCall) -> CallAnswer:
        for child in zygote_of(sandbox).children():
            child.suspend()
            child.resume()
        return await echo(call)

    assert value(await run("async () => (await ovh.get('/v1/me')).path", pause)) == "/v1/me"


def proc(process: psutil.Process, name: str) -> str:
    return Path(f"/proc/{process.pid}/{name}").read_text(encoding="ascii")


def status_of(process: psutil.Process) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in proc(process, "status").splitlines() if ":\t" in line)


def limits_of(process: psutil.Process) -> dict[str, tuple[str, str]]:
    """Return soft and hard limit by name."""
    rows = proc(process, "limits").splitlines()[1:]
    return {row[:25].strip(): (row[26:46].strip(), row[47:67].strip()) for row in rows}


async def test_the_walls_stand_around_a_running_script(sandbox: Sandbox, run: Run) -> None:
    seen: list[tuple[dict[str, str], dict[str, tuple[str, str]]]] = []

    async def look(call: ScriptCall) -> CallAnswer:
        seen.extend((status_of(child), limits_of(child)) for child in zygote_of(sandbox).children())
        return await echo(call)

    value(await run("async () => await ovh.get('/v1/me')", look))
    assert any(
        (status["Seccomp"], status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapPrm"], 16))
        == ("2", "1", 0, 0)
        and {name for name, bounds in limits.items() if bounds == ("0", "0")}
        >= {
            *("Max processes", "Max open files", "Max file size"),
            *("Max locked memory", "Max msgqueue size", "Max pending signals"),
        }
        and limits["Max core file size"] in {("1", "1"), ("0", "0")}
        and limits["Max cpu time"] == ("11", "12")
        and int(limits["Max stack size"][1]) <= 4 * 2**20
        and int(limits["Max address space"][1]) < 2**30
        for status, limits in seen
    ), seen


async def test_no_wall_is_missing_on_this_system(
    sandbox: Sandbox, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    value(await run("() => 1"))
    assert "sandbox-wall-missing" not in caplog.text


async def test_a_missing_wall_is_logged_once_and_scripts_run_behind_the_others(
    sandbox: Sandbox,
    run: Run,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "pyseccomp.py").write_text("raise RuntimeError('Unable to find libseccomp')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert value(await run("() => 1")) == 1
    first = zygote_of(sandbox)
    first.kill()
    assert value(await run("() => 2")) == 2
    assert zygote_of(sandbox) != first
    [line] = [record.getMessage() for record in caplog.records if "wall-missing" in record.getMessage()]
    assert line.startswith("event=sandbox-wall-missing wall=syscall-filter reason='RuntimeError: Unable")


async def test_nothing_of_the_server_is_in_the_zygote_or_a_child(
    sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = b"canary-" + os.urandom(16).hex().encode()
    monkeypatch.setenv("OVH_APPLICATION_SECRET", secret.decode())
    found: list[str] = []

    async def look(call: ScriptCall) -> CallAnswer:
        zygote = zygote_of(sandbox)
        for process in (zygote, *zygote.children()):
            found.extend(traces_of(secret, str(tmp_path), process))
        return await echo(call)

    with (tmp_path / "open").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        value(await run("async () => await ovh.get('/v1/me')", look))
    assert found == []


def traces_of(secret: bytes, place: str, process: psutil.Process) -> list[str]:
    """Return where a secret or an open file stands in a process; the kernel shows them to root alone."""
    folder = Path(f"/proc/{process.pid}")
    assert secret not in (folder / "cmdline").read_bytes()
    try:
        if (folder / "environ").read_bytes():
            return ["environ"]
    except PermissionError:
        assert os.getuid() != 0
        return []
    found = [str(link.readlink()) for link in (folder / "fd").iterdir() if place in str(link.readlink())]
    with (folder / "mem").open("rb", buffering=0) as memory:
        for line in (folder / "maps").read_text().splitlines():
            begin, _, end = line.split()[0].partition("-")
            if " rw" in line:
                memory.seek(int(begin, 16))
                if secret in memory.read(int(end, 16) - int(begin, 16)):
                    found.append(line)
    return found


def test_a_child_behind_its_walls_may_make_fewer_than_fifteen_calls() -> None:
    names = {name for name, _ in ALLOWED}
    assert len(names) < 15
    assert not names & {"read", "write", "open", "openat", "futex", "clone", "execve", "recvmsg", "sendmsg"}


@pytest.mark.parametrize(
    "wrong",
    [None, {}, [1], [{}], [{"wall": "no-such-wall", "reason": "", "stands": False}], [{"wall": "stack"}]],
)
def test_faults_of_walls_that_make_no_sense_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="wall"):
        parse_faults(wrong)


def test_faults_of_walls_come_through_as_they_were() -> None:
    faults = (WallFault(Wall.SYSCALL_FILTER, "no libseccomp"), WallFault(Wall.PROCESSES, "root", stands=True))
    assert parse_faults(json.loads(json.dumps(encode_faults(faults)))) == faults
