"""Answers of the API that cannot be used: told to the script, which may go on, and to who asked."""

from __future__ import annotations

import pytest

from ovh_api_mcp.limits import ANSWER_BYTES, MIB, RETRY_ATTEMPTS
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of
from tests.end_to_end.program import Server, connected, error_of, execute, says, value_of

pytestmark = pytest.mark.anyio

_ASK = "ovh.request({ method: 'GET', path: '/v1/me' })"
_CAUGHT = f"async () => {{ try {{ return [await {_ASK}] }} catch (e) {{ return [e.code, e.message, e.status ?? 0] }} }}"
# Reads are sent again after these; tests/ovh/test_retries.py has the whole table.
_SENT_AGAIN: list[dict[str, object]] = [
    {"cut": True},
    {"drop": True},
    {"status": 500, "body": b"<html>"},
]
_WRITE = "async () => { try { await ovh.put('/v1/me', { body: {} }) } catch (e) { return [e.code, e.hint] } }"


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ({"body": b"OK, fine"}, "answer-not-json", "with the text (OK, fine) instead of JSON"),
        ({"body": b"<html><title>Bye</title>"}, "answer-not-json", "an HTML page (Bye)"),
        ({"body": b'{"a": [1, 2'}, "answer-not-json", "JSON that is cut or broken"),
        ({"body": b'{"a": "\xff"}'}, "answer-not-json", "cut or broken"),
        ({"body": b"NaN"}, "answer-not-json", "instead of JSON"),
        ({"stream_bytes": 9 * MIB}, "answer-too-large", f"more than {ANSWER_BYTES:,} bytes"),
        ({"cut": True}, "connection-lost", "closed the connection before it had answered"),
        ({"drop": True}, "connection-lost", "closed the connection"),
        ({"status": 302, "headers": {"Location": "http://evil.example/x"}}, "redirected", "evil.example"),
        ({"status": 307, "headers": {"Location": "/v1/me"}}, "redirected", "never followed"),
        ({"status": 304}, "redirected", "304"),
        ({"status": 500, "body": b"<html>"}, "api-error", "500 Internal Server Error with an HTML page"),
        ({"status": 402}, "api-error", "402 Payment Required"),
        ({"status": 460, "body": b'{"message": "expired"}'}, "api-error", "460: expired"),
        ({"status": 403, "body": b""}, "api-error", "403 Forbidden with an empty body"),
    ],
)
@pytest.mark.promise("limits.answer", "calls.no-redirects", "tools.errors")
async def test_an_answer_that_cannot_be_used_is_an_error_that_says_what_it_was(
    small_api: Simulator, small_server: Server, fault: dict[str, object], code: str, words: str
) -> None:
    small_api.faults.add("GET", "/v1/me", **fault)  # type: ignore[arg-type]  # the fields of a fault
    async with connected(small_server) as client:
        caught = value_of(await execute(client, _CAUGHT))
        told = error_of(await execute(client, f"async () => await {_ASK}"))
    assert isinstance(caught, list)
    assert caught[0] == code
    assert says(caught[1], words)
    assert says(told, words)
    assert caught[2] == (fault.get("status") if code == "api-error" else 0)
    tries = RETRY_ATTEMPTS if fault in _SENT_AGAIN else 1
    assert [each.raw_path for each in calls_of(small_api)] == ["/v1/me"] * (2 * tries)


@pytest.mark.parametrize("fault", [{"body": b""}, {"status": 204}, {"body": b" \n"}, {"body": b"null"}])
async def test_an_answer_without_content_is_null(
    small_api: Simulator, small_server: Server, fault: dict[str, object]
) -> None:
    small_api.faults.add("GET", "/v1/me", **fault)  # type: ignore[arg-type]  # the fields of a fault
    async with connected(small_server) as client:
        assert value_of(await execute(client, _CAUGHT)) == [None]


async def test_a_write_whose_answer_was_lost_may_have_happened(
    small_api: Simulator, small_server: Server
) -> None:
    small_api.faults.add("PUT", "/v1/me", drop=True)
    async with connected(small_server) as client:
        caught = value_of(await execute(client, _WRITE))
    assert isinstance(caught, list)
    assert caught[0] == "connection-lost"
    assert says(caught[1], "may have been processed all the same", "look before you repeat it")
    assert len(calls_of(small_api)) == 1


async def test_a_write_that_was_sent_is_told_even_where_the_script_fails_afterwards(
    small_api: Simulator, small_server: Server
) -> None:
    code = """async () => {
      const body = { fieldType: "TXT", target: "kept" };
      await ovh.post("/v1/domain/zone/{zone}/record", { params: { zone: "example.com" }, body });
      throw new Error("after the write");
    }"""
    async with connected(small_server) as client:
        told = error_of(await execute(client, code))
    assert says(told, "after the write", "POST /v1/domain/zone/example.com/record", "200")
    assert [each.status for each in calls_of(small_api)] == [200]
