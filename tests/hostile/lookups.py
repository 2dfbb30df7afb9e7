"""Scripts that turn on what looks things up: ovh.find, ovh.describe, ovh.resolve."""

from typing import Final

from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.sandbox.outcome import ScriptLimits
from tests.hostile.script_entry import Fails, Gives, HostileScript

_SEARCH: Final = ScriptLimits(timeout_s=20.0, may_call=False)
_VPS: Final[JsonObject] = {"words": "vps"}
_FOUND: Final[JsonObject] = {"answer": 1, "asked": _VPS}
_ME: Final[JsonObject] = {"type": "object", "required": ["id"]}


def _spoiled(name: str, spoil: str) -> HostileScript:
    """A script that spoils the language, looks one thing up, resolves one, and returns both."""
    code = f"async () => {{ {spoil}; const found = await ovh.find('vps'); const me = ovh.resolve('Me'); return {{ found, me }} }}"
    return HostileScript(
        name,
        "class: redefined built-ins",
        code,
        Gives({"found": _FOUND, "me": _ME}),
        limits=_SEARCH,
        calls=(_VPS,),
    )


def _refused(name: str, source: str, call: str, says: str) -> HostileScript:
    """A lookup that is refused in the script, whose refusal it can read."""
    code = f"async () => {{ try {{ await {call}; return 'asked' }} catch (e) {{ return [e instanceof Error, e.message.includes({says!r})] }} }}"
    return HostileScript(name, source, code, Gives([True, True]), limits=_SEARCH, calls=())


_ARGUMENTS: Final = "class: arguments of a lookup"
_SCHEMAS: Final = "class: values to resolve"

