"""One run of a script where the other parts misbehave."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterable

import pytest

from ovh_api_mcp.catalog.model import Lifecycle, Method, Operation
from ovh_api_mcp.errors import ApiError, CatalogError, NetworkError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server.accounts import Account, Accounts, ReportProgress
from ovh_api_mcp.server.execution import Execution, Tool

pytestmark = pytest.mark.anyio

_CANARY = "c4nary-of-the-run"
_GET = 'ovh.request({ method: "GET", path: "/v1/thing" })'
_POST = 'ovh.request({ method: "POST", path: "/v1/thing" })'
_FIELDS = "({ message: e.message, code: e.code, status: e.status, errorCode: e.errorCode, hint: e.hint, details: e.details })"


class OneThing:
    """A catalogue with two operations on /v1/thing."""

    def routes(self) -> Iterable[tuple[Method, str]]:
        return [(Method.GET, "/v1/thing"), (Method.POST, "/v1/thing")]

    def operation(self, method: Method, path: str) -> Operation | None:
        return Operation(
            method, path, f"{method}-thing", "v1/thing", "", Lifecycle.PRODUCTION, True, (), False, False
        )

    def schema(self, name: str) -> JsonObject:
        return {}


class Api:
    """Answers every request with what was put in."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = b"null"

    async def send(self, request: ApiRequest) -> ApiResponse:
        if isinstance(self.answer, Exception):
            raise self.answer
        return ApiResponse(200, {}, self.answer, "query-1")


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def execution(api: Api) -> AsyncIterator[Execution]:
    sandbox = Sandbox()

    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        return Gatekeeper(OneThing(), api.send)

    yield make(sandbox, wait_gate)
    await sandbox.aclose()


def make(sandbox: Sandbox, wait_gate: object) -> Execution:
    return Execution(
        accounts=Accounts(Account(wait_gate=wait_gate, lookups=lambda: lambda call: None)),  # type: ignore[arg-type]  # the tests of this file give what fits
        sandbox=sandbox,
        redactor=Redactor([Secret(_CANARY)]),
        limit_code_bytes=10_000,
        limit_result_tokens=2_000,
    )


async def no_report(done: float, total: float, message: str) -> None:
    """Take no notice of progress."""


async def run(execution: Execution, code: str) -> tuple[bool, str]:
    """Return whether a run ended in an error, and its first text."""
    answer = await execution.run(Tool.EXECUTE, code, no_report)
    return answer.is_error, answer.texts[0]


async def test_an_empty_answer_is_null(execution: Execution, api: Api) -> None:
    api.answer = b""
    assert await run(execution, f"async () => [await {_GET}]") == (False, "[null]")


async def test_an_api_error_has_all_its_fields_in_the_script(execution: Execution, api: Api) -> None:
    api.answer = ApiError(
        "no",
        status=403,
        error_code="NOT_GRANTED_CALL",
        details={"a": 1},
        hint="ask for the right",
    )
    code = f"async () => {{ try {{ await {_GET} }} catch (e) {{ return {_FIELDS} }} }}"
    assert await run(execution, code) == (
        False,
        '{"message":"no","code":"api-error","status":403,"errorCode":"NOT_GRANTED_CALL",'
        '"hint":"ask for the right","details":{"a":1}}',
    )


@pytest.mark.parametrize(("call", "is_warned"), [(_GET, False), (_POST, True)])
async def test_a_write_that_may_have_happened_says_so(
    execution: Execution, api: Api, call: str, is_warned: bool
) -> None:
    api.answer = NetworkError("cut", code="connection-lost", hint="try again", may_have_happened=True)
    _, text = await run(execution, f"async () => {{ try {{ await {call} }} catch (e) {{ return e.hint }} }}")
    assert ("look before you repeat it" in text) is is_warned
    assert ("GET /v1/thing shows it" in text) is is_warned
    assert ("try again" in text) is not is_warned


async def test_an_answer_that_repeats_a_secret_reaches_the_script_without_it(
    execution: Execution, api: Api
) -> None:
    api.answer = f'{{"echo": "{_CANARY}"}}'.encode()
    code = f"async () => {{ const a = await {_GET}; return [...a.echo].join('-') }}"
    assert await run(execution, code) == (False, '"*-*-*"')


async def test_an_error_that_repeats_a_secret_reaches_the_script_without_it(
    execution: Execution, api: Api
) -> None:
    api.answer = ApiError(f"about {_CANARY}", status=400, details={"key": _CANARY})
    code = f"async () => {{ try {{ await {_GET} }} catch (e) {{ return [...e.message].join('-') }} }}"
    _, text = await run(execution, code)
    assert text == '"a-b-o-u-t- -*-*-*"'


async def test_a_next_step_that_the_message_holds_is_told_once(execution: Execution) -> None:
    is_error, text = await run(
        execution, 'async () => await ovh.request({ method: "GET", path: "/v1/thnig" })'
    )
    assert is_error
    assert text.count("GET /v1/thing") == 1


async def test_a_bug_in_a_call_is_logged_and_the_script_goes_on(
    execution: Execution, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.answer = ZeroDivisionError("inner workings")
    code = f"async () => {{ try {{ await {_GET} }} catch (e) {{ return [e.code, e.message] }} }}"
    with caplog.at_level(logging.ERROR):
        is_error, text = await run(execution, code)
    assert not is_error
    assert text.startswith('["bug","Internal error, reference ')
    assert "inner workings" not in text
    reference = re.search(r"reference ([0-9a-f]{8})", text)
    assert reference is not None
    assert f"reference={reference[1]}" in caplog.text
    assert "inner workings" in caplog.text


async def test_a_bug_in_a_run_is_logged_and_told_by_reference(caplog: pytest.LogCaptureFixture) -> None:
    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        raise ZeroDivisionError("inner workings")

    execution = make(Sandbox(), wait_gate)
    with caplog.at_level(logging.ERROR):
        is_error, text = await run(execution, "() => 1")
    assert is_error
    assert re.match(r"Internal error, reference [0-9a-f]{8}: a fault of this server", text)
    assert "inner workings" not in text
    assert "ZeroDivisionError: inner workings" in caplog.text


async def test_a_catalogue_that_is_not_there_is_told_with_the_next_step() -> None:
    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        raise CatalogError("still being built", code="catalog-building", hint="call again")

    assert await run(make(Sandbox(), wait_gate), "() => 1") == (True, "still being built\ncall again")


@pytest.mark.parametrize(("code", "words"), [("", "empty"), ("x" * 10_001, "10,000"), ("42", "function")])
async def test_code_that_is_no_script_is_told_so(execution: Execution, code: str, words: str) -> None:
    is_error, text = await run(execution, code)
    assert is_error
    assert words in text


async def test_a_result_beyond_its_budget_is_cut_and_still_json(execution: Execution) -> None:
    answer = await execution.run(Tool.EXECUTE, "() => Array(2e5).fill('word')", no_report)
    assert not answer.is_error
    assert sum(map(len, answer.texts)) <= 2_000 * 4
    assert answer.texts[0].endswith("]")


async def test_a_result_that_is_cut_within_a_secret_shows_no_part_of_it(execution: Execution) -> None:
    code = f"() => {{ console.log('{_CANARY}'.repeat(2000)); return '{_CANARY}'.repeat(2000) }}"
    answer = await execution.run(Tool.EXECUTE, code, no_report)
    assert "c4na" not in "".join(answer.texts)
    assert "***" in answer.texts[0]
