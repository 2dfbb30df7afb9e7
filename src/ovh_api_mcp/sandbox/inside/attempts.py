"""Attempts to break each wall: what a script could do that has broken out of the engine.

Each runs in a process of its own, forked by trial.py: once with the wall down, where it must get
through, or it proves nothing, and once with the wall up, where it must not. It prepares, puts the
wall up, and tries. Returning means that it got through, an exception that it was stopped; most
walls end the process instead.
"""

import array
import contextlib
import ctypes
import errno
import mmap
import os
import platform
import resource
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn, TypeAlias

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.frames import SOCKET_FD
from ovh_api_mcp.sandbox.inside import confine
from ovh_api_mcp.sandbox.inside.engine import Engine
from ovh_api_mcp.sandbox.walls import Wall

THROUGH_STATUS: Final = 42  # how a program that an attempt executes says that it got through; else an errno

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
# Programs that say how it went by their status: THROUGH_STATUS, or an errno.
_LOOK_FOR_A_SECRET: Final = f'test -n "$SECRET" && exit {THROUGH_STATUS}; exit 1'
_LOOK_FOR_CAPABILITIES: Final = f"""
while read name value; do
    test "$name" = CapEff: && test "$value" != 0000000000000000 && exit {THROUGH_STATUS}
done < /proc/self/status
exit 1
"""
_JUST_CPU_S: Final = 0.05
_SEVERAL_TIMES_IT_S: Final = 0.4
# One call into the engine's own C code, which does not look at the time: 0.2 to 2 s.
_NATIVE_CODE: Final = "(3n ** 250000n).toString().length"


class CannotTryError(Exception):
    """The attempt cannot be made on this system, wall or no wall; says why."""


class StoppedError(Exception):
    """The attempt was stopped elsewhere than in its own process; says how."""


class Room:
    """Where an attempt is made: its wall, which is up or not, and a socket to say how it went."""

    def __init__(self, channel: socket.socket, put_up: Callable[[], None] | None) -> None:
        self.channel = channel
        self.is_wall_up = put_up is not None
        self._put_up = put_up

    def put_up_wall(self) -> None:
        """Put the wall up, if this is a trial with it; the attempt comes next."""
        if self._put_up is not None:
            self._put_up()


class Attempt(NamedTuple):
    """One way to get through `wall`; `stopped_by` are the ways it may end, signals or errors by name."""

    wall: Wall
    tried: str
    stopped_by: tuple[str, ...]
    try_it: Callable[[Room], None]


_Act: TypeAlias = Callable[[], object]


# --- what the process is given


def _see_the_environment(room: Room) -> None:
    if not room.is_wall_up:
        _execute(_LOOK_FOR_A_SECRET, {"SECRET": "x"})
    if set(os.environ) <= {"LC_CTYPE"}:  # which the interpreter sets itself
        raise StoppedError("nothing there")


def _use_a_descriptor(room: Room) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 100)
    if room.is_wall_up:
        room.channel = confine.keep_only(room.channel)
    for number in (0, 1, 2, *range(SOCKET_FD + 1, 1024)):
        with contextlib.suppress(OSError):
            os.fstat(number)
            return
    raise OSError(errno.EBADF, "no descriptor but its own is open")


# --- the engine


def _take_memory_of_the_engine(room: Room) -> None:
    engine = Engine()
    if room.is_wall_up:
        engine.limit_memory(engine.load("{}") + limits.SCRIPT_MEMORY_BYTES)
    engine.evaluate(f"new ArrayBuffer({limits.SCRIPT_MEMORY_BYTES + limits.MIB}).byteLength")


def _recurse_in_the_engine(room: Room) -> None:
    engine = Engine() if room.is_wall_up else Engine(stack_bytes=3 * limits.SCRIPT_STACK_BYTES)
    engine.evaluate("(function f(n) { return n ? f(n - 1) + 1 : 0 })(1200)")


def _loop_in_the_engine(room: Room) -> None:
    engine = Engine()
    if room.is_wall_up:
        engine.limit_time(_JUST_CPU_S)
    engine.evaluate(f"const end = Date.now() + {1000 * _SEVERAL_TIMES_IT_S}; while (Date.now() < end); 1")


