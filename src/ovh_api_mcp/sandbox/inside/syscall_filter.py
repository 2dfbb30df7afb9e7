"""The system calls that a child may make: a short list; anything else kills it (Linux only).

libseccomp makes the kernel's program of it, once and in the zygote; each child loads that, which
takes a third of the time that libseccomp's own loading would. The list is what the interpreter and the
engine need to compute, to talk on one open socket and to end. A call of another architecture's
numbering (32 bits on a 64-bit machine, x32) kills too, so that no number means two things.
"""

import ctypes
import mmap
import os
import sys
from typing import Final, NamedTuple

from ovh_api_mcp.sandbox.frames import SOCKET_FD

_INSTRUCTION_BYTES: Final = 8  # Source: struct sock_filter, linux/filter.h
# Source: prctl(2), linux/prctl.h, linux/seccomp.h
_PR_GET_SECCOMP: Final = 21
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_LOW_HALF: Final = 0xFFFF_FFFF  # of a register; the kernel looks no further where the argument is an int


class Condition(NamedTuple):
    """What one argument of a call, counted from 0, must be under a mask."""

    argument: int
    mask: int
    value: int


_ITS_SOCKET: Final = Condition(0, _LOW_HALF, SOCKET_FD)
_TO_NOBODY_ELSE: Final = Condition(4, 2**64 - 1, 0)  # no address: it goes where the socket is connected to
_NOT_EXECUTABLE: Final = Condition(2, mmap.PROT_EXEC, 0)
# New memory that nobody shares: no file, no device, no place that holds something already.
_MAP_FIXED: Final = 0x10  # Source: mman-common.h
_OWN_MEMORY: Final = Condition(
    3,
    mmap.MAP_PRIVATE | mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _MAP_FIXED,
    mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
)
_MAY_MOVE: Final = Condition(3, _LOW_HALF, 1)  # MREMAP_MAYMOVE alone. Source: linux/mman.h
_DONT_NEED: Final = Condition(2, _LOW_HALF, 4)  # MADV_DONTNEED. Source: mman-common.h
_FREE: Final = Condition(2, _LOW_HALF, 8)  # MADV_FREE
_SYSTEM_CLOCKS: Final = Condition(0, _LOW_HALF & ~7, 0)  # ids 0 to 7; negative ones are of other processes

# A call, and the conditions that its arguments must all meet; one that stands twice may meet either.
ALLOWED: Final[tuple[tuple[str, tuple[Condition, ...]], ...]] = (
    # one open socket
    ("recvfrom", (_ITS_SOCKET,)),
    ("sendto", (_ITS_SOCKET, _TO_NOBODY_ELSE)),
    # memory, of which no page can be executed
    ("brk", ()),
    ("mmap", (_NOT_EXECUTABLE, _OWN_MEMORY)),
    ("munmap", ()),
    ("mremap", (_MAY_MOVE,)),
    # the same for musl's allocator; glibc's asks for neither in a process with one thread
    ("mprotect", (_NOT_EXECUTABLE,)),
    ("madvise", (_DONT_NEED,)),
    ("madvise", (_FREE,)),
    # counters, and clocks where the kernel does not show them in memory
    ("getrusage", ()),
    ("clock_gettime", (_SYSTEM_CLOCKS,)),
    ("gettimeofday", ()),
    # the end
    ("exit_group", ()),
)


class SyscallFilter:
    """A filter that is ready to be loaded: a program for the kernel."""

    def __init__(self, program: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(program, len(program))
        self._program = _Program(len(program) // _INSTRUCTION_BYTES, ctypes.addressof(self._instructions))
        self._reference = ctypes.byref(self._program)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def load(self) -> None:
        """Put the filter on this process, for good; the kernel asks for no_new_privs. Raises OSError."""
        for option, value, reference in (
            (_PR_SET_NO_NEW_PRIVS, 1, None),
            (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._reference),
        ):
            if self._libc.prctl(option, ctypes.c_ulong(value), reference, None, None) != 0:
                raise OSError(ctypes.get_errno(), "the kernel refused the filter of system calls")


class _Program(ctypes.Structure):
    """Source: struct sock_fprog, linux/filter.h."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def find_filter() -> tuple[SyscallFilter | None, str]:
    """Return the filter for this machine, or why there is none: no libseccomp, no seccomp, another system."""
    if sys.platform != "linux":
        return None, "this system has no filter for system calls"
    if ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, None, None, None, None) < 0:
        return None, "this kernel has no filters for system calls"
    try:
        return _build_filter(), ""
    except (ImportError, RuntimeError, OSError) as error:
        return None, f"{type(error).__name__}: {error}"


def _build_filter() -> SyscallFilter:
    import pyseccomp  # late: it exists on Linux only, and looks for the library when it is imported

    syscalls = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
    syscalls.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    for name, conditions in ALLOWED:
        arguments = (pyseccomp.Arg(at, pyseccomp.MASKED_EQ, mask, value) for at, mask, value in conditions)
        syscalls.add_rule(pyseccomp.ALLOW, name, *arguments)
    with open(os.memfd_create("filter"), "r+b") as file:  # noqa: PTH123
        syscalls.export_bpf(file)
        file.seek(0)
        return SyscallFilter(file.read())
