"""Takes away what a child does not need, before it sees a script.

Contract: `confine_child` is called once, in a freshly forked child that has one thread, before
the first byte of a script is read. What it takes away cannot be had back in that process. A wall
that cannot be put up raises OSError or ValueError and the child ends.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.inside.syscall_filter import SyscallFilter

SOCKET_FD: Final = 3

# Source: prctl(2), linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

_IS_LINUX: Final = sys.platform == "linux"
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if _IS_LINUX else None
_BESIDE_THE_ENGINE_BYTES: Final = 160 * limits.MIB  # answers and results on their way through the interpreter


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux); end at once if that has happened."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)


def hide_memory() -> None:
    """Keep other processes of the same user from reading this one's memory (Linux)."""
    _prctl(_PR_SET_DUMPABLE, 0)


def keep_only(channel: socket.socket) -> socket.socket:
    """Close every descriptor but that of `channel`, which becomes number 3; return it anew."""
    os.dup2(channel.detach(), SOCKET_FD, inheritable=False)
    os.closerange(0, SOCKET_FD)
    os.closerange(SOCKET_FD + 1, 65_536)
    return socket.socket(fileno=SOCKET_FD)


def confine_child(
    *, address_space_bytes: int, memory_bytes: int, syscall_filter: SyscallFilter | None
) -> None:
    """Lower the limits of this process for good, and leave it only the system calls of the filter.

    `address_space_bytes` is what the zygote has mapped; the child may map `memory_bytes` more for
    the script and a fixed amount beside it.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    hide_memory()
    if address_space_bytes:
        ceiling = address_space_bytes + memory_bytes + _BESIDE_THE_ENGINE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    cpu_s = int(limits.SCRIPT_CPU_S) + 2  # the kernel's own bound, behind the engine's and the server's
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    for nothing in (
        resource.RLIMIT_NOFILE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_CORE,
    ):
        resource.setrlimit(nothing, (0, 0))
    if syscall_filter is not None:
        syscall_filter.load()


def mapped_bytes() -> int:
    """Return the size of this process's address space, 0 where the system does not tell."""
    if not _IS_LINUX:
        return 0
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib is an import the zygote can do without
        return int(statm.read().split()[0]) * resource.getpagesize()


def _prctl(option: int, value: int) -> None:
    if _LIBC is None:
        return
    if _LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused")