def run_native_code() -> None:
    """Stay in the engine's C code beyond its time limit; what stops that is outside the engine."""
    engine = Engine()
    engine.limit_time(_JUST_CPU_S)
    engine.evaluate(_NATIVE_CODE)


# --- limits of the kernel


def _map_memory(room: Room) -> None:
    room.put_up_wall()
    mmap.mmap(-1, 512 * limits.MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def _grow_the_stack(room: Room) -> None:
    most = limits.CHILD_STACK_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard != resource.RLIM_INFINITY and hard < 2 * most:
        raise CannotTryError("the stack's limit is low already")
    resource.setrlimit(resource.RLIMIT_STACK, (2 * most, hard))
    with open("/proc/self/maps", encoding="ascii") as maps:  # noqa: PTH123
        end = next(int(line.split()[0].partition("-")[2], 16) for line in maps if "[stack]" in line)
    room.put_up_wall()
    ctypes.memset(end - most - limits.MIB, 0, 1)


def _compute_in_native_code(room: Room) -> None:
    engine = Engine()
    room.put_up_wall()
    engine.evaluate(_NATIVE_CODE)


def _compute_without_the_timer(room: Room) -> None:
    room.put_up_wall()
    signal.setitimer(signal.ITIMER_PROF, 0)
    end = time.process_time() + 1.3
    while time.process_time() < end:
        pass


def _fork(room: Room) -> None:
    room.put_up_wall()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _write_to_a_file(room: Room) -> None:
    with tempfile.TemporaryFile() as file:
        room.put_up_wall()
        os.write(file.fileno(), b"x")


def _dump_core(room: Room) -> None:
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        pattern = file.read()
    if pattern[:1] in "|/@":
        raise CannotTryError("this system gives core dumps to a program, or to a directory of its own")
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    with open("/proc/self/coredump_filter", "wb") as chosen:  # noqa: PTH123
        chosen.write(b"0")  # a core with nothing in it
    with tempfile.TemporaryDirectory(prefix="ovh-api-mcp-trial-") as directory:
        pid = os.fork()
        if pid == 0:
            os.chdir(directory)
            room.put_up_wall()
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGQUIT)
        _, status = os.waitpid(pid, 0)
    if not os.WCOREDUMP(status):
        raise StoppedError("no core")


def _pin_memory(room: Room) -> None:
    confine.PUT_UP[Wall.CAPABILITIES](confine.Bounds())  # root may pin what it likes
    page = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    room.put_up_wall()
    _check(_LIBC.mlock(ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE)))


# --- rights


def _regain_capabilities(room: Room) -> None:
    _become_privileged()
    confine.PUT_UP[Wall.CAPABILITIES](confine.Bounds())
    room.put_up_wall()
    _execute(_LOOK_FOR_CAPABILITIES, {})


def _use_a_capability(room: Room) -> None:
    _become_privileged()
    room.put_up_wall()
    os.chroot("/")


def _become_privileged() -> None:
    """Be root, if only in a namespace of users that this process has made."""
    uid = os.getuid()
    if uid == 0:
        return
    if _LIBC.unshare(0x10000000) != 0:  # CLONE_NEWUSER
        raise CannotTryError("an ordinary user has no privileges here, and cannot get any to give up")
    try:
        with open("/proc/self/uid_map", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(f"0 {uid} 1")
    except OSError as error:
        raise CannotTryError("an ordinary user cannot be root of a namespace here") from error


def _read_a_hidden_process(room: Room) -> None:
    confine.PUT_UP[Wall.CAPABILITIES](confine.Bounds())  # root may read what it likes
    with _another_process(room.put_up_wall) as pid, open(f"/proc/{pid}/maps", "rb") as file:  # noqa: PTH123
        file.read(1)


# --- system calls


def _behind_the_wall(act: _Act) -> Callable[[Room], None]:
    def try_it(room: Room) -> None:
        room.put_up_wall()
        act()

    return try_it


def _connect(room: Room) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    client = socket.socket(socket.AF_INET)
    room.put_up_wall()
    client.connect(address)


def _trace(room: Room) -> None:
    with _another_process() as pid:
        room.put_up_wall()
        _check(_LIBC.ptrace(16, pid, None, None))  # PTRACE_ATTACH


def _read_memory_of_another(room: Room) -> None:
    class Span(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    theirs, ours = ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)
    remote = Span(ctypes.addressof(theirs), 8)
    local = Span(ctypes.addressof(ours), 8)
    with _another_process() as pid:
        room.put_up_wall()
        _check(_LIBC.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0))


