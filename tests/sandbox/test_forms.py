"""All the forms of code that models write."""

import pytest

from ovh_api_mcp.errors import CodeError
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.sandbox.script import parse_script
from tests.sandbox.conftest import Run, value

pytestmark = pytest.mark.anyio

ACCEPTED: list[tuple[str, JsonValue]] = [
    ("(spec) => Object.keys(spec.paths).length", 2),
    ("spec => Object.keys(spec.paths).length", 2),
    ("async (spec) => Object.keys(spec.paths).length", 2),
    ("async () => spec.openapi", "3.1.0"),
    ("function (spec) { return spec.openapi }", "3.1.0"),
    ("async function main(spec) { return spec.openapi }", "3.1.0"),
    ("async () => 1;", 1),
    ("async () => 1 ;;\n\n", 1),
    ("async () => 1 // one", 1),
    ("async () => 1; // one", 1),
    ("/* first */ async () => 1", 1),
    ("// first\nasync () => 1", 1),
    ("(async () => 1)", 1),
    ("```js\nasync () => 1\n```", 1),
    ("```javascript\n() => 1;\n```\n", 1),
    ("\n\n```\n() => 1\n```", 1),
    ("```ts\n() => 1", 1),
    ("~~~js\n() => 1\n~~~", 1),
    ("Here is the script:\n\n```js\n() => 1\n```\nIt returns 1; that is all.", 1),
    ("```js\n() => 1\n```\n\nThis returns 1.", 1),
    ("() => 1\n```", 1),
    ("import ovh from 'ovh';\nasync () => 1", 1),
    ("import { ovh } from \"@ovh/api\"\nimport * as ovh from 'ovh'\n\nexport default () => 1", 1),
    ("export default async () => 1", 1),
    ("export default function () { return 1 };", 1),
    ("\ufeffasync () => 1", 1),
    ("return 1", 1),
    ("const a = 1;\nreturn a", 1),
    ("const a = await ovh.get('/v1/me');\nreturn a.path", "/v1/me"),
    ("await ovh.get('/v1/me')", {"method": "GET", "path": "/v1/me"}),
    ("await ovh.get('/v1/me');", {"method": "GET", "path": "/v1/me"}),
    ("ovh.get('/v1/me')", {"method": "GET", "path": "/v1/me"}),
    ("(async () => { return 1 })()", 1),
    ("async function main() { return 1 }\nmain()", 1),
    ("const f = () => 1;\nf", 1),
    ("const a = 'x';\na + 'y'", "xy"),
    ("() => ({ a: `}) => {` })", {"a": "}) => {"}),
    ("() => '```'", "```"),
]


@pytest.mark.promise("tools.forms", "tools.async-or-not")
@pytest.mark.parametrize(("code", "expected"), ACCEPTED)
async def test_an_accepted_form_gives_its_value(run: Run, code: str, expected: JsonValue) -> None:
    assert value(await run(code)) == expected


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("42", "a number"),
        ("'text'", "a string"),
        ("null", "null"),
        ("Symbol()", "a symbol"),
        ("[1, 2]", "an array"),
        ("({ a: 1 })", "an object"),
        ("const a = 1", "without `return`"),
        ("class A {}", "a class"),
        ("function* f() {}", "a generator"),
        ("async function* f() {}", "a generator"),
    ],
)
async def test_what_is_no_function_is_named(run: Run, code: str, what: str) -> None:
    failure = (await run(code)).failure
    assert failure is not None
    assert failure.kind == "not-a-function"
    assert what in failure.message
    assert "=>" in failure.hint


@pytest.mark.parametrize(
    "code", ["def f():\n    return 1", "async () => {", "() => { const x: number = 1; }", "=>", "`"]
)
async def test_what_is_no_javascript_is_a_syntax_error_with_its_place(run: Run, code: str) -> None:
    failure = (await run(code)).failure
    assert failure is not None
    assert failure.kind == "syntax"
    assert 1 <= failure.line <= code.count("\n") + 1
    assert f"> {failure.line}" in failure.excerpt


