"""What a script returns and prints."""

import re
import uuid

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.json_value import JsonValue
from tests.sandbox.conftest import Run, value

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("() => new Map([['a', 1], [2, [3]]])", {"a": 1, "2": [3]}),
        ("() => new Set([1, 'a'])", [1, "a"]),
        ("() => new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("() => 10n ** 20n", 10**20),
        ("() => [1, undefined, 3]", [1, None, 3]),
        ("() => ({ a: undefined, b: 1 })", {"b": 1}),
        ("() => -0", 0),
        ("() => /a+/gi", "/a+/gi"),
        ("() => new TypeError('no')", {"name": "TypeError", "message": "no"}),
        ("() => Object.assign(Object.create({ a: 1 }), { b: 2 })", {"b": 2}),
        ("() => new (class { constructor() { this.x = 1 } })()", {"x": 1}),
        ("() => ({ toJSON() { return 'mine' } })", "mine"),
        ("() => new Uint8Array([1, 2])", [1, 2]),
        ("() => [new Number(1), new String('a'), new Boolean(false)]", [1, "a", False]),
        ("() => '\\ud800'", "\ufffd"),
        ("() => { const a = {x: 1}; return [a, a] }", [{"x": 1}, {"x": 1}]),
        ("() => ({ __proto__: null, a: 1 })", {"a": 1}),
        ("() => [Object(1n), [1, , 3], new Proxy({ a: 1 }, {})]", [1, [1, None, 3], {"a": 1}]),
        ("() => new Uint8Array([1, 255]).buffer", [1, 255]),
        (
            "() => new Error('outer', { cause: new TypeError('inner') })",
            {"name": "Error", "message": "outer (caused by TypeError: inner)"},
        ),
        (
            "async () => (await Promise.allSettled([Promise.reject(new Error('no'))]))[0].reason",
            {"name": "Error", "message": "no"},
        ),
    ],
)
async def test_a_value_comes_back_as_a_person_would_wish(run: Run, code: str, expected: JsonValue) -> None:
    outcome = await run(code)
    assert value(outcome) == expected
    assert outcome.notes == ()


@pytest.mark.parametrize(
    ("code", "expected", "note"),
    [
        ("() => {}", None, "return"),
        ("() => [NaN, Infinity]", ["NaN", "Infinity"], "result[0] is NaN"),
        (
            "() => { const a = {}; a.b = { a }; return a }",
            {"b": {"a": "[circular]"}},
            "result.b.a holds itself",
        ),
        ("() => ({ f() {} })", {"f": "[function f]"}, "result.f is a function"),
        ("() => () => 1", "[function without a name]", "result is a function"),
        ("() => [ovh.get('/v1/me')]", ["[promise]"], "await"),
        ("() => Symbol('s')", "Symbol(s)", "symbol"),
        ("() => new Map([[{}, 1], ['a', 2]])", [[{}, 1], ["a", 2]], "keys that are no text"),
        ("() => new Date(NaN)", "[invalid date]", "result is a date that does not exist"),
        ("() => ({ d: new Date('x') })", {"d": "[invalid date]"}, "result.d is a date"),
        ("() => [1, 2].values()", "[iterator]", "[...it]"),
        ("() => (function* () { yield 1 })()", "[iterator]", "[...it]"),
    ],
)
async def test_what_json_lacks_is_shown_and_noted(
    run: Run, code: str, expected: JsonValue, note: str
) -> None:
    outcome = await run(code)
    assert value(outcome) == expected
    assert note in outcome.notes[0]


async def test_a_value_nested_without_end_is_cut(run: Run) -> None:
    outcome = await run(
        "() => { const top = {}; let o = top; for (let i = 0; i < 5000; i++) o = o.a = {}; return top }"
    )
    assert "nested deeper" in outcome.notes[0]
    assert value(outcome)


async def test_a_result_that_is_too_large_says_so(run: Run) -> None:
    failure = (await run(f"() => 'x'.repeat({limits.RESULT_BYTES})")).failure
    assert failure is not None
    assert failure.kind == "result-too-large"
    assert "16 MiB" in failure.message


async def test_a_result_just_below_the_limit_comes_whole(run: Run) -> None:
    outcome = await run(f"() => 'x'.repeat({limits.RESULT_BYTES - 2})")
    assert outcome.result is not None
    assert len(outcome.result) == limits.RESULT_BYTES


async def test_console_output_comes_in_order_with_results_and_with_errors(run: Run) -> None:
    printing = (
        "console.log('a', 1, {b: [2n]}); console.warn(new Error('no')); console.error(undefined, null);"
    )
    expected = [("log", 'a 1 {"b":[2]}'), ("warn", "Error: no"), ("error", "undefined null")]
    returned = await run(f"() => {{ {printing} return 1 }}")
    thrown = await run(f"() => {{ {printing} throw new Error('x') }}")
    looping = await run(f"() => {{ {printing} for (;;); }}", timeout_s=60, cpu_s=0.3)
    for outcome in (returned, thrown, looping):
        assert [(line.level, line.text) for line in outcome.logs] == expected


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("console.log('%s has %d of 100%%', 'a', 2, { b: 1 })", ['log a has 2 of 100% {"b":1}']),
        (
            "console.log('100%', 1); console.log('%s'); console.log('%q', 1)",
            ["log 100% 1", "log %s", "log %q 1"],
        ),
        ("console.log('%o %j %c!', { a: 1 }, [2], 'color: red')", ['log {"a":1} [2] !']),
        ("console.table([{ a: 1 }]); console.dir([1], { depth: 0 })", ['log [{"a":1}]', "log [1]"]),
        ("console.assert(1 < 2, 'no'); console.assert(1 > 2, 'yes', 3)", ["error Assertion failed: yes 3"]),
        (
            "console.group('g'); console.log('in'); console.groupEnd(); console.groupEnd(); console.log('out')",
            ["log g", "log   in", "log out"],
        ),
        (
            "console.count(); console.count(); console.count('b')",
            ["log default: 1", "log default: 2", "log b: 1"],
        ),
        ("console.timeEnd('never')", ["warn no timer runs by the name never"]),
        ("console.trace('here')", ["debug Trace: here"]),
        ("console.log(new Error('a', { cause: 'b' }))", ["log Error: a (caused by b)"]),
        ("console.log()", ["log "]),
    ],
)
async def test_every_console_method_is_there_and_prints_what_people_expect(
    run: Run, code: str, lines: list[str]
) -> None:
    outcome = await run(f"() => {{ {code}; return 1 }}")
    assert value(outcome) == 1
    assert [f"{line.level} {line.text}" for line in outcome.logs] == lines


