"""What scripts give back, over both transports and in both protocol eras, on the whole API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client

from ovh_api_mcp.limits import CHARS_PER_TOKEN, CODE_BYTES_DEFAULT, MIB, RESULT_TOKENS_DEFAULT
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, lines_of
from tests.end_to_end.program import Server, connected, error_of, execute, says, search, value_of
from tests.end_to_end.readme import FIND_ZONE_OPERATIONS, LIST_ZONES, READ_RECORDS
from tests.server.real_server import client_of, environment, text_of

pytestmark = pytest.mark.anyio

BUDGET_CHARS = RESULT_TOKENS_DEFAULT * CHARS_PER_TOKEN
_LARGE_ID = 9_007_199_254_740_993  # 2^53 + 1, a record of the simulator


def zone_operations(schemas: Path) -> Iterator[tuple[str, str, str | None]]:
    """Yield method, path and description of what the first script should find, from OVH's own files."""
    for branch in ("v1", "v2"):
        index = json.loads((schemas / branch / "index.json").read_text())
        for entry in index["apis"]:
            schema = json.loads((schemas / branch / f"{entry['path'].strip('/')}.json").read_text())
            for api in schema.get("apis", []):
                for operation in api["operations"]:
                    path = f"/{branch}{api['path']}"
                    if "/domain/zone" in path:
                        yield operation["httpMethod"], path, operation.get("description")


async def check_readme_scripts(client: Client, api: Simulator, schemas: Path) -> None:
    found = value_of(await search(client, FIND_ZONE_OPERATIONS))
    assert isinstance(found, list)
    shown = sorted((each["method"], each["path"], each.get("summary")) for each in found)
    assert shown == sorted(zone_operations(schemas))
    assert lines_of(api) == []

    zones = value_of(await execute(client, LIST_ZONES))
    assert isinstance(zones, list)
    assert "example.com" in zones

    ids = value_of(await execute(client, LIST_ZONES.replace("zone", "zone/example.com/record")))
    records = value_of(await execute(client, READ_RECORDS))
    assert isinstance(ids, list)
    assert isinstance(records, list)
    assert [record["id"] for record in records] == ids[:10]
    assert {record["zone"] for record in records} == {"example.com"}
    prefix = "GET /v1/domain/zone/example.com/record"
    assert lines_of(api) == [
        "GET /v1/domain/zone",
        prefix,
        prefix,
        *(f"{prefix}/{each}" for each in ids[:10]),
    ]


@pytest.mark.promise("tools.readme-scripts", "tools.search", "tools.execute", "eras", "http.mcp")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_scripts_of_the_readme_give_the_right_answers_over_http(
    whole_api: Simulator, whole_server: Server, shared_dir: Path, mode: str
) -> None:
    async with connected(whole_server, mode) as client:
        await check_readme_scripts(client, whole_api, shared_dir / "ovh-schemas")


@pytest.mark.promise("tools.readme-scripts", "stdio.only-mcp", "eras")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_scripts_of_the_readme_give_the_right_answers_over_stdio(
    whole_api: Simulator, home: Path, shared_dir: Path, mode: str
) -> None:
    async with client_of("stdio", mode, environment(whole_api, home)) as client:
        await check_readme_scripts(client, whole_api, shared_dir / "ovh-schemas")


@pytest.mark.promise("calls.big-integers")
async def test_integers_beyond_two_to_the_53_keep_their_digits_both_ways(
    small_api: Simulator, small_server: Server
) -> None:
    code = f"""async () => {{
      const path = "/v1/domain/zone/example.com/record";
      const large = (await ovh.get(path)).find(id => typeof id === "bigint");
      const record = await ovh.request({{ method: "GET", path: `${{path}}/${{large}}` }});
      await ovh.request({{ method: "PUT", path: path + "/{{id}}", params: {{ id: record.id }}, body: {{ ttl: 600 }} }});
      const body = {{ fieldType: "TXT", target: "x", ttl: record.id + 2n }};
      const made = await ovh.request({{ method: "POST", path, body }});
      await ovh.request({{ method: "DELETE", path: path + "/{{id}}", params: {{ id: made.id }} }});
      return [record.id, record.id === {_LARGE_ID}n, made.ttl, [1, 2 ** 53, -9007199254740993n]];
    }}"""
    async with connected(small_server) as client:
        result = await execute(client, code)
    assert value_of(result) == [_LARGE_ID, True, _LARGE_ID + 2, [1, 2**53, -_LARGE_ID]]
    _, read, changed, made, removed = calls_of(small_api)
    assert read.target.endswith(f"/record/{_LARGE_ID}")
    assert changed.target.endswith(f"/record/{_LARGE_ID}")
    assert f'"ttl":{_LARGE_ID + 2}' in made.body.decode()
    assert removed.status == 200


@pytest.mark.promise("calls.body")
async def test_any_json_value_is_a_body_and_goes_over_the_wire_as_it_is(
    whole_api: Simulator, whole_server: Server
) -> None:
    values: list[object] = [0, False, "", None, [], {}, "é☃", {"a": [1.5, {"b": None}]}]
    code = (
        "async () => { for (const body of "
        + json.dumps(values)
        + ') for (const [method, path] of [["POST", "/v1/me/api/logs/self"], ["PUT", "/v1/me"]])'
        + ' await ovh.request({ method, path, body, validate: "warn" }).catch(() => 0); }'
    )
    async with connected(whole_server) as client:
        value_of(await execute(client, code))
    sent = [json.loads(request.body) for request in calls_of(whole_api) if request.method == "PUT"]
    assert sent == values


