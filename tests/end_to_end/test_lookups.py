"""Finding, describing and resolving from scripts of both tools, through MCP, the API's record as witness."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, lines_of
from tests.end_to_end.program import Server, connected, error_of, execute, search, value_of
from tests.server.real_server import text_of

pytestmark = pytest.mark.anyio

_REBOOT = "POST /v1/vps/{serviceName}/reboot"


def asking(call: str) -> str:
    """Return a script that tells how a lookup ended."""
    return (
        f"async () => {{ try {{ return ['gave', await {call}] }} catch (e) {{"
        " return [e.name, e.code, e.message, e.hint ?? ''] } }"
    )


def listed(given: object) -> list[Any]:
    """Return what is an array."""
    assert isinstance(given, list), given
    return given


def refused(ended: object) -> tuple[str, str]:
    """Return code and message of a lookup that was refused, within what a model is given to read."""
    assert isinstance(ended, list)
    assert ended[0] == "OvhError", ended
    assert len(ended[2]) <= limits.MESSAGE_CHARS
    assert ended[3], "a refusal says what to do next"
    return ended[1], ended[2]


@pytest.mark.promise("tools.lookups")
@pytest.mark.parametrize("tool", ["search", "execute"])
async def test_words_lead_to_an_operation_its_description_and_its_schemas(
    whole_api: Simulator, whole_server: Server, tool: str
) -> None:
    code = """async () => {
      const [first, ...others] = await ovh.find("reboot a vps", { limit: 3 });
      const text = await ovh.describe(first);
      return { first, others: others.length, text, task: ovh.resolve("vps.Task", 1).type };
    }"""
    async with connected(whole_server) as client:
        answer = await client.call_tool(tool, {"code": code})
    given = value_of(answer)
    assert isinstance(given, dict)
    assert given["first"] == {
        "method": "POST",
        "path": "/v1/vps/{serviceName}/reboot",
        "summary": "Request a reboot of the VPS",
        "status": "PRODUCTION",
        "service": "v1/vps",
        "risk": ["destroys"],
    }
    assert given["others"] == 2
    assert given["text"].splitlines()[:2] == [_REBOOT, "Request a reboot of the VPS"]
    assert "example: await ovh.request(" in given["text"]
    assert given["task"] == "object"
    assert [part for part in answer.content[1:] if "search" in str(part)] == []
    assert lines_of(whole_api) == []


@pytest.mark.promise("tools.lookups")
async def test_search_finds_but_does_not_call(small_api: Simulator, small_server: Server) -> None:
    code = "async () => { const [zone] = await ovh.find('list dns zones'); return await ovh.request({ method: zone.method, path: zone.path }) }"
    async with connected(small_server) as client:
        assert "API calls are made with the execute tool" in error_of(await search(client, code))
        assert "example.com" in str(value_of(await execute(client, code)))
    assert lines_of(small_api) == ["GET /v1/domain/zone"]


async def test_an_operation_that_is_none_does_not_keep_the_others_from_being_described(
    whole_server: Server,
) -> None:
    code = "async () => await ovh.describe(['GET /v1/me/', 'GET /v1/nothing/here'])"
    async with connected(whole_server) as client:
        described, refused_one = listed(value_of(await search(client, code)))
    assert str(described).startswith("GET /v1/me\n")
    assert str(refused_one).startswith("Not described: There is no operation GET /v1/nothing/here.")


async def test_filters_and_limits_hold_and_deprecated_operations_say_so(whole_server: Server) -> None:
    code = """async () => [
      await ovh.find("list servers", { service: "dedicated/server", method: "get", limit: 50 }),
      await ovh.find("", { status: "deprecated", limit: 4 }),
      await ovh.find("server", { limit: 50 }),
      await ovh.find("qqqqzzzz"),
    ]"""
    async with connected(whole_server) as client:
        filtered, deprecated, many, none = listed(value_of(await search(client, code)))
    assert {(each["service"], each["method"]) for each in filtered} == {("v1/dedicated/server", "GET")}
    assert [each["status"] for each in deprecated] == ["DEPRECATED"] * 4
    assert len(many) == limits.FIND_FOUND
    assert none == []


async def test_descriptions_come_in_the_order_of_the_operations(whole_server: Server) -> None:
    operations = [
        "GET /v1/me",
        "GET /v1/vps/vps-1.ovh.net",
        _REBOOT,
        "get /v1/domain/zone",
        "GET /v2/iam/policy",
    ]
    heads = ["GET /v1/me", "GET /v1/vps/{serviceName}", _REBOOT, "GET /v1/domain/zone", "GET /v2/iam/policy"]
    code = f"async () => [await ovh.describe({json.dumps(operations)}), await ovh.describe([]), (await ovh.describe(await ovh.find('vps', {{ limit: 20 }}))).length]"
    async with connected(whole_server) as client:
        texts, nothing, found = listed(value_of(await execute(client, code)))
    assert [text.splitlines()[0] for text in texts] == heads
    assert (nothing, found) == ([], 20)


@pytest.mark.parametrize(
    "operation",
    [
        "GET /v1/dns/zone",
        "POST /v1/vps/{serviceName}/rebot",
        "GET /domain/zone",
        "PUT /v1/me/iban",
        "DELETE /v1/zzz/yyy",
    ],
)
async def test_an_unknown_operation_is_told_what_a_call_to_it_would_be_told(
    whole_api: Simulator, whole_server: Server, operation: str
) -> None:
    method, path = operation.split()
    params = {"serviceName": "x"} if "{" in path else None
    call = f"ovh.request({json.dumps({'method': method, 'path': path, **({'params': params} if params else {})})})"
    async with connected(whole_server) as client:
        told = refused(value_of(await search(client, asking(f"ovh.describe({json.dumps(operation)})"))))
        same = refused(value_of(await execute(client, asking(call))))
    assert told[0] == same[0] == "unknown-operation"
    assert told[1].replace("{serviceName}/rebot", "x/rebot") == same[1]
    assert calls_of(whole_api) == []


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("ovh.find()", "invalid-call", "was given no words"),
        ("ovh.find('')", "invalid-call", "an empty text: say what you look for"),
        ("ovh.find(' \\n', { service: '' })", "invalid-call", "an empty text"),
        ("ovh.find(7)", "invalid-call", "words is a number"),
        ("ovh.find(['vps'])", "invalid-call", "words is an array"),
        ("ovh.find({ words: 'vps' })", "invalid-call", "words is an object"),
        ("ovh.find('vps', 5)", "invalid-call", "options of ovh.find are a number"),
        ("ovh.find('vps', { max: 5 })", "invalid-call", 'Unknown option "max": here it is called limit'),
        ("ovh.find('vps', { methods: 'GET' })", "invalid-call", "here it is called method"),
        ("ovh.find('vps', { '\\u0000\\n': 1 })", "invalid-call", "no such option"),
        (
            "ovh.find('vps', { limit: 0 })",
            "invalid-call",
            "limit is 0; it must be a whole number from 1 to 50",
        ),
        ("ovh.find('vps', { limit: -1 })", "invalid-call", "limit is -1"),
        ("ovh.find('vps', { limit: 1.5 })", "invalid-call", "limit is 1.5"),
        ("ovh.find('vps', { limit: 1e300 })", "invalid-call", "limit is 1e+300"),
        ("ovh.find('vps', { limit: '5' })", "invalid-call", "limit is a string"),
        ("ovh.find('vps', { limit: true })", "invalid-call", "limit is a boolean"),
        ("ovh.find('vps', { service: 7 })", "invalid-call", "service is a number"),
        ("ovh.find('vps', { service: 'vpss' })", "invalid-call", "Give one of: v1/vps"),
        ("ovh.find('vps', { method: 'PATCH' })", "invalid-call", "Give one of: GET"),
        ("ovh.find('vps', { status: 'x'.repeat(9000) })", "invalid-call", "Give one of: PRODUCTION"),
        ("ovh.describe()", "invalid-call", "was given nothing"),
        ("ovh.describe(7)", "invalid-call", "is a number"),
        ("ovh.describe([['GET /v1/me']])", "invalid-call", "is an array"),
        ("ovh.describe({ method: 'GET' })", "invalid-call", "is an object"),
        ("ovh.describe({ method: 7, path: '/v1/me' })", "invalid-call", "is an object"),
        ("ovh.describe('')", "invalid-call", "names no operation"),
        ("ovh.describe('reboot a vps')", "invalid-call", 'ovh.find("words") looks for it'),
        ("ovh.describe('x'.repeat(50000))", "invalid-call", "names no operation"),
        ("ovh.describe('GET /' + 'x/'.repeat(20000))", "unknown-operation", "There is no operation GET /x"),
        ("ovh.describe('GET /')", "unknown-operation", "There is no operation"),
        ("ovh.describe('/v1/me')", "invalid-call", "/v1/me: there are GET /v1/me, PUT /v1/me"),
        ("ovh.describe('PUT /v1/domain/zone')", "method-not-allowed", "GET /v1/domain/zone"),
        ("ovh.describe('GET /v1/../v1/me')", "unknown-operation", "There is no operation"),
        ("ovh.describe(['GET /v1/no', 'GET /v1/nothing/here'])", "unknown-operation", "/v1/no"),
        (
            "ovh.find('vps', { limit: 500 })",
            "invalid-call",
            "limit is 500; it must be a whole number from 1 to 50",
        ),
        ("ovh.describe(Array(21).fill('GET /v1/me'))", "invalid-call", "21 operations; it takes 20 at once"),
    ],
)
async def test_a_wrong_lookup_is_an_ovh_error_that_says_what_would_be_right(
    whole_server: Server, call: str, code: str, words: str
) -> None:
    async with connected(whole_server) as client:
        told = refused(value_of(await search(client, asking(call))))
    assert told[0] == code
    assert words in told[1]


@pytest.mark.parametrize(
    "words",
    ["\\ud800", "x' OR 1=1 --", '\\" NEAR(', "*", "-vps", "NOT vps", "{}", "%00", "\\u0000", "é" * 400],
)
async def test_words_of_any_kind_are_words(whole_server: Server, words: str) -> None:
    code = f'async () => [(await ovh.find("{words}")).length, (await ovh.find("vps {words}")).length]'
    async with connected(whole_server) as client:
        found = value_of(await search(client, code))
    assert isinstance(found, list)
    assert found[1] > 0


async def test_lookups_are_answered_while_calls_wait_for_the_api(
    small_api: Simulator, small_server: Server
) -> None:
    small_api.latency_s = 1.0
    code = """async () => {
      let answered = 0, atFirst = -1;
      const calls = Array.from({ length: 10 }, () => ovh.get("/v1/me").then(() => answered++));
      for (let i = 0; i < 20; i++) await ovh.find("vps");
      atFirst = answered;
      await Promise.all(calls);
      return [atFirst, answered];
    }"""
    async with connected(small_server) as client:
        assert value_of(await execute(client, code)) == [0, 10]


async def test_the_log_counts_lookups_apart_from_calls(small_server: Server) -> None:
    small_server.log.clear()
    code = "async () => { await ovh.get('/v1/me'); await ovh.find('vps'); return (await ovh.describe('GET /v1/vps')).length }"
    async with connected(small_server) as client:
        value_of(await execute(client, code))
    with anyio.fail_after(20):
        while not any("event=run" in line for line in small_server.log):
            await anyio.sleep(0.01)
    assert "end=returned calls=1 lookups=2 writes=0" in "".join(small_server.log)


async def test_a_script_that_looks_up_without_end_is_stopped_and_the_next_is_right(
    small_server: Server,
) -> None:
    code = "async () => { let n = 0; for (;;) { await Promise.all([1, 2, 3, 4].map(() => ovh.describe(Array(20).fill('GET /v1/me')))); n += 4 } }"
    async with connected(small_server) as client:
        text = error_of(await search(client, code))
        assert f"looked things up {limits.LOOKUPS_PER_SCRIPT} times" in text
        assert "GET /v1/vps" in text_of(await search(client, "() => ovh.describe('GET /v1/vps')"))
