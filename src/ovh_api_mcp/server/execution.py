"""One run of a script, told from top to bottom.

    the code is a script → the catalogue is there → it runs in the sandbox → its calls go through
    the gate, its lookups to the catalogue → advice on how it ended → what it returns is fitted to
    its budget

Every end of a run is a ToolAnswer, whatever went wrong, and a line in the log. Only cancellation
goes on upwards; on its way it kills the script. Writes that were sent are never hidden: an answer
without a result lists them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Final

import anyio
import anyio.to_thread

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import InternalError, OvhMcpError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper, Send, Through
from ovh_api_mcp.gate.question import Ask
from ovh_api_mcp.gate.remarks import Remarks
from ovh_api_mcp.journal.journal import Journal
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse, Sender
from ovh_api_mcp.sandbox.advice.advice import (
    Circumstances,
    advised,
    is_advice_needed,
    is_advice_quick,
)
from ovh_api_mcp.sandbox.advice.seen import AnswersSeen
from ovh_api_mcp.sandbox.call_room import CallRoom
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import Script, parse_script
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.accounts import Account, Accounts, AnswerLookup, ReportProgress
from ovh_api_mcp.server.answers import (
    ToolAnswer,
    bug,
    call_answer,
    errand_answer,
    error_answer,
    failed_call_answer,
    fitted_answer,
    lookup_answer,
)
from ovh_api_mcp.server.dry_run import DryRun, holds_unknown
from ovh_api_mcp.server.errand import Errand
from ovh_api_mcp.server.heap import Heap
from ovh_api_mcp.server.incomplete import with_notes_on_absences
from ovh_api_mcp.server.questions import AskPerson, Questions
from ovh_api_mcp.server.waiting import wait
from ovh_api_mcp.server.writes import Writes

_log = logging.getLogger(__name__)


class Tool(StrEnum):
    """The tools, in the order in which clients list them."""

    SEARCH = "search"
    EXECUTE = "execute"


_BOUNDS: Final[Mapping[Tool, ScriptLimits]] = {
    Tool.SEARCH: ScriptLimits(timeout_s=limits.SEARCH_TIMEOUT_S, may_call=False),
    Tool.EXECUTE: ScriptLimits(timeout_s=limits.EXECUTE_TIMEOUT_S),
}


_NOTHING_TO_WAIT_FOR: Final = CallAnswer(
    is_ok=True,
    json=b'{"settled":false,"status":null,"value":null,"next":"The real run waits here for what was begun."}',
)


class Execution:
    """Runs the scripts of both tools; the sandbox has the document of the first account's API."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        sandbox: Sandbox,
        redactor: Redactor,
        limit_code_bytes: int,
        limit_result_tokens: int,
        journal: Journal | None = None,
    ) -> None:
        self._accounts = accounts
        self._journal = journal
        self._sandbox = sandbox
        self._redactor = redactor
        self._limit_code_bytes = limit_code_bytes
        self._heap = Heap()
        self._limit_result_chars = limit_result_tokens * limits.CHARS_PER_TOKEN
        # Its own thread, so that a lookup whose script is gone is not begun, and none is one too many.
        self._looking_up = ThreadPoolExecutor(limits.LOOKUPS_AT_ONCE, thread_name_prefix="lookup")

    @property
    def redactor(self) -> Redactor:
        """What takes secrets out of all that is shown."""
        return self._redactor

    @property
    def account_names(self) -> tuple[str, ...]:
        """The accounts that a script may choose from; () where there is one."""
        return self._accounts.names

    async def run(
        self,
        tool: Tool,
        code: str,
        report: ReportProgress,
        *,
        client: str = "",
        person: AskPerson | None = None,
        is_dry: bool = False,
    ) -> ToolAnswer:
        """Return what the script `code` comes to; `report` hears of a catalogue that is being built.

        Clients take turns; `client` is what tells one from another. `person` asks whoever is behind
        it, None where nobody can be asked. Of a dry run nothing is sent that is no read.
        """
        script = hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
        dry = DryRun(self._redactor) if is_dry else None
        run = _Run(tool, Writes(self._redactor), client, Questions(person), self._journal, script, dry)
        try:
            answer = await self._run(run, code, report)
        except OvhMcpError as error:
            run.end = error.code
            answer = self._error_answer(error, run)
        except Exception:  # noqa: BLE001  # the outermost handler: further up it would tell a model nothing
            run.end = "bug"
            answer = self._error_answer(_logged_bug(tool), run)
        finally:
            run.log_end()
            await run.questions.aclose()
            run.writes.tell_late_ends()
        if dry is not None:
            answer = ToolAnswer((*answer.texts, dry.text()), answer.is_error)
        return answer.redacted(self._redactor)

    async def _run(self, run: _Run, code: str, report: ReportProgress) -> ToolAnswer:
        script = parse_script(code, limit_bytes=self._limit_code_bytes)
        default = self._accounts.default
        building = partial(run.tell_building, report)
        doors = {default: _Door(default, await default.wait_gate(building), default.lookups())}
        bounds = _BOUNDS[run.tool]
        known = Circumstances(bounds.may_call, AnswersSeen(), default.document())

        async def answer_call(call: ScriptCall) -> CallAnswer:
            run.lookups += call.is_lookup
            run.calls += not call.is_lookup
            try:
                account, call = self._accounts.pick(call)
                door = doors.get(account)
                if door is None:  # the run keeps to one catalogue of each
                    gate = await account.wait_gate(building)
                    door = doors[account] = _Door(account, gate, account.lookups())
            except OvhMcpError as error:
                return failed_call_answer(error, call, self._redactor)
            if call.is_lookup:
                return await self._answer_lookup(door.look_up, call, run.tool)
            through = partial(run.send, call.room, account, self._shown(account))
            ask = partial(run.questions.ask, call.room)
            remarks = run.remarks
            if run.dry is not None:
                through = partial(run.dry.send, door.gate, account.name)
                ask = partial(run.dry.ask, call.room)
                if holds_unknown(call.arguments, call.body):
                    if call.kind == "wait":
                        return _NOTHING_TO_WAIT_FOR
                    call = replace(call, arguments={**call.arguments, "validate": "warn"})
                    remarks = Remarks()  # what is made up fits no schema
            if call.is_errand:
                tell = partial(run.tell_progress, report, run.progress)
                errand = Errand(door.gate, call.room, through, run.remarks, tell, ask)
                return await self._answer_errand(errand, call, account)
            answer = await self._answer_call(
                door, call, through, remarks, ask, looks_first=run.dry is not None
            )
            known.seen.note(call, answer)
            self._heap.note(len(call.body or b"") + len(answer.json))
            return answer

        outcome = await self._sandbox.run(script, answer_call, bounds, client=run.client)
        run.end = outcome.failure.kind if outcome.failure else "returned"
        self._heap.note(len(outcome.result or b""))
        if is_advice_needed(outcome):
            outcome = await self._advised(outcome, script, known)
        outcome = replace(outcome, notes=(*outcome.notes, *run.remarks.notes))
        if run.tool is Tool.SEARCH or run.lookups:
            outcome = with_notes_on_absences(outcome, script.code, default.absences())
        return await self._fit(outcome, run.writes)

    async def _advised(self, outcome: Outcome, script: Script, known: Circumstances) -> Outcome:
        if is_advice_quick(outcome, script):
            return advised(outcome, script, known)
        return await anyio.to_thread.run_sync(advised, outcome, script, known)  # some read the document

    def _shown(self, account: Account) -> str:
        """Return the name of an account where writes have to be told apart, else ""."""
        return account.name if self._accounts.are_several else ""

    async def _answer_call(
        self,
        door: _Door,
        call: ScriptCall,
        through: Through,
        remarks: Remarks,
        ask: Ask,
        *,
        looks_first: bool,
    ) -> CallAnswer:
        gate = door.gate
        try:
            response = await gate.request(
                call.arguments,
                call.body,
                through=through,
                remarks=remarks,
                ask=ask,
                looks_first=looks_first,
            )
        except OvhMcpError as error:
            return failed_call_answer(error, call, self._redactor)
        except Exception:  # noqa: BLE001  # a bug in one call must not take the script with it
            return failed_call_answer(_logged_bug(Tool.EXECUTE), call, self._redactor)
        origin = self._accounts.origin(door.account, gate.origin(call.arguments))
        return call_answer(response, self._redactor, origin=origin)

    async def _answer_errand(self, errand: Errand, call: ScriptCall, account: Account) -> CallAnswer:
        try:
            if call.kind == "list":
                answer = await account.lists.read(call.arguments, errand, self._item_error)
            else:
                shown = self._shown(account)
                answer = await wait(call.arguments, errand, account.readers, account=shown)
        except OvhMcpError as error:
            return failed_call_answer(error, _as_read(call), self._redactor)
        except Exception:  # noqa: BLE001  # likewise
            return failed_call_answer(_logged_bug(Tool.EXECUTE), _as_read(call), self._redactor)
        self._heap.note(len(answer))
        return errand_answer(answer, self._redactor)

    def _item_error(self, error: OvhMcpError, arguments: JsonObject) -> str:
        call = ScriptCall("request", {"method": "GET", **arguments})
        return failed_call_answer(error, call, self._redactor).json.decode()

    async def _answer_lookup(self, look_up: AnswerLookup, call: ScriptCall, tool: Tool) -> CallAnswer:
        loop = asyncio.get_running_loop()
        try:
            value = await loop.run_in_executor(self._looking_up, look_up, call)
        except OvhMcpError as error:
            return failed_call_answer(error, call, self._redactor)
        except Exception:  # noqa: BLE001  # likewise
            return failed_call_answer(_logged_bug(tool), call, self._redactor)
        return lookup_answer(value, self._redactor)

    async def _fit(self, outcome: Outcome, writes: Writes) -> ToolAnswer:
        fit = partial(fitted_answer, outcome, writes, self._redactor, budget_chars=self._limit_result_chars)
        if outcome.result is None or len(outcome.result) < limits.FITTED_AT_ONCE_BYTES:
            return fit()
        return await anyio.to_thread.run_sync(fit)  # a large one may take a second

    def _error_answer(self, error: OvhMcpError, run: _Run) -> ToolAnswer:
        return error_answer(error, run.writes, budget_chars=self._limit_result_chars)


