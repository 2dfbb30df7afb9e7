"""Tries to break each wall, one at a time and in a fresh process each, and tells how that went.

The server's side (sandbox/trial.py) starts it as it starts the zygote. It says one JSON object a
line on its descriptor: first how many attempts there will be, then a finding for each.
"""

import errno
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Final, NoReturn

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.frames import SOCKET_FD
from ovh_api_mcp.sandbox.inside import confine
from ovh_api_mcp.sandbox.inside.attempts import (
    ATTEMPTS,
    THROUGH_STATUS,
    Attempt,
    CannotTryError,
    Room,
    StoppedError,
)
from ovh_api_mcp.sandbox.inside.engine import JSError
from ovh_api_mcp.sandbox.inside.syscall_filter import find_filter
from ovh_api_mcp.sandbox.walls import Finding, Verdict, Wall, missing

_THROUGH: Final = "through"
_UNTRIED: Final = "untried: "
_TRIAL_CPU_S: Final = 0.1  # what a child may have that tries to use more
_WORDS_BYTES: Final = 1_000


def run(attempt: Attempt, put_up: Callable[[], None] | None) -> str:
    """Return how an attempt ended in a child of its own: "through", or what stopped it, by name."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _try(attempt, theirs, put_up)
    theirs.close()
    with ours:
        words, status = _hear(ours, pid)
    if words:
        return words
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    code = os.WEXITSTATUS(status)
    return _THROUGH if code == THROUGH_STATUS else errno.errorcode.get(code, f"status {code}")


def _hear(channel: socket.socket, pid: int) -> tuple[str, int]:
    """Return the child's words and its wait status; whoever holds the channel too long is killed."""
    words = b""
    end = time.monotonic() + limits.TRIAL_ATTEMPT_S
    while len(words) < _WORDS_BYTES:
        readable, _, _ = select.select([channel], [], [], max(0.0, end - time.monotonic()))
        if not readable:
            words = words or b"ran on"
            break
        try:
            data = channel.recv(_WORDS_BYTES)
        except ConnectionError:
            break
        if not data:
            break
        words += data
    os.kill(pid, signal.SIGKILL)  # does nothing where it has ended: it has not been reaped
    _, status = os.waitpid(pid, 0)
    return words.decode(errors="replace"), status


def _try(attempt: Attempt, channel: socket.socket, put_up: Callable[[], None] | None) -> NoReturn:
    """Make an attempt in this process, a child, and say how it went, if it can still speak."""
    try:
        confine.die_with_parent(_TRIAL_PID)
        _leave_no_core()
        number = channel.detach()
        if number != SOCKET_FD:
            os.dup2(number, SOCKET_FD)
            os.close(number)
        os.set_inheritable(SOCKET_FD, True)  # a program that is executed holds it open, and so is waited for
        room = Room(socket.socket(fileno=SOCKET_FD), put_up)
        words = _end_of(attempt, room)
        room.channel.sendall(words.encode())
    finally:
        os._exit(0)


def _end_of(attempt: Attempt, room: Room) -> str:
    try:
        attempt.try_it(room)
    except CannotTryError as error:
        return f"{_UNTRIED}{error}"
    except StoppedError as error:
        return str(error)
    except JSError:
        return "the engine"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not unwind into the parent's code
        return type(error).__name__
    return _THROUGH


def _leave_no_core() -> None:
    """Most attempts end in a signal that dumps core where it may; the one about cores raises this again."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (confine.NO_CORE if hard else 0, hard))


class Trial:
    """Makes the attempts on this system, and judges them."""

    def __init__(self) -> None:
        self.filter, filter_fault = find_filter()
        self.faults = confine.find_faults(filter_fault)
        self.bounds = confine.bounds_of_child(mapped_bytes=confine.mapped_bytes(), syscall_filter=self.filter)
        self.bounds = self.bounds._replace(cpu_s=_TRIAL_CPU_S)

    def judge(self, attempt: Attempt) -> Finding:
        """Try to get through a wall, first where it is down, then where it is up."""
        ended = run(attempt, None)
        if ended != _THROUGH:
            why = ended.removeprefix(_UNTRIED) if ended.startswith(_UNTRIED) else f"stopped anyway: {ended}"
            return Finding(attempt.wall, attempt.tried, "", "untried", why)
        ended = run(attempt, lambda: self.put_up(attempt.wall))
        verdict, why = self._verdict(attempt, ended)
        return Finding(attempt.wall, attempt.tried, "nothing" if ended == _THROUGH else ended, verdict, why)

    def put_up(self, wall: Wall) -> None:
        """Put up one wall of confine.py; the others belong to the attempts themselves."""
        confine.PUT_UP[wall](self.bounds)

    def _verdict(self, attempt: Attempt, ended: str) -> tuple[Verdict, str]:
        if ended in attempt.stopped_by:
            return "stands", ""
        weak = next((fault for fault in self.faults if fault.wall is attempt.wall), None)
        if weak is not None and ended == _THROUGH:
            return "weak", weak.reason
        return "broken", f"expected {' or '.join(attempt.stopped_by)}"


_TRIAL_PID = os.getpid()


def main() -> None:
    """Serve the descriptor named by the first argument."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    confine.die_with_parent(os.getppid())
    trial = Trial()

    def say(value: object) -> None:
        channel.sendall(json.dumps(value).encode() + b"\n")

    gone = missing(trial.faults)
    attempts = [attempt for attempt in ATTEMPTS if attempt.wall not in gone]
    say(len(gone) + len(attempts))
    for wall, why in gone.items():
        say(Finding(wall, "", "", "missing", why))
    for attempt in attempts:
        say(trial.judge(attempt))
