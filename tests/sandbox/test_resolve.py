"""`ovh.resolve`: schemas with what they refer to in its place."""

import json
from collections.abc import AsyncIterator

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.sandbox.outcome import Outcome, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.sandbox.conftest import echo, value

pytestmark = pytest.mark.anyio


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def holding(**fields: object) -> dict[str, object]:
    return {"type": "object", "properties": fields}


TEXT = {"type": "string"}
# "Folded" is as the catalogue folds a schema: its fields are text until one of them is read.
SCHEMAS = {
    "Leaf": TEXT,
    "Pair": holding(left=ref("Leaf"), right=ref("Leaf")),
    "Node": holding(next=ref("Node"), value=ref("Leaf")),
    "Ping": holding(pong=ref("Pong")),
    "Pong": holding(ping=ref("Ping")),
    "One": holding(two=ref("Two")),
    "Two": holding(three=ref("Three")),
    "Three": holding(four=ref("Four")),
    "Four": holding(five=ref("Five")),
    "Five": holding(leaf=ref("Leaf")),
    "Lost": holding(nothing=ref("Nothing")),
    "Noted": holding(leaf={**ref("Leaf"), "description": "beside", "type": "number"}),
    "domain.zone.Record": TEXT,
    "recordings": TEXT,
    "Folded": {"…": [0, "type", "properties"]},
    "Odd": {"type": "object", "properties": {"$ref": TEXT, "__proto__": ref("Leaf")}},
    "Wide": holding(**{f"f{n}": ref("Broad") for n in range(300)}),
    "Broad": holding(**{f"g{n}": TEXT for n in range(100)}),
}
DOCUMENT = {
    "details": [json.dumps({"type": "object", "properties": {"leaf": ref("Leaf"), "me": ref("Folded")}})],
    "document": {
        "components": {
            "schemas": SCHEMAS,
            "responses": {"Gone": {"description": "Gone", "content": {"schema": ref("Leaf")}}},
        }
    },
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def box(anyio_backend: str) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(load_document=lambda: iter([json.dumps(DOCUMENT).encode()]))
    yield sandbox
    await sandbox.aclose()


async def run(box: Sandbox, code: str, *, may_call: bool = False) -> Outcome:
    script = parse_script(code, limit_bytes=1 << 20)
    return await box.run(script, echo, ScriptLimits(10.0, may_call=may_call))


async def resolved(box: Sandbox, given: str) -> JsonValue:
    return value(await run(box, f"(spec) => ovh.resolve({given})"))


@pytest.mark.parametrize(
    "given",
    [
        "'Pair'",
        "'#/components/schemas/Pair'",
        "{ $ref: '#/components/schemas/Pair' }",
        "{ $ref: 'Pair' }",
        "spec.components.schemas.Pair",
    ],
)
async def test_a_name_a_reference_and_the_schema_itself_come_to_the_same(box: Sandbox, given: str) -> None:
    assert await resolved(box, given) == holding(left=TEXT, right=TEXT)


async def test_it_is_there_in_execute_too(box: Sandbox) -> None:
    assert value(await run(box, "async () => ovh.resolve('Leaf')", may_call=True)) == TEXT


@pytest.mark.parametrize("given", ["'Node'", "{ $ref: 'Node' }", "spec.components.schemas.Node"])
async def test_a_reference_to_where_it_stands_is_marked_and_kept(box: Sandbox, given: str) -> None:
    assert await resolved(box, given) == holding(next={**ref("Node"), "x-cycle": True}, value=TEXT)


async def test_a_cycle_of_two_is_marked_where_it_closes(box: Sandbox) -> None:
    assert await resolved(box, "'Ping'") == holding(pong=holding(ping={**ref("Ping"), "x-cycle": True}))


async def test_a_sibling_that_is_the_same_is_no_cycle(box: Sandbox) -> None:
    given = "{ anyOf: [{ $ref: 'Pair' }, { $ref: 'Pair' }, { $ref: 'Leaf' }] }"
    pair = holding(left=TEXT, right=TEXT)
    assert await resolved(box, given) == {"anyOf": [pair, pair, TEXT]}


@pytest.mark.parametrize("depth", range(6))
async def test_depth_counts_the_references_below_each_other(box: Sandbox, depth: int) -> None:
    shown: JsonValue = await resolved(box, f"'One', {depth}")
    for name in ["two", "three", "four", "five", "leaf"][:depth]:
        assert isinstance(shown, dict)
        shown = shown["properties"][name]  # type: ignore[index, call-overload]
    left = ["Two", "Three", "Four", "Five", "Leaf"][depth:]
    if left:
        assert list(shown["properties"].values()) == [ref(left[0])]  # type: ignore[index, call-overload, union-attr]
    else:
        assert shown == TEXT


async def test_what_stands_beside_a_reference_counts_more(box: Sandbox) -> None:
    assert await resolved(box, "'Noted'") == holding(leaf={"type": "number", "description": "beside"})


async def test_a_reference_that_leads_nowhere_stays(box: Sandbox) -> None:
    assert await resolved(box, "'Lost'") == holding(nothing=ref("Nothing"))


async def test_references_to_other_components_are_followed_too(box: Sandbox) -> None:
    given = "{ responses: { 404: { $ref: '#/components/responses/Gone' } } }"
    assert await resolved(box, given) == {
        "responses": {"404": {"description": "Gone", "content": {"schema": TEXT}}}
    }


async def test_a_folded_schema_is_resolved_and_the_document_stays_as_it_is(box: Sandbox) -> None:
    code = """(spec) => {
      const before = JSON.stringify(spec), resolved = ovh.resolve('Folded'), again = ovh.resolve('Folded');
      resolved.properties.leaf.type = 'changed';
      delete resolved.type;
      return [again, JSON.stringify(spec) === before, spec.components.schemas.Leaf.type];
    }"""
    folded = holding(leaf=TEXT, me={**ref("Folded"), "x-cycle": True})
    assert value(await run(box, code)) == [folded, True, "string"]


async def test_properties_with_odd_names_are_properties(box: Sandbox) -> None:
    code = "() => { const r = ovh.resolve('Odd').properties; return [Object.keys(r), r.$ref, Object.getPrototypeOf(r) === Object.prototype] }"
    assert value(await run(box, code)) == [["$ref", "__proto__"], TEXT, True]


async def test_a_large_result_stops_following_references_and_stays_whole(box: Sandbox) -> None:
    code = f"""() => {{
      const wide = Object.values(ovh.resolve('Wide').properties);
      const followed = wide.filter(each => each.properties), left = wide.filter(each => each.$ref);
      return [followed.length > 50, left.length > 50, followed.length + left.length,
        followed.every(each => Object.keys(each.properties).length === 100),
        followed.length * 200 < {limits.RESOLVED_VALUES} * 1.1];
    }}"""
    assert value(await run(box, code)) == [True, True, 300, True, True]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("'Record'", 'no schema "Record"; near it: domain.zone.Record, recordings'),
        ("'#/components/schemas/record'", "near it: domain.zone.Record"),
        ("'constructor'", 'no schema "constructor"'),
        ("'__proto__'", 'no schema "__proto__"'),
        ("'#/components/toString/x'", "no schema"),
        ("'#/components/schemas'", "no schema"),
        ("''", 'no schema ""'),
        ("{ $ref: 'Nothing' }", 'no schema "Nothing"'),
        ("", "takes a schema, { $ref } or the name of a schema"),
        ("null", "takes a schema"),
        ("7", "a number"),
        ("() => 1", "a function"),
        ("'Leaf', -1", "depth is -1; it must be a whole number from 0 to 10"),
        ("'Leaf', 11", "depth is 11"),
        ("'Leaf', 1e6", "depth is 1000000"),
        ("'Leaf', '2'", "depth is a string"),
        ("'Leaf', { depth: 2 }", "depth is an object"),
        ("'Leaf', NaN", "depth is NaN"),
        ("Array(100000).fill(0)", "too large"),
        ("(() => { const a = {}; a.a = a; return a })()", "holds itself"),
    ],
)
async def test_a_wrong_argument_is_an_ovh_error_that_says_so(box: Sandbox, given: str, words: str) -> None:
    code = f"() => {{ try {{ ovh.resolve({given}); return 'resolved' }} catch (e) {{ return [e.name, e.code, e.message] }} }}"
    shown = value(await run(box, code))
    assert isinstance(shown, list), shown
    name, error_code, message = shown
    assert (name, error_code) == ("OvhError", "invalid-call")
    assert words in str(message)


async def test_an_uncaught_error_names_the_place_in_the_script(box: Sandbox) -> None:
    failure = (await run(box, "() => {\n  return ovh.resolve('Nope');\n}")).failure
    assert failure is not None
    assert (failure.name, failure.line) == ("OvhError", 2)