def _receive_a_descriptor(room: Room) -> None:
    ours, theirs = socket.socketpair()
    socket.send_fds(theirs, [b"x"], [0])
    room.put_up_wall()
    ours.recvmsg(1, socket.CMSG_SPACE(array.array("i").itemsize))


def _write_to_another_descriptor(room: Room) -> None:
    _, write_end = os.pipe()
    room.put_up_wall()
    os.write(write_end, b"x")


def _send_to_another_socket(room: Room) -> None:
    ours, _theirs = socket.socketpair()
    room.put_up_wall()
    ours.send(b"x")


def _receive_from_another_socket(room: Room) -> None:
    ours, theirs = socket.socketpair()
    theirs.send(b"x")
    room.put_up_wall()
    ours.recv(1)


def _make_memory_executable(room: Room) -> None:
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    room.put_up_wall()
    _check(_LIBC.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE), 5))


def _call_in_32_bits(room: Room) -> None:
    """Call getpid by its number of the 32-bit architecture, which is another call in 64 bits."""
    code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"  # mov eax, 20; int 0x80; ret
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=7, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    page.write(code)
    getpid = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    room.put_up_wall()
    if getpid() != os.getpid():
        raise CannotTryError("this kernel has no 32-bit calls")


def _start_a_thread() -> None:
    import _thread  # late: the only attempt that needs it

    _thread.start_new_thread(lambda: None, ())


def _open_what_belongs_to_the_parent() -> None:
    os.close(os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY))


_FILTERED: Final[dict[str, _Act]] = {
    "open a file": lambda: os.open("/", os.O_RDONLY),
    "open a file for writing": lambda: os.open(os.devnull, os.O_WRONLY),
    "read its parent's environment in /proc": _open_what_belongs_to_the_parent,
    "make a file in memory": lambda: os.memfd_create("trial"),
    "look at its directory": os.getcwd,
    "duplicate a descriptor": lambda: os.dup(SOCKET_FD),
    "make a pipe": os.pipe,
    "make a socket": lambda: socket.socket(socket.AF_INET),
    "start a thread": _start_a_thread,
    "execute a program": lambda: _execute(f"exit {THROUGH_STATUS}", {}),
    "make a namespace": lambda: _check(_LIBC.unshare(0)),
    "become another user": lambda: os.setuid(os.getuid()),
    "signal another process": lambda: os.kill(os.getppid(), 0),
    "signal itself": lambda: os.kill(os.getpid(), 0),
    "read a limit of its own": lambda: resource.getrlimit(resource.RLIMIT_CPU),
    "stop the timer of its CPU time": lambda: signal.setitimer(signal.ITIMER_PROF, 0),
    "ignore the signal of that timer": lambda: signal.signal(signal.SIGPROF, signal.SIG_IGN),
    "read the clock of another process": lambda: time.clock_gettime((~os.getppid() << 3) | 2),
    "sleep": lambda: time.sleep(0.001),
    "map memory that can be executed": lambda: mmap.mmap(-1, 4096, mmap.MAP_PRIVATE, 7),
    "map memory that others share": lambda: mmap.mmap(-1, 4096, mmap.MAP_SHARED),
}


# --- from outside


def _outlive_the_parent(room: Room) -> None:
    _LIBC.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: the orphan comes to this process
    if (parent := os.fork()) == 0:
        _leave_an_orphan(room, os.getpid())
    os.waitpid(parent, 0)
    _, status = os.waitpid(-1, 0)
    if os.WIFSIGNALED(status):
        raise StoppedError(signal.Signals(os.WTERMSIG(status)).name)


def _leave_an_orphan(room: Room, our_pid: int) -> NoReturn:
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        if room.is_wall_up:
            confine.die_with_parent(our_pid)
            confine.confine_child(confine.Bounds())  # no other wall may undo this one
        os.write(write_end, b"x")
        while os.getppid() == our_pid:
            time.sleep(0.01)
        os._exit(0)
    os.read(read_end, 1)
    os._exit(0)


# --- tools


def _execute(script: str, environment: dict[str, str]) -> NoReturn:
    os.execve("/bin/sh", ("sh", "-c", script), environment)  # noqa: S606 - a fixed program


