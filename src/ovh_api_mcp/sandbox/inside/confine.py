"""Takes away what a child does not need, before it sees a script.

Contract: `confine_child` is called once, in a freshly forked child that has one thread, before
the first byte of a script is read. What it takes away cannot be had back in that process.

A wall may be missing for one of two reasons, which `find_faults` tells before the first script:
the system has no such thing (it is not Linux), or it lacks what the filter of system calls is
built with. Scripts then run behind the other walls: who installs the program on such a system has
no choice, and is told. A wall that this system has but refuses to put up is something else, a
broken or hostile place: OSError or ValueError, and the child ends without a script.
"""

import ctypes
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.frames import SOCKET_FD
from ovh_api_mcp.sandbox.inside.syscall_filter import SyscallFilter
from ovh_api_mcp.sandbox.walls import ONLY_LINUX, Wall, WallFault

# A limit of core dumps in bytes: no core fits into it, and 0 would not keep Linux from starting the
# program that takes cores where the system has one. Source: fs/coredump.c of Linux.
NO_CORE: Final = 1

# Source: prctl(2), linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522  # Source: capget(2), linux/capability.h

# Made here and not in each child: making types takes longer than all the rest.
_OF_THIS_PROCESS: Final = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
_NO_CAPABILITIES: Final = (ctypes.c_uint32 * 6)()

_IS_LINUX: Final = sys.platform == "linux"
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if _IS_LINUX else None
_BESIDE_THE_ENGINE_BYTES: Final = 160 * limits.MIB  # answers and results on their way through the interpreter


class Bounds(NamedTuple):
    """What the walls of one child are put up with."""

    address_space_bytes: int = 0  # all that it may map; 0: unknown, no limit
    cpu_s: float = limits.SCRIPT_CPU_S + limits.KILL_MARGIN_S
    syscall_filter: SyscallFilter | None = None


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
    number = channel.detach()
    if number != SOCKET_FD:  # dup3(2) refuses to make a descriptor itself
        os.dup2(number, SOCKET_FD)
    os.set_inheritable(SOCKET_FD, False)
    os.closerange(0, SOCKET_FD)
    os.closerange(SOCKET_FD + 1, 65_536)
    return socket.socket(fileno=SOCKET_FD)


def confine_child(bounds: Bounds) -> None:
    """Put up every wall of PUT_UP that this system has, in its order; nothing takes one down again."""
    for wall, put_up in PUT_UP.items():
        if _IS_LINUX or wall not in ONLY_LINUX:
            put_up(bounds)


def bounds_of_child(*, mapped_bytes: int, syscall_filter: SyscallFilter | None) -> Bounds:
    """Return the bounds of a child of a zygote that has mapped `mapped_bytes` (0: unknown)."""
    room = limits.SCRIPT_MEMORY_BYTES + _BESIDE_THE_ENGINE_BYTES
    return Bounds(
        address_space_bytes=mapped_bytes + room if mapped_bytes else 0, syscall_filter=syscall_filter
    )


def find_faults(filter_fault: str) -> tuple[WallFault, ...]:
    """Return the walls that this system does not have; `filter_fault` says why there is no filter."""
    if not _IS_LINUX:
        return tuple(WallFault(wall, f"{sys.platform} has no such wall") for wall in ONLY_LINUX)
    faults = []
    if filter_fault:
        faults.append(WallFault(Wall.SYSCALL_FILTER, filter_fault))
    if os.getuid() == 0:
        faults.append(WallFault(Wall.PROCESSES, "RLIMIT_NPROC does not bind root", stands=True))
    return tuple(faults)


def mapped_bytes() -> int:
    """Return the size of this process's address space, 0 where the system does not tell."""
    if not _IS_LINUX:
        return 0
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib is an import the zygote can do without
        return int(statm.read().split()[0]) * resource.getpagesize()


# --- the walls, one by one


def _gain_no_privileges(_: Bounds) -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _drop_capabilities(_: Bounds) -> None:
    """Give up all that root may do beyond what its files allow; with it, limits could be raised again."""
    assert _LIBC is not None
    if _LIBC.capset(_OF_THIS_PROCESS, _NO_CAPABILITIES) != 0:
        raise OSError(ctypes.get_errno(), "capset refused")


def _bound_address_space(bounds: Bounds) -> None:
    if bounds.address_space_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (bounds.address_space_bytes, bounds.address_space_bytes))


def _bound_stack(_: Bounds) -> None:
    soft, hard = (
        limits.CHILD_STACK_BYTES if now == resource.RLIM_INFINITY else min(now, limits.CHILD_STACK_BYTES)
        for now in resource.getrlimit(resource.RLIMIT_STACK)
    )
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))


def _bound_cpu_time(bounds: Bounds) -> None:
    """Have the kernel end this process after `cpu_s` more seconds of CPU time.

    Both timer and RLIMIT_CPU, which counts whole seconds and stands behind it, go by the ticks of the
    kernel's clock that find the process running: on a loaded machine some percent off.
    """
    # Contract: both signals end the process by their default action. A parent may have had them
    # ignored or blocked, which is inherited, and the child could not be ended by them then.
    for number in (signal.SIGPROF, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.setitimer(signal.ITIMER_PROF, bounds.cpu_s)
    whole_s = math.floor(bounds.cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole_s, whole_s + 1))


def _dump_no_core(_: Bounds) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    most = NO_CORE if hard else 0
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _allow_none_of(*names: str) -> Callable[[Bounds], None]:
    """Return what sets these limits to 0; the system may lack one."""
    numbers = [getattr(resource, name) for name in names if hasattr(resource, name)]

    def put_up(_: Bounds) -> None:
        for number in numbers:
            resource.setrlimit(number, (0, 0))

    return put_up


def _hide_memory(_: Bounds) -> None:
    hide_memory()


def _filter_syscalls(bounds: Bounds) -> None:
    if bounds.syscall_filter is not None:
        bounds.syscall_filter.load()


def _prctl(option: int, value: int) -> None:
    if _LIBC is None:
        return
    if _LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused")


# Contract: the order counts. Without no_new_privs, capabilities come back with a program that is
# executed; the filter is last, since it lets none of the other walls be put up.
PUT_UP: Final[Mapping[Wall, Callable[[Bounds], None]]] = {
    Wall.NO_NEW_PRIVILEGES: _gain_no_privileges,
    Wall.CAPABILITIES: _drop_capabilities,
    Wall.HIDDEN_MEMORY: _hide_memory,
    Wall.ADDRESS_SPACE: _bound_address_space,
    Wall.STACK: _bound_stack,
    Wall.CPU_TIME: _bound_cpu_time,
    Wall.OPEN_FILES: _allow_none_of("RLIMIT_NOFILE"),
    Wall.PROCESSES: _allow_none_of("RLIMIT_NPROC"),
    Wall.FILE_SIZE: _allow_none_of("RLIMIT_FSIZE"),
    Wall.CORE_DUMPS: _dump_no_core,
    Wall.KERNEL_MEMORY: _allow_none_of("RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_SIGPENDING"),
    Wall.SYSCALL_FILTER: _filter_syscalls,
}
