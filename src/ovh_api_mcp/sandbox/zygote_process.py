"""The server's end of a zygote: start it, give it the document, have children from it, end it.

Contract: only the zygote knows whether a pid is still its child, so every kill goes through it;
when it is gone, the kernel and the closed sockets end its children.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError, cut_foreign
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.sandbox import frames
from ovh_api_mcp.sandbox.frames import FrameType
from ovh_api_mcp.sandbox.inside_process import start_inside
from ovh_api_mcp.sandbox.walls import WallFault, parse_faults

_log = logging.getLogger(__name__)
_COMPLAINT_BYTES: Final = 4 * limits.KIB  # what is read of a zygote's last words
_RECV_BYTES: Final = 64 * limits.KIB


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: the signal that killed it (0: none) and its exit status."""

    signal: int
    status: int


@dataclass(eq=False, slots=True)
class Child:
    """One forked child: its socket (non-blocking) and the future of its end."""

    pid: int
    channel: socket.socket
    exited: asyncio.Future[Exit]
    zygote: ZygoteProcess
    is_ending: bool = False

    async def stop(self) -> None:
        """Take the child off the cores until it may go on."""
        await self.zygote.order(FrameType.STOP, self.pid)

    async def go_on(self) -> None:
        """Let a stopped child compute again."""
        await self.zygote.order(FrameType.GO_ON, self.pid)

    async def end(self) -> None:
        """Kill the child if it lives, and wait until it has been reaped (at most limits.CHILD_END_S)."""
        self.channel.close()
        if not self.exited.done():
            await self.zygote.order(FrameType.KILL, self.pid)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limits.CHILD_END_S):
                    await asyncio.shield(self.exited)
        self.zygote.forget(self)