@dataclass(frozen=True, slots=True)
class _Door:
    """An account as one run sees it: the gate to it, and what answers lookups."""

    account: Account
    gate: Gatekeeper
    look_up: AnswerLookup


@dataclass(slots=True)
class _Run:
    """What is known of one run; whatever ends it without saying so is a cancellation."""

    tool: Tool
    writes: Writes
    client: str
    questions: Questions
    journal: Journal | None
    script: str
    dry: DryRun | None
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    calls: int = 0
    lookups: int = 0
    progress: float = 0.0
    remarks: Remarks = field(default_factory=Remarks)
    end: str = "cancelled"
    started: float = field(default_factory=time.monotonic)

    async def send(
        self, room: CallRoom, account: Account, shown: str, request: ApiRequest, send: Send
    ) -> ApiResponse:
        """Send a request in the name of this run, within its time; a write is recorded, and followed."""
        named = replace(request, sender=Sender(self.name, room.time_left_s))
        follow = partial(self.writes.send, named, send, account=shown)
        if self.journal is None or request.method is Method.GET:
            return await follow()
        write = self.journal.write_of(
            request, account=account.name, endpoint=account.endpoint, script=self.script, client=self.client
        )
        return await self.journal.around(write, follow, hidden=request.reason.hidden)

    async def tell_building(self, report: ReportProgress, done: float, total: float, what: str) -> None:
        """Tell the client how the building of a catalogue goes on."""
        self.progress = max(self.progress, done)
        await report(done, total, what)

    async def tell_progress(
        self, report: ReportProgress, before: float, what: str, done: int, of: int
    ) -> None:
        """Tell the client how an errand goes on which began at `before`; the number has to grow each time."""
        self.progress = max(before + done, self.progress + 1)
        await report(self.progress, max(before + of, self.progress) if of else 0, what)

    def log_end(self) -> None:
        """Log the one line that every run leaves."""
        _log.info(
            "event=run tool=%s end=%s calls=%d lookups=%d writes=%d wall_ms=%d",
            self.tool,
            self.end,
            self.calls,
            self.lookups,
            len(self.writes),
            (time.monotonic() - self.started) * 1000,
        )


def _as_read(call: ScriptCall) -> ScriptCall:
    """Return the GET that an errand is about, as far as a script says it, to stand in the error it gets."""
    given = call.arguments.get("path", call.arguments.get("target"))
    options = call.arguments.get("options")
    read: JsonObject = {"method": "GET"}
    for each in (options, given):
        read |= (
            {name: each[name] for name in ("path", "params") if name in each}
            if isinstance(each, dict)
            else {}
        )
    if isinstance(given, str):
        read["path"] = given
    origin = call.arguments.get("origin")
    if isinstance(origin, str):  # an object that a call gave: the call itself is what is known of it
        method, _, path = origin.partition(" ")
        read = {"method": method, "path": path}
    return replace(call, arguments=read)


def _logged_bug(tool: Tool) -> InternalError:
    """Log the exception that is being handled, and return what may be said of it."""
    reference = secrets.token_hex(4)
    _log.exception("event=bug reference=%s tool=%s", reference, tool)
    return bug(reference)
