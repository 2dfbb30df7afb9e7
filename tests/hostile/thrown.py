"""Scripts that throw what cannot be told, in places where no function of the prelude catches it."""

from typing import Final

from ovh_api_mcp.json_value import JsonObject
from tests.hostile.script_entry import ONCE, OUT_OF_MEMORY, OUT_OF_TIME, Fails, Gives, HostileScript

_ME: Final[JsonObject] = {"method": "GET", "path": "/v1/me"}
_FULL: Final = "const kept = []; for (let n = 1e6; n > 1; n >>= 1) try { for (;;) kept.push(new Array(n).fill(1)) } catch {}"


def _thrown(name: str, value: str, message: str) -> tuple[HostileScript, ...]:
    """The value thrown by a function, by a statement outside any function, and by a job."""
    source = "class: thrown values"
    exact = None if value.startswith("Symbol") else message  # a symbol may be shown as the text of a text
    out = Fails("threw", says=message, message=exact)
    return (
        HostileScript(f"{name}, thrown by a function", source, f"() => {{ throw {value} }}", out),
        HostileScript(f"{name}, thrown by a statement", source, f"throw {value}", out),
        HostileScript(
            f"{name}, thrown by a job",
            source,
            f"async () => {{ queueMicrotask(() => {{ throw {value} }}); await new Promise(() => {{}}) }}",
            out,
        ),
    )


_VALUES: Final = (
    *_thrown("an error", "new TypeError('m')", "m"),
    *_thrown("a text", "'plain'", "plain"),
    *_thrown("a symbol", "Symbol('s')", "Symbol(s)"),
    *_thrown("an error with half a surrogate pair", "new Error('a\\ud800')", "a\ufffd"),
    *_thrown("an error with a NUL", "new Error('a\\0b')", "a\0b"),
    *_thrown("undefined", "undefined", "undefined"),
    *_thrown("null", "null", "null"),
    *_thrown("an object that is no text", "Object.create(null)", "{}"),
    *_thrown(
        "a revoked proxy",
        "(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy })()",
        "an error that cannot be read",
    ),
    *_thrown(
        "an error whose message throws",
        "Object.defineProperty(new Error(), 'message', { get() { throw 1 } })",
        "an error that cannot be read",
    ),
)

_LIES: Final = (
    HostileScript(
        "a text of its own that reads like a shortage",
        "class: forged limits",
        "async () => { queueMicrotask(() => { throw { toString: () => 'InternalError: out of memory' } }); await new Promise(() => {}) }",
        Fails("threw"),
    ),
    HostileScript(
        "a text of its own that reads like a fault of the parser",
        "class: forged outcomes",
        "throw { toString: () => 'SyntaxError: x\\n    at <input>:1:1' }",
        Fails("threw"),
    ),
    HostileScript(
        "a text of its own that would take for ever",
        "class: thrown values",
        "throw { toString() { for (;;); } }",
        Fails("threw", message='{"toString":"[function toString]"}'),
    ),
    HostileScript(
        "a name of its own that takes for ever in a job",
        "class: thrown values",
        "async () => { queueMicrotask(() => { throw { get name() { for (;;); } } }); await new Promise(() => {}) }",
        OUT_OF_TIME,
        ONCE,
    ),
    HostileScript(
        "a text of its own that makes a call",
        "class: thrown values",
        "throw { toString() { ovh.delete('/v1/FORGED'); return 'm' } }",
        Fails("threw"),
        calls=(),
    ),
    HostileScript(
        "a text of 30 mebibytes thrown by a statement",
        "class: unbounded messages",
        "throw 'm'.repeat(3e7)",
        Fails("threw", says="mmm"),
    ),
    HostileScript(
        "a text of 30 mebibytes thrown by a job",
        "class: unbounded messages",
        "async () => { queueMicrotask(() => { throw { name: 'Text', message: '€'.repeat(1e7) } }); await new Promise(() => {}) }",
        Fails("threw", says="€€€"),
    ),
    HostileScript(
        "an OvhError with a message of a mebibyte",
        "class: unbounded messages",
        "() => { throw new OvhError('m'.repeat(2 ** 20)) }",
        Fails("threw", says="mmm"),
    ),
    HostileScript(
        "a place beyond all numbers, thrown by a statement",
        "class: forged stacks",
        "throw Object.assign(new Error('m'), { stack: 'at f (<input>:2:' + '9'.repeat(5000) + ')' })",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "an error whose name is a proxy that sees the arguments of toString",
        "jsreport/jsreport#1056 (vm2 3.9.17)",
        "() => { let seen = 'nothing'; const e = new Error(); e.name = { toString: new Proxy(() => '', { apply(t, self, args) { seen = args.constructor.constructor('return typeof process + typeof token')(); return '' } }) }; void e.stack; console.log(e); return seen === 'nothing' || seen === 'undefinedundefined' }",
        Gives(True),
    ),
    HostileScript(
        "an error thrown while the result is read",
        "class: thrown values",
        "() => ({ toJSON() { throw new RangeError('while read') } })",
        Fails("threw", message="while read"),
    ),
    HostileScript(
        "a null thrown while the result is read",
        "class: thrown values",
        "() => ({ get a() { throw null } })",
        Fails("threw", message="null"),
    ),
)

