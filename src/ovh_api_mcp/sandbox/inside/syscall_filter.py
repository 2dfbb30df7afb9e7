"""The system calls that a child may make: a short list; anything else kills it (Linux only).

Built in the zygote by libseccomp, loaded in each child. The list is what the interpreter and the
engine need to compute, to talk on one open socket and to end.
"""

from typing import Final, Protocol

_PROT_EXEC: Final = 4  # Source: mman-common.h
_PROTECTION_ARGUMENT: Final = 2  # of mmap(2) and mprotect(2)

_ALLOWED: Final = (
    # one open socket
    *("read", "recvfrom", "write", "sendto"),
    # memory
    *("brk", "munmap", "mremap", "madvise", "futex"),
    # clocks and counters
    *("clock_gettime", "gettimeofday", "getrusage"),
    # the end, and what the kernel itself needs on the way
    *("exit", "exit_group", "rt_sigreturn", "restart_syscall"),
)
_ALLOWED_WITHOUT_EXEC: Final = ("mmap", "mprotect")  # never a page that can be executed


class SyscallFilter(Protocol):
    """A filter that is ready to be loaded."""

    def load(self) -> None:
        """Put the filter on this process, for good; raises OSError."""


def build_filter() -> SyscallFilter:
    """Return the filter for this machine.

    Raises:
        RuntimeError, OSError, ImportError: there is no libseccomp, or it does not know this machine.
    """
    import pyseccomp  # late: it exists on Linux only, and looks for the library when it is imported

    syscalls = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
    for name in _ALLOWED:
        syscalls.add_rule(pyseccomp.ALLOW, name)
    not_executable = pyseccomp.Arg(_PROTECTION_ARGUMENT, pyseccomp.MASKED_EQ, _PROT_EXEC, 0)
    for name in _ALLOWED_WITHOUT_EXEC:
        syscalls.add_rule(pyseccomp.ALLOW, name, not_executable)
    filter_: SyscallFilter = syscalls
    return filter_
