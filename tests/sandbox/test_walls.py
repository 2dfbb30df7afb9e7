"""Each wall, with a process behind it that tries to get through: what an engine escape could do."""

import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall
from ovh_api_mcp.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Run, echo, value
from tests.sandbox.test_life import zygote_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's"),
]

_BEHIND_THE_WALLS = """
import ctypes, os, socket, sys
from ovh_api_mcp.sandbox.inside import confine
from ovh_api_mcp.sandbox.inside.syscall_filter import build_filter

ours, theirs = socket.socketpair()
libc = ctypes.CDLL(None)
pid = os.fork()
if pid == 0:
    channel = confine.keep_only(theirs)
    confine.confine_child(
        address_space_bytes=confine.mapped_bytes(), memory_bytes=2**26, syscall_filter=build_filter()
    )
    channel.sendall(b"ready")
    {attempt}
    channel.sendall(b"through")
    os._exit(0)
theirs.close()
said = b""
while data := ours.recv(100):
    said += data
_, status = os.waitpid(pid, 0)
print(said.decode(), os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
"""

ATTEMPTS = {
    "open a file": "os.open('/etc/passwd', os.O_RDONLY)",
    "write a file": "os.open('/tmp/escape', os.O_CREAT | os.O_WRONLY)",
    "connect": "socket.socket(socket.AF_INET)",
    "make a pipe": "os.pipe()",
    "fork": "os.fork()",
    "execute a program": "os.execv('/bin/sh', ['sh', '-c', 'true'])",
    "signal another process": "os.kill(os.getppid(), 0)",
    "trace another process": "libc.ptrace(16, os.getppid(), 0, 0)",
    "read another's memory": "libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)",
    "lower a limit of its own": "libc.prlimit(0, 0, None, None)",
    "map executable memory": "__import__('mmap').mmap(-1, 4096, prot=7)",
    "receive a descriptor": "libc.recvmsg(3, None, 0)",
    "duplicate a descriptor": "os.dup(3)",
    "look at its directory": "os.getcwd()",
    "wait for ever without a deadline": "libc.pause()",
    "become another user": "os.setuid(1)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_behind_the_walls_an_attempt_is_the_end_of_the_process(attempt: str) -> None:
    program = _BEHIND_THE_WALLS.replace("{attempt}", attempt)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == ["ready", str(int(signal.SIGSYS))], done.stderr


def test_without_an_attempt_the_process_behind_the_walls_lives() -> None:
    program = _BEHIND_THE_WALLS.replace("{attempt}", "sum(range(1000)); bytearray(2**25)")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["readythrough", "0"], done.stderr


def test_more_memory_than_allowed_is_not_to_be_had() -> None:
    attempt = "bytearray(2**30)"
    done = subprocess.run(
        [sys.executable, "-c", _BEHIND_THE_WALLS.replace("{attempt}", attempt)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "through" not in done.stdout


def status_of(process: psutil.Process) -> dict[str, str]:
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:  # noqa: PTH123
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


async def test_the_walls_stand_around_a_running_script(sandbox: Sandbox, run: Run) -> None:
    async def look(call: ScriptCall) -> CallAnswer:
        running = [status_of(child) for child in zygote_of(sandbox).children()]
        assert any(status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" for status in running)
        return await echo(call)

    value(await run("async () => await ovh.get('/v1/me')", look))


async def test_no_wall_is_missing_on_this_system(
    sandbox: Sandbox, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    value(await run("() => 1"))
    assert "sandbox-wall-missing" not in caplog.text