async def test_a_syntax_error_is_not_run_first(run: Run) -> None:
    calls: list[object] = []

    async def note(call: object) -> object:
        calls.append(call)
        raise AssertionError

    outcome = await run("await ovh.get('/v1/me');\nthis is no javascript", note)
    assert outcome.failure is not None
    assert not calls


_RAN = "console.log('ran')"


@pytest.mark.parametrize(
    "code",
    [
        f"1)); {_RAN}; ((2",
        f"1)), {_RAN}, ((2",
        f"1), ({_RAN}",
        f"1]); {_RAN}; ([2",
        f"1])), {_RAN}, ([(2",
        f"}} {_RAN}; {{",
        f"}} {_RAN}; if (0) {{",
        f"}}); {_RAN}; (async (spec) => {{",
        f"}}); {_RAN}; (() => {{",
        f"}})(); {_RAN}; (async () => {{",
        f"}}}}); {_RAN}; (async (spec) => {{{{",
        f"}})), {_RAN}, (() => {{ ({{",
        f"*/ {_RAN} /*",
        f"() => 1; }} {_RAN}; {{",
        f"() => 1))(); {_RAN}; (() => (2",
        f"}}) {_RAN}\n({{",
        f"1 /* */ )) \n {_RAN} \n ((1",
    ],
)
async def test_code_that_closes_brackets_it_did_not_open_is_not_run(run: Run, code: str) -> None:
    outcome = await run(code)
    assert outcome.failure is not None
    assert outcome.failure.kind == "syntax"
    assert outcome.logs == ()


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("() => {\n  const a = null;\n  return a.b;\n}", 3, 10),
        ("```js\n() => {\n  return nope;\n}\n```", 3, 10),
        ("export default () => nope", 1, 22),
        ("const a = null;\nreturn a.b", 2, 8),
        ("const a = null;\na.b", 2, 1),
        ("async () => {\n  await ovh.get('/v1/me');\n  nope()\n}", 3, 3),
        ("async () => {", 1, 14),
        ("async () => {\n  if (1) {\n  }", 3, 4),
        ("() => f(\n  1", 2, 4),
        ("Prose:\n```js\n() => nope\n```", 3, 7),
        ("import ovh from 'ovh';\n() => nope", 2, 7),
        ("function helper() {\n  throw new Error('x');\n}\nreturn helper()", 2, 13),
        ("() => [1].map((x) =>\n  x.a.b)", 2, 3),
    ],
)
async def test_an_error_is_placed_in_the_script_as_written(
    run: Run, code: str, line: int, column: int
) -> None:
    failure = (await run(code)).failure
    assert failure is not None
    assert (failure.line, failure.column) == (line, column)
    assert "^" in failure.excerpt


@pytest.mark.parametrize("code", ["", "  \n\t", "```js\n```", ";;;"])
def test_empty_code_is_refused_with_an_example(code: str) -> None:
    with pytest.raises(CodeError) as caught:
        parse_script(code, limit_bytes=100)
    assert caught.value.code == "empty"
    assert "async () =>" in caught.value.message


def test_two_fenced_blocks_are_refused_because_either_may_be_meant() -> None:
    with pytest.raises(CodeError) as caught:
        parse_script("```js\n() => 1\n```\nor\n```js\n() => 2\n```", limit_bytes=100)
    assert (caught.value.code, caught.value.line) == ("syntax", 5)


def test_code_is_measured_in_bytes() -> None:
    parse_script("é" * 50, limit_bytes=100)
    with pytest.raises(CodeError) as caught:
        parse_script("é" * 51, limit_bytes=100)
    assert caught.value.code == "too-long"
    assert "102" in caught.value.message


def test_half_a_character_is_refused() -> None:
    with pytest.raises(CodeError) as caught:
        parse_script("() => '\ud800'", limit_bytes=100)
    assert caught.value.code == "syntax"
