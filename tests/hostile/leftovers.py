"""Scripts that leave something behind for the next one.

The script itself succeeds; that nothing of it is there afterwards is seen by the search that the
test runs after every script, which compares the document and the whole of the language.
"""

from typing import Final

from tests.hostile.script_entry import Gives, HostileScript


def _leaving(name: str, code: str, source: str = "class: leftovers") -> HostileScript:
    return HostileScript(name, source, f"() => {{ {code}; return 'left' }}", Gives("left"))


SCRIPTS: Final = (
    _leaving("a global", "globalThis.left = 'FORGED'"),
    _leaving(
        "a global that cannot be removed", "Object.defineProperty(globalThis, 'left', { value: 'FORGED' })"
    ),
    _leaving("a global object that takes nothing more", "Object.preventExtensions(globalThis)"),
    _leaving("a document without paths", "delete spec.paths; spec.openapi = 'FORGED'"),
    _leaving("a document with one more path", "spec.paths['/v1/FORGED'] = { get: { summary: 'FORGED' } }"),
    _leaving(
        "a document whose details were replaced",
        "spec.paths['/v1/me'].get.tags = ['FORGED']; spec.components.schemas.Me.required.push('FORGED')",
    ),
    _leaving(
        "a document whose details were removed",
        "delete spec.paths['/v1/me'].get.parameters; delete spec.components.schemas.Me.type",
    ),
    _leaving(
        "a frozen document",
        "(function freeze(o) { if (o && typeof o === 'object') { Object.freeze(o); Object.values(o).forEach(freeze) } })(spec)",
    ),
    _leaving(
        "a document with a trap for a prototype",
        "Object.setPrototypeOf(spec, new Proxy({}, { get: () => 'FORGED', has: () => true, ownKeys: () => ['FORGED'] }))",
    ),
    _leaving(
        "a document with accessors",
        "Object.defineProperty(spec.paths, '/v1/me', { get: () => ({ get: { summary: 'FORGED' } }), enumerable: true })",
    ),
    _leaving("a document under another name", "spec = { paths: { FORGED: {} } }"),
    _leaving(
        "a prototype of every object", "Object.prototype.left = 'FORGED'; Object.prototype.toJSON = undefined"
    ),
    _leaving("a prototype of every array", "Array.prototype.left = 'FORGED'; Array.prototype.push = () => 0"),
    _leaving("a prototype of every function", "Function.prototype.left = 'FORGED'"),
    _leaving(
        "frozen prototypes",
        "for (const k of Reflect.ownKeys(globalThis)) { const v = globalThis[k]; if (typeof v === 'function' && v.prototype) { Object.freeze(v); Object.freeze(v.prototype) } }",
    ),
    _leaving(
        "a language without JSON, Object and Promise",
        "for (const k of ['JSON', 'Object', 'Promise', 'Reflect', 'Array', 'Map']) delete globalThis[k]",
    ),
    _leaving("a Math that does not roll dice", "Math.random = () => 0.5; Math.max = () => 'FORGED'"),
    _leaving("a clock that stands still", "Date.now = () => 0; Date.prototype.toISOString = () => 'FORGED'"),
    _leaving(
        "a console that says something else",
        "console.log = console.error = () => 'FORGED'; delete console.warn",
    ),
    _leaving("no ovh at all", "ovh = undefined; OvhError = undefined; delete globalThis.crypto"),
    _leaving(
        "an iterator that never ends",
        "Array.prototype[Symbol.iterator] = function* () { for (;;) yield 'FORGED' }",
    ),
    _leaving("a registered symbol as a key of everything", "Object.prototype[Symbol.for('left')] = 'FORGED'"),
    _leaving("spent randomness", "for (let i = 0; i < 200; i++) crypto.randomUUID()"),
    _leaving(
        "jobs that still wait",
        "for (let i = 0; i < 10000; i++) queueMicrotask(() => { globalThis.left = 'FORGED' })",
    ),
    _leaving("a prepareStackTrace", "Error.prepareStackTrace = () => 'FORGED'; Error.stackTraceLimit = 0"),
    HostileScript(
        "a declaration outside any function",
        "class: leftovers",
        "let left = 'FORGED'; const ovh2 = ovh; class Left {}\nvar alsoLeft = 1;\nreturn 'left'",
        Gives("left"),
    ),
    HostileScript(
        "a function declared over a built-in",
        "class: leftovers",
        "function parseInt() { return 'FORGED' }\nvar JSON = { parse() { return 'FORGED' } };\n() => 'left'",
        Gives("left"),
    ),
)