@pytest.mark.promise("tools.async-or-not", "tools.forms")
@pytest.mark.parametrize("tool", ["search", "execute"])
@pytest.mark.parametrize(
    "code",
    [
        "() => typeof spec",
        "async () => typeof spec",
        "(spec) => typeof spec",
        "async (spec) => typeof (await spec)",
        "function (spec) { return typeof spec; }",
        "async function named() { return typeof spec }",
        "```js\n() => typeof spec\n```",
        "```javascript\nasync () => { return typeof spec; };\n```\n",
        "export default () => typeof spec;",
        "const kind = typeof spec;\nreturn kind;",
        "const kind = await Promise.resolve(typeof spec); return kind",
    ],
)
async def test_a_function_in_any_of_its_forms_is_run_by_both_tools(
    small_server: Server, tool: str, code: str
) -> None:
    async with connected(small_server) as client:
        assert value_of(await client.call_tool(tool, {"code": code})) == "object"


@pytest.mark.promise("tools.errors", "limits.code-size")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "The code is empty. Send a function, for example"),
        (" \n;", "The code is empty"),
        ("/*" + " " * CODE_BYTES_DEFAULT + "*/", "at most 1,048,576"),
        ("42", "it must be a function"),
        ("({ code: () => 1 })", "it must be a function"),
        ("SELECT * FROM zones", "SyntaxError"),
        ("(spec) => {\n  return spec.;\n}", "at line 2"),
    ],
)
@pytest.mark.parametrize("tool", ["search", "execute"])
async def test_code_that_cannot_be_run_is_told_with_what_would_be_right(
    small_api: Simulator, small_server: Server, tool: str, code: str, words: str
) -> None:
    async with connected(small_server) as client:
        assert says(error_of(await client.call_tool(tool, {"code": code})), words)
    assert lines_of(small_api) == []


@pytest.mark.promise("limits.result")
@pytest.mark.parametrize(
    "code",
    [
        "(spec) => spec",
        "(spec) => spec.paths",
        "(spec) => Object.keys(spec.paths)",
        "(spec) => JSON.stringify(spec.paths)",
        "() => 'x'.repeat(5e6)",
        "() => Array(4e5).fill(9007199254740993n)",
        "() => { let deep = 1; for (let i = 0; i < 90; i++) deep = { deep, more: 'y'.repeat(5e3) }; return deep }",
        "() => { for (let i = 0; i < 1e4; i++) console.log('line', i, 'z'.repeat(99)); return ['w'.repeat(99999)] }",
    ],
)
async def test_a_result_of_any_size_comes_back_bounded_and_as_json_that_says_what_is_missing(
    whole_server: Server, code: str
) -> None:
    async with connected(whole_server) as client:
        result = await search(client, code)
    texts = [text_of(result, part) for part in range(len(result.content))]
    assert not result.is_error
    assert sum(map(len, texts)) <= BUDGET_CHARS
    json.loads(texts[0])
    assert "…" in texts[0]
    assert "was cut" in "".join(texts[1:])


@pytest.mark.promise("limits.result")
@pytest.mark.parametrize("ending", ["return 'the result'", "throw new Error('the error')"])
async def test_console_output_comes_back_with_results_and_with_errors(
    small_server: Server, ending: str
) -> None:
    async with connected(small_server) as client:
        for tool in ("search", "execute"):
            code = f"() => {{ console.log('plain', {{ a: [1n] }}); console.error('second'); {ending} }}"
            result = await client.call_tool(tool, {"code": code})
            assert ending.split("'")[1] in text_of(result)
            assert text_of(result, 1) == '[log] plain {"a":[1]}\n[error] second'


@pytest.mark.promise("limits.memory", "tools.errors")
async def test_what_breaks_a_limit_is_told_and_leaves_the_server_as_it_was(small_server: Server) -> None:
    endings = {
        "() => { const all = []; for (;;) all.push('m'.repeat(1e6) + all.length) }": "64 MiB",
        "() => { const f = () => f() + 1; return f() }": "RangeError",
        "() => new Promise(() => {})": "can never settle",
        "() => 'x'.repeat(17 * 1024 * 1024)": "larger than 16 MiB",
        "() => { throw { toString() { throw 1 } } }": "Thrown",
    }
    async with connected(small_server) as client:
        for code, words in endings.items():
            assert says(error_of(await search(client, code)), words)
            assert value_of(await search(client, "() => 1")) == 1


async def test_an_answer_of_nearly_eight_mebibytes_fits_into_a_script(
    small_api: Simulator, small_server: Server
) -> None:
    small_api.faults.add("GET", "/v1/me", stream_bytes=8 * MIB - 10)
    async with connected(small_server) as client:
        result = await execute(client, "async () => (await ovh.get('/v1/me')).length")
    assert value_of(result) == 8 * MIB - 10