_SHORTAGE: Final = (
    HostileScript(
        "a call when memory is used up",
        "class: allocation failures",
        f"async () => {{ {_FULL} return await ovh.get('/v1/me') }}",
        OUT_OF_MEMORY,
        calls=(),
    ),
    HostileScript(
        "an answer when memory is used up",
        "class: allocation failures",
        f"async () => {{ const p = ovh.get('/v1/me'); {_FULL} return await p }}",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a line of the console when memory is used up",
        "class: allocation failures",
        f"() => {{ {_FULL} console.log('x'); return kept }}",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "an error of the script's when memory is used up",
        "class: allocation failures",
        f"() => {{ globalThis.all = []; {_FULL} all.push(kept); throw new TypeError('mine') }}",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a small result when memory is used up",
        "class: allocation failures",
        f"() => {{ globalThis.all = []; {_FULL} all.push(kept); return 'small' }}",
        OUT_OF_MEMORY,
    ),
)

_SILENCE: Final = (
    HostileScript(
        "a call that is never answered",
        "class: waiting",
        "async () => await ovh.get('/v1/never')",
        OUT_OF_TIME,
        ONCE,
    ),
    HostileScript(
        "a loop while a call is never answered",
        "class: waiting",
        "async () => { const p = ovh.get('/v1/never'); await ovh.get('/v1/me'); for (;;); }",
        OUT_OF_TIME,
        ONCE,
    ),
    HostileScript(
        "eleven calls of which none is ever answered",
        "class: waiting",
        "async () => { await Promise.all(Array.from({ length: 11 }, () => ovh.get('/v1/never'))) }",
        OUT_OF_TIME,
        ONCE,
    ),
    HostileScript(
        "a result beside a call that is never answered",
        "class: waiting",
        "async () => { ovh.get('/v1/never'); return (await ovh.get('/v1/me')).asked }",
        Gives(_ME),
    ),
    HostileScript(
        "an error beside a call that is never answered",
        "class: waiting",
        "async () => { ovh.get('/v1/never'); await ovh.get('/v1/me'); throw new Error('mine') }",
        Fails("threw", message="mine"),
    ),
    HostileScript(
        "a promise that is rejected as the code itself",
        "class: forms of a script",
        "Promise.reject(new Error('mine'))",
        Fails("threw", message="mine"),
    ),
    HostileScript(
        "a promise that never settles as the code itself",
        "class: forms of a script",
        "new Promise(() => {})",
        Fails("never-settles"),
    ),
    HostileScript(
        "a global object whose prototype answers everything",
        "class: prototype pollution",
        "() => { Object.setPrototypeOf(globalThis, new Proxy({}, { has: () => true, get: () => 'FORGED' })); return ovh.get('/v1/me').then(a => a.asked) }",
        Gives(_ME),
        calls=(_ME,),
    ),
)

SCRIPTS: Final = _VALUES + _LIES + _SHORTAGE + _SILENCE