@contextlib.contextmanager
def _another_process(before: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Have a process that has called `before`, and waits until this one ends."""
    our_pid = os.getpid()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        confine.die_with_parent(our_pid)
        before()
        os.write(write_end, b"x")
        select.select([], [], [], limits.TRIAL_ATTEMPT_S)
        os._exit(0)
    os.read(read_end, 1)
    yield pid


def _check(status: int) -> None:
    if status < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_SIGSYS: Final = ("SIGSYS",)

ATTEMPTS: Final = (
    Attempt(Wall.ENVIRONMENT, "read a variable of the environment", ("nothing there",), _see_the_environment),
    Attempt(Wall.DESCRIPTORS, "use a descriptor of its parent", ("EBADF",), _use_a_descriptor),
    Attempt(
        Wall.ENGINE_MEMORY, "take more than 64 MiB in a script", ("the engine",), _take_memory_of_the_engine
    ),
    Attempt(Wall.ENGINE_STACK, "recurse beyond 1 MiB in a script", ("the engine",), _recurse_in_the_engine),
    Attempt(Wall.ENGINE_TIME, "loop in a script", ("the engine",), _loop_in_the_engine),
    Attempt(Wall.ADDRESS_SPACE, "map 512 MiB", ("ENOMEM",), _map_memory),
    Attempt(Wall.STACK, "grow the stack beyond 4 MiB", ("SIGSEGV",), _grow_the_stack),
    Attempt(Wall.CPU_TIME, "compute in the engine's native code", ("SIGPROF",), _compute_in_native_code),
    Attempt(Wall.CPU_TIME, "compute after stopping the timer", ("SIGXCPU",), _compute_without_the_timer),
    Attempt(Wall.OPEN_FILES, "open a file", ("EMFILE",), _behind_the_wall(lambda: os.open("/", os.O_RDONLY))),
    Attempt(Wall.PROCESSES, "fork", ("EAGAIN",), _fork),
    Attempt(Wall.FILE_SIZE, "write to a file", ("EFBIG",), _write_to_a_file),
    Attempt(Wall.CORE_DUMPS, "dump core", ("no core",), _dump_core),
    Attempt(Wall.KERNEL_MEMORY, "pin memory", ("EPERM",), _pin_memory),
    Attempt(Wall.NO_NEW_PRIVILEGES, "regain capabilities by a program", ("EPERM",), _regain_capabilities),
    Attempt(Wall.CAPABILITIES, "change its root directory", ("EPERM",), _use_a_capability),
    Attempt(Wall.HIDDEN_MEMORY, "read another process in /proc", ("EACCES",), _read_a_hidden_process),
    *(
        Attempt(Wall.SYSCALL_FILTER, tried, _SIGSYS, _behind_the_wall(act))
        for tried, act in _FILTERED.items()
    ),
    Attempt(Wall.SYSCALL_FILTER, "fork", _SIGSYS, _fork),
    Attempt(Wall.SYSCALL_FILTER, "connect a socket that it has", _SIGSYS, _connect),
    Attempt(Wall.SYSCALL_FILTER, "trace another process", _SIGSYS, _trace),
    Attempt(Wall.SYSCALL_FILTER, "read another's memory", _SIGSYS, _read_memory_of_another),
    Attempt(Wall.SYSCALL_FILTER, "receive a descriptor", _SIGSYS, _receive_a_descriptor),
    Attempt(Wall.SYSCALL_FILTER, "write to another descriptor", _SIGSYS, _write_to_another_descriptor),
    Attempt(Wall.SYSCALL_FILTER, "send on another socket", _SIGSYS, _send_to_another_socket),
    Attempt(Wall.SYSCALL_FILTER, "receive from another socket", _SIGSYS, _receive_from_another_socket),
    Attempt(Wall.SYSCALL_FILTER, "make its memory executable", _SIGSYS, _make_memory_executable),
    *(
        [Attempt(Wall.SYSCALL_FILTER, "make a 32-bit call", _SIGSYS, _call_in_32_bits)]
        if platform.machine() == "x86_64"
        else []
    ),
    Attempt(Wall.DIES_WITH_PARENT, "live on without its parent", ("SIGKILL",), _outlive_the_parent),
)