class ZygoteProcess:
    """A running zygote that holds one document."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._loaded: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._spawning: deque[asyncio.Future[int]] = deque()
        self._children: dict[int, Child] = {}
        self._early_exits: dict[int, Exit] = {}
        self._unwanted: set[int] = set()  # children whose taker has gone
        self._writing = asyncio.Lock()
        self._fault = ""
        self.wall_faults: tuple[WallFault, ...] = ()
        self._is_dead = False
        self._listener = asyncio.create_task(self._listen(), name="zygote-listener")

    @classmethod
    async def start(cls, document: Iterator[bytes]) -> ZygoteProcess:
        """Start a zygote and wait until it holds `document` (pieces of JSON text).

        Raises:
            InternalError: `sandbox-unavailable`.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await start_inside("zygote", channel=theirs)
        except OSError as error:
            ours.close()
            raise _unavailable(f"its process cannot be started: {error.strerror}") from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        zygote = cls(process, ours)
        try:
            async with asyncio.timeout(limits.ZYGOTE_START_S):
                for piece in document:
                    await zygote._send(FrameType.DOCUMENT, piece)
                await zygote._send(FrameType.DOCUMENT, b"")
                heap_bytes = await zygote._loaded
        except TimeoutError:
            await zygote.aclose()
            raise _unavailable(f"it did not start within {limits.ZYGOTE_START_S:g} s") from None
        except BaseException:
            await zygote.aclose()
            raise
        _log.debug("event=zygote-started pid=%d heap_bytes=%d", process.pid, heap_bytes)
        return zygote

    @property
    def is_dead(self) -> bool:
        """Tell whether no child can come from it any more."""
        return self._is_dead

    @property
    def pid(self) -> int:
        """The process id of the zygote."""
        return self._process.pid

    @property
    def child_count(self) -> int:
        """The number of children that have not been forgotten."""
        return len(self._children)

    async def spawn(self) -> Child:
        """Have a child.

        Raises:
            InternalError: `sandbox-unavailable`: the zygote died, or the system has no process for us.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        spawned: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limits.CHILD_START_S):
                with theirs:
                    await self._send(FrameType.SPAWN, b"", theirs, spawned)
                pid = await spawned
        except TimeoutError:
            ours.close()
            raise _unavailable("no child came within the time allowed") from None
        except BaseException:
            ours.close()
            raise
        if pid == 0:
            ours.close()
            raise _unavailable(
                "the system has no process or memory left for a script", hint="try again later"
            )
        child = Child(pid, ours, asyncio.get_running_loop().create_future(), self)
        self._children[pid] = child
        early = self._early_exits.pop(pid, None)
        if early is not None:
            child.exited.set_result(early)
        elif self._is_dead:
            child.exited.set_result(Exit(signal.SIGKILL, 0))
        return child

    async def order(self, what: FrameType, pid: int) -> None:
        """Have a child killed (KILL), stopped (STOP) or let go on (GO_ON); nothing when it has ended."""
        if not self._is_dead:
            with contextlib.suppress(InternalError):
                await self._send(what, frames.pack_json({"pid": pid}))

    def forget(self, child: Child) -> None:
        """Take note that nobody is interested in `child` any more."""
        self._children.pop(child.pid, None)

    async def aclose(self) -> None:
        """End the zygote and every child of it."""
        self._die("the sandbox was closed")
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener
        with contextlib.suppress(OSError):  # a sender that waits for the socket is woken by it
            self._control.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.CHILD_END_S), self._writing:
                pass
        self._control.close()
        try:
            async with asyncio.timeout(limits.CHILD_END_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    # --- the control channel

    async def _send(
        self,
        frame_type: FrameType,
        payload: bytes,
        descriptor: socket.socket | None = None,
        answer: asyncio.Future[int] | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        data = frames.encode(frame_type, payload)
        async with self._writing:
            self._check_alive()
            try:
                if descriptor is not None and answer is not None:
                    await _wait_writable(self._control)
                    self._check_alive()
                    sent = socket.send_fds(self._control, [data], [descriptor.fileno()])
                    self._spawning.append(answer)  # nothing may come between, or answers go astray
                    data = data[sent:]
                await loop.sock_sendall(self._control, data)
            except OSError:
                if not self._loaded.done():  # the listener learns why it could not start
                    await asyncio.wait({self._listener}, timeout=limits.CHILD_END_S)
                self._die("its process ended")
                raise _unavailable(self._fault or "its process ended") from None

    def _check_alive(self) -> None:
        if self._is_dead:
            raise _unavailable(self._fault or "its process ended")

    async def _listen(self) -> None:
        reader = frames.FrameReader(frames.FROM_ZYGOTE)
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(self._control, _RECV_BYTES):
                for frame_type, payload in reader.feed(data):
                    self._take(frame_type, frames.decode_json(payload))
        except (OSError, frames.FrameError, KeyError, ValueError) as error:
            _log.warning("event=zygote-channel-broken error=%s", type(error).__name__)
        if not self._loaded.done():
            await self._read_last_words()
        self._die("its process ended")

    async def _read_last_words(self) -> None:
        """Keep what a zygote that could not start wrote on its standard error, for the log."""
        assert self._process.stderr is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                words = (await self._process.stderr.read(_COMPLAINT_BYTES)).decode(errors="replace")
                self._fault = self._fault or cut_foreign(words.strip().rpartition("\n")[2])
                _log.error("event=zygote-not-started stderr=%r", cut_foreign(words, _COMPLAINT_BYTES))

    def _take(self, frame_type: FrameType, head: JsonObject) -> None:
        if frame_type is FrameType.LOADED:
            self.wall_faults = parse_faults(head.get("wall_faults"))
            _resolve(self._loaded, _number(head, "heap_bytes"))
        elif frame_type is FrameType.SPAWNED:
            if self._spawning:
                self._take_spawned(_number(head, "pid"))
        elif frame_type is FrameType.EXITED:
            self._take_exit(_number(head, "pid"), Exit(_number(head, "signal"), _number(head, "status")))
        elif frame_type is FrameType.FATAL:
            self._fault = cut_foreign(str(head.get("message", "")))
            _log.error("event=zygote-failed message=%r", self._fault)

    def _take_spawned(self, pid: int) -> None:
        waiting = self._spawning.popleft()
        if not waiting.done():
            waiting.set_result(pid)
        elif pid:  # whoever asked has gone: the closed socket ends the child
            self._unwanted.add(pid)

    def _take_exit(self, pid: int, how: Exit) -> None:
        child = self._children.get(pid)
        if child is not None:
            _resolve(child.exited, how)
        elif pid in self._unwanted:
            self._unwanted.discard(pid)
        elif len(self._early_exits) < limits.SCRIPTS_RUNNING:
            self._early_exits[pid] = how

    def _die(self, why: str) -> None:
        if self._is_dead:
            return
        self._is_dead = True
        fault = _unavailable(self._fault or why)
        if not self._loaded.done():
            self._loaded.set_exception(fault)
            self._loaded.exception()
        for waiting in self._spawning:
            if not waiting.done():
                waiting.set_exception(fault)
        for child in self._children.values():
            _resolve(child.exited, Exit(signal.SIGKILL, 0))


def _number(head: JsonObject, name: str) -> int:
    value = head[name]
    if not isinstance(value, int):
        raise frames.FrameError(f"{name} is no integer")
    return value


def _resolve(future: asyncio.Future[int] | asyncio.Future[Exit], value: int | Exit) -> None:
    if not future.done():
        future.set_result(value)  # type: ignore[arg-type]


async def _wait_writable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    writable = loop.create_future()
    loop.add_writer(channel, lambda: None if writable.done() else writable.set_result(None))
    try:
        await writable
    finally:
        loop.remove_writer(channel)


def _unavailable(why: str, *, hint: str = "") -> InternalError:
    return InternalError(
        f"The sandbox that runs scripts is not available: {why}.",
        code="sandbox-unavailable",
        hint=hint or "call again; if it stays, the log of the server says more",
    )
