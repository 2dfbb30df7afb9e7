"""Holds the parsed document and forks one child per script.

The server starts it with a descriptor and the directories to import from (inside_process.py). A
fresh interpreter without secrets in its memory or environment, with one thread. It reads the
document from the descriptor (a Unix socket), then waits for orders. It ends when the server does,
and its children end with it.
"""

import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Final, NoReturn

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox import frames
from ovh_api_mcp.sandbox.frames import FrameType
from ovh_api_mcp.sandbox.inside import confine
from ovh_api_mcp.sandbox.inside.engine import Engine
from ovh_api_mcp.sandbox.inside.guest import Guest
from ovh_api_mcp.sandbox.inside.syscall_filter import find_filter
from ovh_api_mcp.sandbox.walls import encode_faults

_RECV_BYTES: Final = 256 * limits.KIB
_SIGNALS: Final = {
    FrameType.KILL: signal.SIGKILL,
    FrameType.STOP: signal.SIGSTOP,
    FrameType.GO_ON: signal.SIGCONT,
}


class Zygote:
    """The order book of one process; every method runs in its only thread."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._reader = frames.FrameReader(frames.TO_ZYGOTE)
        self._engine = Engine()
        self._heap_bytes = 0
        self._document = bytearray()
        self._filter, filter_fault = find_filter()
        self._faults = confine.find_faults(filter_fault)
        self._bounds = confine.Bounds()
        self._children: set[int] = set()
        self._descriptors: list[int] = []
        self._wake, wake_end = socket.socketpair()
        self._wake.setblocking(False)
        wake_end.setblocking(False)
        self._wake_end = wake_end
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_end.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Follow orders until the server closes its end."""
        while True:
            readable, _, _ = select.select([self._control, self._wake], [], [])
            if self._wake in readable:
                self._wake.recv(4096)
                self._reap()
            if self._control in readable and not self._take_orders():
                return

    def _take_orders(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, _RECV_BYTES, 16)
        self._descriptors += descriptors
        if not data:
            return False
        for frame_type, payload in self._reader.feed(data):
            self._follow(frame_type, payload)
        return True

    def _follow(self, frame_type: FrameType, payload: bytes) -> None:
        if frame_type is FrameType.DOCUMENT:
            self._document += payload
            if not payload:
                self._load()
        elif frame_type is FrameType.SPAWN:
            self._spawn(self._descriptors.pop(0))
        else:
            self._signal(int(str(frames.decode_json(payload)["pid"])), _SIGNALS[frame_type])

    def _load(self) -> None:
        text = self._document.decode()
        self._document = bytearray()
        self._heap_bytes = self._engine.load(text)
        del text
        gc.collect()
        gc.freeze()  # a collection in a child would touch, and so copy, every page of the interpreter's
        gc.disable()
        self._bounds = confine.bounds_of_child(
            mapped_bytes=confine.mapped_bytes(), syscall_filter=self._filter
        )
        self._say(
            FrameType.LOADED, {"heap_bytes": self._heap_bytes, "wall_faults": encode_faults(self._faults)}
        )

    def _spawn(self, descriptor: int) -> None:
        channel = socket.socket(fileno=descriptor)
        try:
            pid = os.fork()
        except OSError:
            channel.close()
            self._say(FrameType.SPAWNED, {"pid": 0})
            return
        if pid == 0:
            self._be_a_child(channel)
        channel.close()
        self._children.add(pid)
        self._say(FrameType.SPAWNED, {"pid": pid})

    def _be_a_child(self, channel: socket.socket) -> NoReturn:
        """Put up the walls and serve one script; nothing returns from here into the zygote's loop."""
        try:
            confine.die_with_parent(_ZYGOTE_PID)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.detach()
            self._wake.detach()
            self._wake_end.detach()
            channel = confine.keep_only(channel)
            self._engine.host("seed", os.urandom(limits.SCRIPT_RANDOM_BYTES).hex())
            self._engine.host("rehearse")
            confine.confine_child(self._bounds)
            Guest(self._engine, self._heap_bytes, channel).serve()
        except BaseException:  # noqa: BLE001 - whatever it is, it must not unwind into the parent's code
            os._exit(1)
        os._exit(0)

    def _signal(self, pid: int, number: signal.Signals) -> None:
        # Contract: only this process reaps, so a pid in the set cannot belong to anybody else.
        if pid in self._children:
            os.kill(pid, number)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
            self._say(FrameType.EXITED, {"pid": pid, "signal": number, "status": code})

    def _say(self, frame_type: FrameType, head: Mapping[str, object]) -> None:
        self._control.sendall(frames.encode_json(frame_type, head))

    def kill_all(self) -> None:
        """Leave no child behind."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)


_ZYGOTE_PID = os.getpid()


def main() -> None:
    """Serve the descriptor named by the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    confine.die_with_parent(os.getppid())
    confine.hide_memory()
    zygote: Zygote | None = None
    try:
        zygote = Zygote(control)
        zygote.serve()
    except ConnectionError:
        pass  # the server is gone: the end is the same as when it closes its end
    except Exception as error:  # noqa: BLE001 - told to the server, which shows it to a person
        message = f"{type(error).__name__}: {error}"
        control.sendall(frames.encode_json(FrameType.FATAL, {"message": message[:1000]}))
    finally:
        if zygote is not None:
            zygote.kill_all()
