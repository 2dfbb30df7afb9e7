"""`Sandbox.run`: one script, one child, one outcome.

A warm child always stands ready, so that a script does not wait for the fork. A script whose
zygote died gets an error; the next one gets a new zygote.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.sandbox.conversation import ChildLostError, Conversation
from ovh_api_mcp.sandbox.cores import Cores, CoreShare
from ovh_api_mcp.sandbox.fair_queue import FairQueue, no_turn
from ovh_api_mcp.sandbox.outcome import AnswerCall, Outcome, ScriptLimits
from ovh_api_mcp.sandbox.outstanding_calls import Turns
from ovh_api_mcp.sandbox.script import Script
from ovh_api_mcp.sandbox.walls import WallFault
from ovh_api_mcp.sandbox.zygote_process import Child, ZygoteProcess

_log = logging.getLogger(__name__)
_ATTEMPTS: Final = 3  # a child may be killed before it had its script; nothing has happened then

LoadDocument = Callable[[], Iterator[bytes]]


def _no_document() -> Iterator[bytes]:
    yield b'{"details":[],"document":{}}'


class Sandbox:
    """Runs scripts over one document at a time.

    `load_document` yields pieces of JSON text: {"details": [text, …], "document": {…}}. In the
    document, an object with the key "…" (whose value is [index, name, …]) has those properties
    too; their JSON text, one object, stands in `details` at that index (see prelude.js).
    """

    def __init__(self, *, load_document: LoadDocument = _no_document) -> None:
        self._load_document = load_document
        self._zygote: ZygoteProcess | None = None
        self._starting: asyncio.Task[ZygoteProcess] | None = None
        self._spare: asyncio.Task[Child] | None = None
        self._retiring: set[ZygoteProcess] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._writes: set[asyncio.Task[None]] = set()
        self._cores = Cores()
        self._executing = FairQueue(
            "scripts",
            limits.SCRIPTS_RUNNING,
            each=limits.SCRIPTS_RUNNING_PER_CLIENT,
            waiting=limits.SCRIPTS_QUEUED,
            waiting_each=limits.SCRIPTS_QUEUED_PER_CLIENT,
        )
        self._turns = Turns.of_one_server()
        self._told_faults: set[WallFault] = set()
        self._is_closed = False

    def warm_up(self) -> None:
        """Begin to start the zygote, if none runs; returns at once."""
        if not self._is_closed and (self._zygote is None or self._zygote.is_dead):
            self._begin_start()

    def switch_document(self, load_document: LoadDocument) -> None:
        """Run the scripts that come from now on over another document; returns at once.

        Scripts that are running finish on the old one.
        """
        self._load_document = load_document
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        self._retire()
        self.warm_up()

    async def run(
        self, script: Script, answer_call: AnswerCall, bounds: ScriptLimits, *, client: str = ""
    ) -> Outcome:
        """Run one script for `client`, clients taking turns; being cancelled kills it.

        Raises:
            InternalError: `busy` when too many scripts wait, `sandbox-unavailable`.
        """
        async with AsyncExitStack() as held:
            core = await self._admit(client, bounds, held)
            return await self._run(script, answer_call, bounds, client, core)

    async def _run(
        self, script: Script, answer_call: AnswerCall, bounds: ScriptLimits, client: str, core: CoreShare
    ) -> Outcome:
        for _ in range(_ATTEMPTS):
            child = await self._take_child()
            try:
                conversation = Conversation(
                    child,
                    script,
                    answer_call,
                    bounds,
                    client=client,
                    core=core,
                    turns=self._turns,
                    end_child=partial(self._end_soon, child),
                    take_over=self._take_over,
                )
                order = partial(self._order, conversation)
                core.control(stop=partial(order, child.stop), go_on=partial(order, child.go_on))
                await conversation.wait_ready()
                with self._spare_soon(child.zygote):
                    return await conversation.run()
            except ChildLostError:
                _log.warning("event=child-lost pid=%d", child.pid)
            finally:
                self._end_soon(child)
        raise _no_process()

    async def aclose(self) -> None:
        """End every script and every process of the sandbox."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        self._retire()
        if self._writes:
            _, late = await asyncio.wait(self._writes, timeout=limits.GRACE_S)
            for write in late:
                write.cancel()
        while self._chores:
            await asyncio.wait(self._chores)

    # --- places

    async def _admit(self, client: str, bounds: ScriptLimits, held: AsyncExitStack) -> CoreShare:
        """Wait for what a script needs to begin, limits.QUEUE_WAIT_S in all; `held` gives it back.

        That is a core, and for a script that may wait for the API one of the places for these.
        """
        core = self._cores.share(client)
        try:
            async with asyncio.timeout(limits.QUEUE_WAIT_S):
                if bounds.may_call:
                    await self._executing.take(client)
                    held.callback(self._executing.give_back, client)
                await self._ready_zygote()
                held.callback(core.end)
                await core.begin()
        except TimeoutError:
            raise no_turn("scripts") from None
        return core

    # --- children

    async def _take_child(self) -> Child:
        """Return the spare child or a new one, of a new zygote where the old one has died unnoticed."""
        for _ in range(_ATTEMPTS):
            zygote = await self._ready_zygote()
            try:
                return await self._child_of(zygote)
            except InternalError:
                if not zygote.is_dead:
                    raise
        raise _no_process()

    async def _child_of(self, zygote: ZygoteProcess) -> Child:
        spare, self._spare = self._spare, None
        if spare is not None:
            with contextlib.suppress(InternalError):
                child = await _uncancelled(spare, self._end_soon)
                if child.zygote is zygote and not child.exited.done():
                    return child
                self._end_soon(child)
        return await _uncancelled(asyncio.create_task(zygote.spawn()), self._end_soon)

    def _prepare_spare(self, zygote: ZygoteProcess) -> None:
        if self._spare is None and zygote is self._zygote and not zygote.is_dead and not self._is_closed:
            self._spare = asyncio.create_task(zygote.spawn())
            self._spare.add_done_callback(_look_at)

    @contextmanager
    def _spare_soon(self, zygote: ZygoteProcess) -> Iterator[None]:
        """Prepare the next child when the script has ended, or a little later where it takes longer.

        At once would be too soon: a fork and its page copies slow down a short script beside them, and
        the answer of one that has ended.
        """
        loop = asyncio.get_running_loop()
        later = loop.call_later(limits.SPARE_DELAY_S, self._prepare_spare, zygote)
        try:
            yield
        finally:
            later.cancel()
            loop.call_later(limits.SPARE_AFTER_S, self._prepare_spare, zygote)

    def _order(
        self, conversation: Conversation, order: Callable[[], Coroutine[object, object, None]]
    ) -> None:
        self._chore(order())
        conversation.set_clock()

    def _end_soon(self, child: Child) -> None:
        """Have a child ended, once: its conversation asks for it, and so does whoever took the child."""
        if not child.is_ending:
            child.is_ending = True
            self._chore(self._end(child))

    async def _end(self, child: Child) -> None:
        await child.end()
        self._close_if_done(child.zygote)

    # --- zygotes

    async def _ready_zygote(self) -> ZygoteProcess:
        if self._is_closed:
            raise InternalError("The sandbox is closed.", code="sandbox-unavailable")
        if self._zygote is not None and self._zygote.is_dead:
            self._retire()
        while self._zygote is None:
            starting = self._begin_start()
            try:
                await asyncio.shield(starting)
            except asyncio.CancelledError:
                if not starting.cancelled() or _is_cancelled() or self._is_closed:
                    raise
        return self._zygote

    def _begin_start(self) -> asyncio.Task[ZygoteProcess]:
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(_look_at)
        return self._starting

    async def _start(self) -> ZygoteProcess:
        zygote = await ZygoteProcess.start(self._load_document())
        self._tell_faults(zygote)
        self._retire()
        self._zygote = zygote
        self._prepare_spare(zygote)
        return zygote

    def _tell_faults(self, zygote: ZygoteProcess) -> None:
        """Log the walls that are missing here, once and not again for each new zygote."""
        for fault in zygote.wall_faults:
            if fault in self._told_faults:
                continue
            self._told_faults.add(fault)
            if fault.stands:
                _log.info("event=sandbox-wall-weak wall=%s reason=%r", fault.wall, fault.reason)
            else:
                _log.warning("event=sandbox-wall-missing wall=%s reason=%r", fault.wall, fault.reason)

    def _retire(self) -> None:
        """Take the present zygote out of service; it ends when its last script does."""
        zygote, self._zygote = self._zygote, None
        spare, self._spare = self._spare, None
        if spare is not None:
            self._chore(self._end_spare(spare))
        if zygote is not None:
            self._retiring.add(zygote)
            self._close_if_done(zygote)

    async def _end_spare(self, spare: asyncio.Task[Child]) -> None:
        with contextlib.suppress(InternalError):
            await self._end(await spare)

    def _close_if_done(self, zygote: ZygoteProcess) -> None:
        if zygote in self._retiring and (zygote.child_count == 0 or self._is_closed):
            self._retiring.discard(zygote)
            self._chore(zygote.aclose())

    def _take_over(self, write: asyncio.Task[None]) -> None:
        """Wait for a write whose script is gone, as long as for that of a script that has ended."""
        giving_up = asyncio.get_running_loop().call_later(limits.UNAWAITED_WRITE_S, write.cancel)
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        write.add_done_callback(lambda _: giving_up.cancel())

    def _chore(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task


def _is_cancelled() -> bool:
    """Tell whether it is this very task that was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _no_process() -> InternalError:
    return InternalError(
        "No process for the script could be kept alive.", code="sandbox-unavailable", hint="call again"
    )


async def _uncancelled(task: asyncio.Task[Child], dispose: Callable[[Child], None]) -> Child:
    """Wait for a child; when the waiter is cancelled, see to it that the child is not left behind."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(
            lambda done: None if done.cancelled() or done.exception() else dispose(done.result())
        )
        raise


def _look_at(task: asyncio.Task[ZygoteProcess] | asyncio.Task[Child]) -> None:
    """Keep asyncio from complaining about a failure that the next taker meets anyway."""
    if not task.cancelled():
        task.exception()
