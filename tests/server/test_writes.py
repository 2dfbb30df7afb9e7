"""Writes that were sent are never hidden, however the run ends."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import anyio
import pytest

from ovh_api_mcp.catalog.model import Lifecycle, Method, Operation, Parameter
from ovh_api_mcp.errors import ApiError, NetworkError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import CHARS_PER_TOKEN
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.sandbox.outcome import AnswerCall, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import Script
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server import execution as execution_module
from ovh_api_mcp.server.accounts import Account, Accounts, ReportProgress
from ovh_api_mcp.server.answers import ToolAnswer
from ovh_api_mcp.server.execution import Execution, Tool
from ovh_api_mcp.server.writes import Writes

pytestmark = pytest.mark.anyio

_CANARY = "c4nary-of-the-writes"
_CUT = NetworkError("cut", code="connection-lost", hint="look", may_have_happened=True)
Send = Callable[[ApiRequest], Awaitable[ApiResponse]]


class Things:
    """A catalogue of things that can be read, made and removed."""

    def routes(self) -> Iterable[tuple[Method, str]]:
        return [(method, "/v1/thing/{id}") for method in (Method.GET, Method.POST, Method.DELETE)]

    def operation(self, method: Method, path: str) -> Operation | None:
        parameters = (Parameter("id", "path", True, {}),)
        return Operation(
            method,
            path,
            f"{method}-thing",
            "v1/thing",
            "",
            Lifecycle.PRODUCTION,
            True,
            parameters,
            False,
            False,
        )

    def schema(self, name: str) -> JsonObject:
        return {}


class Api:
    """Answers by the last segment of the path; every other request succeeds."""

    def __init__(self) -> None:
        self.answers: dict[str, Exception] = {}
        self.sent: list[str] = []

    async def send(self, request: ApiRequest) -> ApiResponse:
        self.sent.append(request.target)
        answer = self.answers.get(request.target.rsplit("/", 1)[1])
        if answer is not None:
            raise answer
        return ApiResponse(200, {}, b"null", "query-1")


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    await sandbox.aclose()


@pytest.fixture
def execution(api: Api, sandbox: Sandbox) -> Execution:
    return make(api.send, sandbox)


def make(send: Send, sandbox: Sandbox, limit_tokens: int = 2_000) -> Execution:
    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        return Gatekeeper(Things(), send)

    return Execution(
        accounts=Accounts(Account(wait_gate=wait_gate, lookups=lambda: lambda call: None)),
        sandbox=sandbox,
        redactor=Redactor([Secret(_CANARY)]),
        limit_code_bytes=10_000,
        limit_result_tokens=limit_tokens,
    )


async def run(execution: Execution, body: str) -> ToolAnswer:
    """Run statements in which `write(id)` makes a thing, `call(method, path)` calls anything."""
    code = f"""async () => {{
      const call = (method, path) => ovh.request({{ method, path }});
      const write = id => call("POST", "/v1/thing/" + id);
      {body}
    }}"""

    async def no_report(done: float, total: float, message: str) -> None:
        """Take no notice of progress."""

    return await execution.run(Tool.EXECUTE, code, no_report)


def written(answer: ToolAnswer) -> list[str]:
    """Return the lines below "Sent before that:"."""
    assert answer.is_error
    _, _, listed = answer.texts[0].partition("\nSent before that:\n")
    return listed.splitlines()


async def test_a_script_that_fails_after_a_write_tells_of_it(execution: Execution) -> None:
    answer = await run(execution, "await write(1); return thing;")
    assert answer.texts[0].startswith("ReferenceError: ")
    assert written(answer) == ["POST /v1/thing/1 → 200"]


async def test_writes_are_listed_in_order_with_their_ends(execution: Execution, api: Api) -> None:
    api.answers = {
        "no": ApiError("no", status=403),
        "cut": _CUT,
        "unsent": NetworkError("nobody there", code="connect-failed", hint="x"),
        "bug": ZeroDivisionError(),
    }
    answer = await run(
        execution,
        """for (const id of ["no", "cut", "unsent", "bug", "yes"]) await write(id).catch(() => {});
           await call("DELETE", "/v1/thing/1");
           await call("GET", "/v1/thing/2");
           await call("PUT", "/v1/thing/3").catch(() => {});
           await write("{id}").catch(() => {});
           throw new Error("oh");""",
    )
    assert written(answer) == [
        "POST /v1/thing/no → 403",
        "POST /v1/thing/cut → may have been processed",
        "POST /v1/thing/bug → may have been processed",
        "POST /v1/thing/yes → 200",
        "DELETE /v1/thing/1 → 200",
    ]


async def test_a_write_nobody_waited_for_is_told_too(execution: Execution) -> None:
    answer = await run(execution, "write(1); await call('GET', '/v1/thing/1'); throw new Error('oh');")
    assert written(answer) == ["POST /v1/thing/1 → 200"]


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("for (;;) {}", "TimeoutError"),
        ("const all = []; for (;;) all.push('x'.repeat(1e6) + all.length);", "OutOfMemory"),
        ("await new Promise(() => {});", "NeverSettles"),
    ],
)
async def test_every_kind_of_failure_tells_of_the_writes(
    execution: Execution, monkeypatch: pytest.MonkeyPatch, ending: str, name: str
) -> None:
    monkeypatch.setattr(execution_module, "_BOUNDS", {Tool.EXECUTE: ScriptLimits(timeout_s=1.0)})
    answer = await run(execution, f"await write(1); {ending}")
    assert answer.texts[0].startswith(f"{name}: ")
    assert written(answer) == ["POST /v1/thing/1 → 200"]


async def test_a_bug_in_a_run_does_not_hide_its_writes(api: Api) -> None:
    class Broken(Sandbox):
        async def run(
            self, script: Script, answer_call: AnswerCall, bounds: ScriptLimits, *, client: str = ""
        ) -> Outcome:
            await answer_call(ScriptCall("request", {"method": "POST", "path": "/v1/thing/1"}))
            raise ZeroDivisionError

    answer = await run(make(api.send, Broken()), "")
    assert answer.texts[0].startswith("Internal error, reference ")
    assert written(answer) == ["POST /v1/thing/1 → 200"]


@pytest.mark.parametrize("limit_tokens", [250, 2_000])
async def test_many_writes_are_counted_and_cost_the_error_its_end_only(
    api: Api, sandbox: Sandbox, limit_tokens: int
) -> None:
    answer = await run(
        make(api.send, sandbox, limit_tokens),
        """for (let id = 0; id < 100; id++) await write("a-long-enough-name-of-a-thing-" + id);
           console.log("x".repeat(5000));
           throw new Error("y".repeat(4000));""",
    )
    *lines, rest = written(answer)
    assert 1 <= len(lines) <= 20
    assert lines[0] == "POST /v1/thing/a-long-enough-name-of-a-thing-0 → 200"
    assert rest == f"… and {100 - len(lines)} more ({100 - len(lines)} → 200)"
    assert answer.texts[0].startswith("Error: yyy")
    assert sum(map(len, answer.texts)) <= limit_tokens * CHARS_PER_TOKEN


async def test_a_result_comes_with_the_writes_whose_end_is_unknown_alone(
    execution: Execution, api: Api
) -> None:
    api.answers = {"cut": _CUT, "lost": ApiError("lost", status=500), "no": ApiError("no", status=403)}
    calls = "for (const id of ['cut', 'lost', 'no', 'yes']) await write(id).catch(() => {});"
    answer = await run(execution, f"{calls} return NaN;")
    assert not answer.is_error
    result, notes = answer.texts
    assert result == '"NaN"'
    assert "look before you repeat it:\nPOST /v1/thing/cut → may have been processed\n" in notes
    assert "POST /v1/thing/lost → 500, may have been processed\n" in notes
    assert "/no" not in notes
    assert "/yes" not in notes


async def test_a_result_after_writes_that_ended_says_nothing_of_them(execution: Execution) -> None:
    assert (await run(execution, "await write(1); return 2;")).texts == ("2",)


async def test_no_part_of_a_secret_is_listed(execution: Execution) -> None:
    long = "x" * 138
    answer = await run(execution, f"await write('{long}{_CANARY}'); throw new Error('oh');")
    assert "c4n" not in "".join(answer.texts)
    assert re.fullmatch(
        r"POST /v1/thing/x{138}\*\*\*… → 200|POST /v1/thing/x{138}\*\*\* → 200", written(answer)[0]
    )


async def test_a_write_without_an_answer_is_under_way_until_it_is_given_up() -> None:
    writes = Writes(Redactor())
    request = ApiRequest(Method.POST, "/v1/thing", None, (), is_authenticated=True)
    has_begun = anyio.Event()

    async def never_answer(_: ApiRequest) -> ApiResponse:
        has_begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writes.send, request, never_answer)
        await has_begun.wait()
        assert writes.after_failure(1_000) == "Sent before that:\nPOST /v1/thing → under way"
        assert writes.after_success(1_000).endswith("POST /v1/thing → under way")
        tasks.cancel_scope.cancel()
    assert writes.after_failure(1_000).endswith("POST /v1/thing → may have been processed")


async def test_a_write_that_ends_after_its_run_was_cancelled_is_told_to_the_log(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    has_begun, may_end = anyio.Event(), anyio.Event()

    async def answer_late(_: ApiRequest) -> ApiResponse:
        has_begun.set()
        await may_end.wait()
        return ApiResponse(200, {}, b"null", "")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, make(answer_late, sandbox), "await write(1);")
        await has_begun.wait()
        tasks.cancel_scope.cancel()
    may_end.set()
    await sandbox.aclose()
    assert "event=late-write request='POST /v1/thing/1' end='200'" in caplog.messages


# --- the line that every run leaves in the log ----------------------------------------------------


async def test_every_run_leaves_a_line_with_its_end(
    execution: Execution, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await run(execution, "await write(1); await call('GET', '/v1/thing/1');")
    await run(execution, "throw new Error('oh');")
    await run(execution, "(")
    lines = [line for line in caplog.messages if line.startswith("event=run")]
    assert [re.sub(r" wall_ms=\d+", "", line) for line in lines] == [
        "event=run tool=execute end=returned calls=2 lookups=0 writes=1",
        "event=run tool=execute end=threw calls=0 lookups=0 writes=0",
        "event=run tool=execute end=syntax calls=0 lookups=0 writes=0",
    ]


async def test_a_cancelled_run_leaves_a_line_too(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    has_begun = anyio.Event()

    async def never_answer(_: ApiRequest) -> ApiResponse:
        has_begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, make(never_answer, sandbox), "await call('GET', '/v1/thing/1');")
        await has_begun.wait()
        tasks.cancel_scope.cancel()
    [line] = [message for message in caplog.messages if message.startswith("event=run")]
    assert line.startswith("event=run tool=execute end=cancelled calls=1 lookups=0 writes=0 wall_ms=")