SCRIPTS: Final = (
    _spoiled("a JSON that forges lookups", "JSON.parse = JSON.stringify = () => 'FORGED'"),
    _spoiled(
        "an Object that forges lookups",
        "for (const k of ['keys', 'hasOwn', 'create', 'entries', 'defineProperty']) Object[k] = () => ['FORGED']",
    ),
    _spoiled(
        "strings that forge lookups",
        "for (const k of ['slice', 'indexOf', 'lastIndexOf', 'toLowerCase', 'toWellFormed']) String.prototype[k] = () => 'FORGED'",
    ),
    _spoiled(
        "a prototype of all objects with the names of a lookup",
        "for (const k of ['words', 'options', 'operations', 'lane', 'kind', '$ref', 'value', 'up', 'most']) Object.defineProperty(Object.prototype, k, { value: 'FORGED', writable: true, configurable: true })",
    ),
    _spoiled(
        "setters on the prototype of all objects and arrays",
        "for (const k of ['words', 'type', 'required', 'next', 'first', 'x-cycle']) Object.defineProperty(Object.prototype, k, { set() { throw 'FORGED' }, configurable: true }); Object.defineProperty(Array.prototype, 0, { set() { throw 'FORGED' }, configurable: true })",
    ),
    _spoiled("a Promise that forges lookups", "globalThis.Promise = function () { return 'FORGED' }"),
    _spoiled(
        "an ovh of its own",
        "try { ovh.find = () => 'FORGED' } catch {} try { Object.defineProperty(ovh, 'resolve', { value: () => 'FORGED' }) } catch {}",
    ),
    _spoiled("a spec of its own", "globalThis.spec = { components: { schemas: { Me: 'FORGED' } } }"),
    _spoiled(
        "functions that forge",
        "Function.prototype.apply = Function.prototype.call = Reflect.apply = () => 'FORGED'",
    ),
    HostileScript(
        "lookups without end",
        "class: number of lookups",
        "async () => { let n = 0; try { for (;;) { await ovh.find('vps'); n++ } } catch (e) { return [n, e.code] } }",
        Gives([100, "too-many-lookups"]),
        limits=_SEARCH,
    ),
    HostileScript(
        "ten thousand lookups at once",
        "class: number of lookups",
        "async () => { const all = await Promise.allSettled(Array.from({ length: 10000 }, () => ovh.describe('GET /v1/me'))); return [all.filter(a => a.value).length, all.at(-1).reason.code] }",
        Gives([100, "too-many-lookups"]),
        limits=_SEARCH,
    ),
    HostileScript(
        "a call out of the options of a lookup, in search",
        _ARGUMENTS,
        "async () => { let refused; const o = { get limit() { refused = ovh.delete('/v1/FORGED').catch((e) => e.code); return 1 } }; return [(await ovh.find('vps', o)).asked, await refused] }",
        Gives([{"words": "vps", "options": {"limit": 1}}, "invalid-call"]),
        limits=_SEARCH,
        calls=({"words": "vps", "options": {"limit": 1}},),
    ),
    HostileScript(
        "a lookup out of the options of a lookup",
        _ARGUMENTS,
        "async () => { let depth = 0; const o = { get limit() { if (depth++ < 5) ovh.find('vps', o); return 1 } }; return (await ovh.find('vps', o)).asked }",
        Gives({"words": "vps", "options": {"limit": 1}}),
        limits=_SEARCH,
    ),
    HostileScript(
        "words that become text when they are written",
        _ARGUMENTS,
        "async () => [(await ovh.find({ toJSON: () => 'vps' })).asked, (await ovh.find(new String('vps'))).asked, (await ovh.find(Symbol('vps'))).asked]",
        Gives([_VPS, _VPS, {}]),
        limits=_SEARCH,
    ),
    HostileScript(
        "options that name a kind and an id",
        _ARGUMENTS,
        "async () => (await ovh.find('vps', { kind: 'request', id: 7, method: 'DELETE', path: '/v1/x' })).asked.words",
        Gives("vps"),
        limits=_SEARCH,
    ),
    HostileScript(
        "lookups that nobody awaits",
        "class: lookups never awaited",
        "() => { for (let i = 0; i < 20; i++) ovh.find('FORGED'); return 'true' }",
        Gives("true"),
        limits=_SEARCH,
        calls=(),
    ),
    HostileScript(
        "lookups while the result is written",
        "class: lookups in toJSON",
        "() => ({ toJSON() { for (let i = 0; i < 20; i++) ovh.find('FORGED'); return 'true' } })",
        Gives("true"),
        limits=_SEARCH,
        calls=(),
    ),
    HostileScript(
        "an answer that is changed for the next one",
        "class: shared answers",
        "async () => { const a = await ovh.find('vps'); a.asked.words = 'FORGED'; return (await ovh.find('vps')).asked }",
        Gives(_VPS),
        limits=_SEARCH,
    ),
    _refused("ten million letters to look for", _ARGUMENTS, "ovh.find('x'.repeat(1e7))", "larger than"),
    _refused(
        "a number of five thousand digits",
        _ARGUMENTS,
        "ovh.find('vps', { limit: 10n ** 5000n })",
        "5001 digits",
    ),
    _refused(
        "words that hold themselves",
        _ARGUMENTS,
        "ovh.find((() => { const a = []; a.push(a); return a })())",
        "holds itself",
    ),
    _refused(
        "a proxy without end to describe",
        _ARGUMENTS,
        "ovh.describe((() => { const deep = () => new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (t, k) => k === 'a' ? deep() : undefined }); return deep() })())",
        "nested deeper",
    ),
    _refused(
        "a proxy without end to resolve",
        _SCHEMAS,
        "ovh.resolve((() => { const deep = () => new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }), get: (t, k) => k === 'a' ? deep() : undefined }); return deep() })())",
        "nested deeper",
    ),
    _refused(
        "an array without end to resolve",
        _SCHEMAS,
        "ovh.resolve(new Proxy([], { get: (t, k) => k === 'length' ? Infinity : t[k] }))",
        "too large",
    ),
    _refused(
        "an object of a hundred thousand fields to resolve",
        _SCHEMAS,
        "ovh.resolve(Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => ['k' + i, i])))",
        "too large",
    ),
    _refused(
        "a getter that throws while it is resolved",
        _SCHEMAS,
        "ovh.resolve({ get a() { throw new Error('mine') } })",
        "mine",
    ),
    _refused(
        "a reference to a prototype",
        _SCHEMAS,
        "ovh.resolve('#/components/__proto__/constructor')",
        "no schema",
    ),
    _refused("a name of Object's own", _SCHEMAS, "ovh.resolve({ $ref: 'hasOwnProperty' })", "no schema"),
    _refused(
        "a depth that is another one each time",
        _SCHEMAS,
        "ovh.resolve('Me', { valueOf: () => Math.random() })",
        "depth is an object",
    ),
    HostileScript(
        "a schema that resolves itself as it is read",
        _SCHEMAS,
        "() => { const s = { get a() { return ovh.resolve(s) } }; return ovh.resolve(s) }",
        Fails("stack"),
        limits=_SEARCH,
    ),
    HostileScript(
        "schemas that the script has made refer to each other",
        _SCHEMAS,
        "(spec) => { const s = spec.components.schemas; s.A = { b: { $ref: 'B' }, c: { $ref: 'B' } }; s.B = { a: { $ref: 'A' }, b: { $ref: 'B' } }; return ovh.resolve('A', 10) }",
        Gives(
            {
                name: {"a": {"$ref": "A", "x-cycle": True}, "b": {"$ref": "B", "x-cycle": True}}
                for name in ("b", "c")
            }
        ),
        limits=_SEARCH,
    ),
    HostileScript(
        "schemas that double with each reference",
        "class: exponential expansion (CVE-2003-1564, libxml2)",
        "(spec) => { const s = spec.components.schemas; for (let i = 0; i < 40; i++) s['L' + i] = { anyOf: Array.from({ length: 9 }, () => ({ $ref: 'L' + (i + 1) })) }; s.L40 = {}; return JSON.stringify(ovh.resolve('L0', 10)).length < 2e6 }",
        Gives(True),
        limits=_SEARCH,
    ),
    HostileScript(
        "a copy through which the document would change",
        "class: shared document",
        "(spec) => { const me = ovh.resolve('Me'); me.required.push('FORGED'); me.type = 'FORGED'; return [spec.components.schemas.Me.required, ovh.resolve(spec.components.schemas.Me)] }",
        Gives([["id"], _ME]),
        limits=_SEARCH,
    ),
    HostileScript(
        "a document that is frozen and a name that is a getter",
        _SCHEMAS,
        "(spec) => { Object.defineProperty(spec.components.schemas, 'Got', { get: () => ({ $ref: 'Me' }) }); Object.freeze(spec.components.schemas); Object.freeze(spec.components.schemas.Me); return [ovh.resolve('Got'), ovh.resolve('Me')] }",
        Gives([_ME, _ME]),
        limits=_SEARCH,
    ),
)
