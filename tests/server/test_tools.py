"""What the model reads before it calls anything, and how a call's arguments are judged."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from inline_snapshot import snapshot

from ovh_api_mcp import limits
from ovh_api_mcp.errors import CodeError
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.server.descriptions import DESCRIPTION_TOKENS, instructions
from ovh_api_mcp.server.execution import Tool
from ovh_api_mcp.server.tools import TOOLS, input_schema, parse_arguments

INSTRUCTIONS = instructions(Access())


def definitions() -> list[dict[str, object]]:
    """Return the tools as they go over the wire."""
    return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in TOOLS.values()]


@pytest.mark.promise("tools.two")
def test_definitions_and_instructions_stay_within_their_tokens() -> None:
    text = json.dumps(definitions(), ensure_ascii=False) + INSTRUCTIONS
    assert len(text) <= DESCRIPTION_TOKENS * limits.CHARS_PER_TOKEN


def test_instructions_survive_clients_that_cut_them() -> None:
    assert len(INSTRUCTIONS) <= limits.INSTRUCTIONS_CHARS


def test_the_first_lines_of_the_instructions_hold_the_workflow() -> None:
    head = INSTRUCTIONS[:600]
    assert head.index("`search`") < head.index("`execute`")


def test_the_instructions_are_these() -> None:
    assert (
        snapshot("""\
The whole OVHcloud API (domains, DNS, email, public cloud, VPS, dedicated servers, network, IAM, billing) through two tools that run JavaScript you write. Requests are authenticated for you: never ask for keys.

1. `search`: ovh.find("words") for the operation, ovh.describe(it) for what it takes and answers. Never guess a path.
2. `execute` a script that calls it. One script may make many calls: chain, join and filter there, and return only the fields you need, because long results are cut.

- Paths begin with /v1 or /v2, as in the document. Most v1 lists answer only ids; ovh.list gives the objects.
- POST, PUT and DELETE act on a real account, and some cost money: GET what is there first, and make sure that the user wants the change.
- An error says what was wrong and what to do next: correct the script and run it again. If the call may have been processed, look before you repeat it.\
""")
        == INSTRUCTIONS
    )


@pytest.mark.promise("tools.two")
def test_the_tools_are_these_in_this_order() -> None:
    assert definitions() == snapshot(
        [
            {
                "name": "search",
                "title": "Search the OVHcloud API",
                "description": """\
Find OVHcloud API operations and read what they take. Runs a JavaScript function, async or not; what it returns comes back as JSON. Nothing is called. Begin with
- await ovh.find("reboot a vps", { limit, service, method, status }) gives the likeliest [{ method, path, summary, status, service, risk }], also for French words or a path.
- await ovh.describe("POST /v1/vps/{serviceName}/reboot") gives its signature, types and an example call; what ovh.find gave will do, and arrays.

For all else, its argument `spec` is the merged OpenAPI 3.1 document, thousands of paths:
spec.paths["/v1/domain/zone/{zoneName}"].get = { summary, description, tags, deprecated, parameters: [{ name, in, required, schema }], requestBody, responses, "x-ovh-status": { value: "PRODUCTION" }, "x-ovh-risk": ["read"] }
spec.components.schemas[name]; ovh.resolve(schema or its name, depth = 3), not async, inlines "$ref"s.

Prefer PRODUCTION to BETA, ALPHA and DEPRECATED. Limits: 10 s, 64 MiB.\
""",
                "inputSchema": {
                    "type": "object",
                    "properties": {
                        "code": {
                            "type": "string",
                            "description": 'A function, e.g. async () => await ovh.describe(await ovh.find("add a DNS record", { limit: 2 })); or (spec) => Object.keys(spec.paths).filter(p => p.includes("/domain/zone"))',
                        }
                    },
                    "required": ["code"],
                    "additionalProperties": False,
                },
                "annotations": {
                    "readOnlyHint": True,
                    "destructiveHint": False,
                    "idempotentHint": True,
                    "openWorldHint": False,
                },
            },
            {
                "name": "execute",
                "title": "Call the OVHcloud API",
                "description": """\
Call the OVHcloud API. Runs JavaScript `async () => result`; what it returns comes back as JSON, console output beside it.

await ovh.request({ method, path, params, query, body }) gives the parsed answer.
- path: from the document, filled in, or as it stands with `params`, which encode every value; needed for values with "/": { method: "GET", path: "/v1/ip/{ip}", params: { ip: "203.0.113.0/24" } }
- query: an object; body: JSON, on POST and PUT only.
- A failed call throws an OvhError { message, status, errorCode, details, hint, remedy } that you can catch to go on.
- ovh.get, post, put and delete(path, { params, query, body }) are the same, shorter.
- await ovh.list(path, { params, query, expand, limit, filter }) gives a whole list, all pages. expand: true gives a v1 list's objects instead of its ids, filter: { fieldType: "A", ttl: { gt: 60 } } some of them; for lists it is far faster than calls of your own.
- await ovh.wait(task or { path }, { until: "status" }) looks until a task or a state has settled: { settled, status, value, next }.
- For other ids, in parallel: await Promise.all(ids.map(id => ovh.get("/v1/vps/{serviceName}", { params: { serviceName: id } }))); 10 calls go out at a time.
- ovh.find, describe and resolve are here, too.
- Integers beyond 2^53 are BigInt. There is no fetch, require or setTimeout.
Unknown operations, wrong methods and requests that do not fit the schema are refused before anything is sent, all faults at once; validate: "warn" beside body sends such a request anyway. Limits: 30 s, 64 MiB, 1,000 calls.\
""",
                "inputSchema": {
                    "type": "object",
                    "properties": {
                        "code": {
                            "type": "string",
                            "description": 'A function, e.g. async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })',
                        },
                        "dry_run": {
                            "type": "boolean",
                            "description": "true: send no POST, PUT or DELETE, and list what would have been sent",
                        },
                    },
                    "required": ["code"],
                    "additionalProperties": False,
                },
                "annotations": {
                    "readOnlyHint": False,
                    "destructiveHint": True,
                    "idempotentHint": False,
                    "openWorldHint": True,
                },
            },
        ]
    )


@pytest.mark.parametrize("tool", Tool)
def test_an_input_schema_takes_code_alone(tool: Tool) -> None:
    schema = input_schema(tool)
    assert schema is not None
    assert schema["required"] == ["code"]
    assert schema["additionalProperties"] is False


def test_a_name_that_is_no_tool_has_no_schema() -> None:
    assert input_schema("nope") is None


@pytest.mark.parametrize("tool", Tool)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (None, "without `code`"),
        ({}, "without `code`"),
        ({"code": None}, "without `code`"),
        ({"code": 1}, "with a number as `code`"),
        ({"code": True}, "with a boolean as `code`"),
        ({"code": ["() => 1"]}, "with an array as `code`"),
        ({"code": {"js": "() => 1"}}, "with an object as `code`"),
        ({"code": "() => 1", "timeout": 5}, "does not know the argument timeout"),
        ({"script": "() => 1"}, "without `code`"),
    ],
)
def test_wrong_arguments_are_named_with_what_would_be_right(
    tool: Tool, arguments: Mapping[str, object] | None, words: str
) -> None:
    with pytest.raises(CodeError) as caught:
        parse_arguments(tool, arguments)
    assert caught.value.code == "arguments"
    assert words in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) <= limits.MESSAGE_CHARS


def test_code_comes_back_as_it_was_given() -> None:
    assert parse_arguments(Tool.SEARCH, {"code": " () => 1 "}).code == " () => 1 "