async def test_a_timer_of_the_console_tells_milliseconds(run: Run) -> None:
    outcome = await run(
        "() => { console.time('t'); console.timeLog('t', 'on'); console.timeEnd('t'); return 1 }"
    )
    first, second = (line.text for line in outcome.logs)
    assert re.fullmatch(r"t: \d+ ms on", first)
    assert re.fullmatch(r"t: \d+ ms", second)


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        (
            "throw new Error('a', { cause: new RangeError('b', { cause: 'c' }) })",
            "Error",
            "a (caused by RangeError: b) (caused by c)",
        ),
        (
            "await Promise.any([Promise.reject(new Error('a')), Promise.reject(2)])",
            "AggregateError",
            "all promises were rejected [Error: a; 2]",
        ),
        (
            "const e = new Error('a'); e.cause = { e }; throw e",
            "Error",
            'a (caused by {"e":{"name":"Error","message":"a","cause":"[circular]"}})',
        ),
        ("const e = new Error('a'); e.cause = e; throw e", "Error", "a" + " (caused by Error: a)" * 3),
        ("throw 'text'", "Thrown", "text"),
        ("throw { code: 7, message: 'm' }", "Thrown", '{"code":7,"message":"m"}'),
        ("throw undefined", "Thrown", "undefined"),
        ("class Mine extends Error { name = 'Mine' }; throw new Mine('x')", "Mine", "x"),
        (
            "const e = new Error('x'); Object.defineProperty(e, 'cause', { get() { throw 1 } }); throw e",
            "Error",
            "x",
        ),
    ],
)
async def test_what_is_thrown_is_told_with_what_caused_it(
    run: Run, code: str, name: str, message: str
) -> None:
    failure = (await run(f"async () => {{ {code} }}")).failure
    assert failure is not None
    assert (failure.kind, failure.name, failure.message) == ("threw", name, message)


async def test_console_output_is_bounded_and_the_rest_counted(run: Run) -> None:
    outcome = await run("() => { for (let i = 0; i < 100000; i++) console.log('x'.repeat(99)); return 1 }")
    assert value(outcome) == 1
    assert sum(len(line.text) for line in outcome.logs) <= limits.LOGS_BYTES
    assert len(outcome.logs) + outcome.logs_dropped == 100_000


@pytest.mark.promise("calls.big-integers")
async def test_big_integers_keep_their_digits_both_ways(run: Run) -> None:
    outcome = await run(
        "async () => { const a = await ovh.post('/v1/x', { body: { id: 9007199254740993n } });"
        " return [typeof a.body.id, a.body.id + 1n, a] }"
    )
    assert outcome.result is not None
    assert outcome.result.startswith(b'["bigint",9007199254740994,')
    assert b'"id":9007199254740993' in outcome.result


async def test_a_large_result_of_wide_characters_comes_whole(run: Run) -> None:
    outcome = await run("() => Array.from({ length: 2_000_000 }, (_, i) => 'é€')", timeout_s=60, cpu_s=60)
    assert outcome.result is not None
    assert outcome.result.count("é€".encode()) == 2_000_000


async def test_a_result_that_does_not_fit_into_memory_says_so(run: Run) -> None:
    failure = (await run("() => 'x'.repeat(30_000_000).split('')", timeout_s=20)).failure
    assert failure is not None
    assert failure.kind == "memory"


async def test_every_script_has_randomness_of_its_own(run: Run) -> None:
    code = "() => [Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))].join()]"
    results = [value(await run(code)) for _ in range(4)]
    for column in zip(*results, strict=True):
        assert len(set(column)) == 4


async def test_random_numbers_are_spread_over_the_unit_interval(run: Run) -> None:
    code = "() => { const n = Array(10).fill(0); for (let i = 0; i < 10000; i++) n[Math.floor(Math.random() * 10)]++; return n }"
    counts = value(await run(code))
    assert isinstance(counts, list)
    assert len(counts) == 10
    assert all(isinstance(count, int) and 700 < count < 1300 for count in counts)


async def test_a_random_uuid_is_of_version_4(run: Run) -> None:
    text = value(await run("() => crypto.randomUUID()"))
    assert uuid.UUID(str(text)).version == 4


async def test_more_random_bytes_than_there_are_is_an_error(run: Run) -> None:
    failure = (await run("() => crypto.getRandomValues(new Uint8Array(9000))")).failure
    assert failure is not None
    assert "random bytes" in failure.message
