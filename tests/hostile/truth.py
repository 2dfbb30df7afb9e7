"""Scripts that bend the language so that an answer, an outcome or a log line comes out false."""

from typing import Final

from ovh_api_mcp.json_value import JsonObject
from tests.hostile.script_entry import API_FAILURE, Fails, Gives, HostileScript

_ME: Final[JsonObject] = {"method": "GET", "path": "/v1/me"}
_TRUE: Final[JsonObject] = {"answer": 1, "asked": _ME}


def _spoiled(name: str, spoil: str, source: str = "class: redefined built-ins") -> HostileScript:
    """A script that spoils the language, makes one call and returns what it got."""
    code = f"() => {{ {spoil}; return ovh.request({{ method: 'GET', path: '/v1/me' }}) }}"
    return HostileScript(name, source, code, Gives(_TRUE), calls=(_ME,))


_BUILT_INS: Final = (
    _spoiled("JSON.parse that forges", "JSON.parse = () => 'FORGED'"),
    _spoiled("JSON.stringify that forges", "JSON.stringify = () => '\"FORGED\"'"),
    _spoiled("a JSON that is gone", "globalThis.JSON = undefined; delete globalThis.JSON"),
    _spoiled(
        "array methods that forge",
        "for (const k of ['push', 'map', 'join', 'slice', 'concat', 'shift', 'forEach', 'splice']) Array.prototype[k] = () => 'FORGED'",
    ),
    _spoiled("Array.isArray that lies", "Array.isArray = () => true"),
    _spoiled(
        "an array iterator that forges",
        "Array.prototype[Symbol.iterator] = function* () { yield 'FORGED' }",
        "Agoric/realms-shim#51",
    ),
    _spoiled(
        "an array iterator whose next forges",
        "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ value: 'FORGED', done: false })",
    ),
    _spoiled(
        "string methods that forge",
        "for (const k of ['slice', 'toWellFormed', 'concat', 'charCodeAt', 'replace', 'toString', 'valueOf']) String.prototype[k] = () => 'FORGED'",
    ),
    _spoiled(
        "numbers that print as something else",
        "Number.prototype.toString = Number.prototype.valueOf = () => 'FORGED'",
    ),
    _spoiled(
        "Number.isSafeInteger and isFinite that lie",
        "Number.isSafeInteger = () => false; Number.isFinite = globalThis.isFinite = () => false",
    ),
    _spoiled("BigInt that forges", "globalThis.BigInt = () => 'FORGED'"),
    _spoiled(
        "Reflect that forges",
        "for (const k of Reflect.ownKeys(Reflect)) try { Reflect[k] = () => 'FORGED' } catch {}",
        "patriksimek/vm2#533 (Reflect.get replaced)",
    ),
    _spoiled(
        "Object's functions that forge",
        "for (const k of ['create', 'keys', 'defineProperty', 'freeze', 'getOwnPropertyDescriptor', 'entries', 'assign', 'getPrototypeOf', 'setPrototypeOf']) Object[k] = () => ['FORGED']",
    ),
    _spoiled(
        "Function.prototype that forges",
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'FORGED'",
    ),
    _spoiled(
        "a Function.prototype[Symbol.hasInstance] that cannot be replaced and a Number's that can",
        "Object.defineProperty(Number, Symbol.hasInstance, { value: () => false })",
    ),
    _spoiled(
        "WeakMap methods that forge",
        "for (const k of ['get', 'set', 'has', 'delete']) WeakMap.prototype[k] = () => ({ FORGED: 1 })",
    ),
    _spoiled(
        "Map and Set methods that forge",
        "for (const k of ['get', 'set', 'has', 'forEach']) { Map.prototype[k] = () => 'FORGED'; Set.prototype[k] = () => 'FORGED' }",
    ),
    _spoiled(
        "Promise.prototype.then that forges",
        "Promise.prototype.then = function (ok) { return ok ? ok('FORGED') : 'FORGED' }",
        "CVE-2026-22709 (vm2, patriksimek/vm2#547)",
    ),
    _spoiled(
        "Promise.prototype.catch and finally that forge",
        "Promise.prototype.catch = Promise.prototype.finally = () => 'FORGED'",
        "CVE-2026-22709 (vm2, patriksimek/vm2#547)",
    ),
    _spoiled(
        "a Promise that is another",
        "globalThis.Promise = class { constructor(f) { f(() => {}, () => {}) } then(f) { f('FORGED') } static resolve() { return new this(() => {}) } }",
    ),
    _spoiled(
        "Promise.resolve that forges", "Promise.resolve = Promise.reject = Promise.all = () => 'FORGED'"
    ),
    _spoiled(
        "a species of Promise that forges",
        "Object.defineProperty(Promise, Symbol.species, { get() { return class { constructor(f) { f(() => {}, () => {}) } then(f) { f('FORGED') } } } })",
        "CVE-2023-37466 (vm2, Promise species)",
    ),
    _spoiled(
        "a Promise constructor that is a trap",
        "Object.defineProperty(Promise.prototype, 'constructor', { get() { return { [Symbol.species]: function (f) { f(v => v, e => e) } } } })",
        "patriksimek/vm2#533 (species of an async function's promise)",
    ),
    _spoiled(
        "an Error that is another",
        "globalThis.Error = class { constructor() { this.stack = 'FORGED' } }",
        "CVE-2022-36067 (vm2)",
    ),
    _spoiled(
        "a TypeError that is gone",
        "delete globalThis.TypeError; delete globalThis.Error; delete globalThis.Object; delete globalThis.Symbol",
    ),
    _spoiled("a Symbol.toPrimitive on everything", "Object.prototype[Symbol.toPrimitive] = () => 'FORGED'"),
    _spoiled(
        "ovh, console and spec replaced",
        "try { ovh.request = () => 'FORGED' } catch {} try { ovh.get = () => 'FORGED' } catch {} console = spec = undefined",
    ),
)

_POLLUTION: Final = (
    _spoiled(
        "a toString on every object",
        "Object.prototype.toString = () => 'FORGED'",
        "browserify/static-eval#32",
    ),
    _spoiled(
        "getters for the fields of a descriptor",
        "for (const k of ['get', 'set', 'value', 'writable', 'enumerable', 'configurable']) Object.defineProperty(Object.prototype, k, { __proto__: null, get() { return undefined }, set() {}, configurable: true })",
        "class: prototype pollution",
    ),
    _spoiled(
        "the prelude's own names on every object",
        "for (const k of ['id', 'text', 'resolve', 'reject', 'stack', 'next', 'head', 'pieces', 'count', 'up', 'step']) Object.defineProperty(Object.prototype, k, { get() { return 'FORGED' }, set() { throw new Error('FORGED') }, configurable: true })",
        "class: prototype pollution",
    ),
    _spoiled(
        "setters on the indices of every array",
        "for (let i = 0; i < 20; i++) Object.defineProperty(Array.prototype, i, { get() { return 'FORGED' }, set() { throw new Error('FORGED') }, configurable: true })",
        "class: prototype pollution",
    ),
    _spoiled(
        "setters on the indices of every object",
        "for (let i = 0; i < 20; i++) Object.defineProperty(Object.prototype, i, { get() { return 'FORGED' }, set() { throw new Error('FORGED') }, configurable: true })",
        "class: prototype pollution",
    ),
    _spoiled(
        "a then on every object that hands on the object itself",
        "Object.defineProperty(Object.prototype, 'then', { get() { return undefined }, configurable: true })",
        "quickjs-ng/quickjs#1355",
    ),
    _spoiled(
        "a method, a body and a query on every object",
        "Object.prototype.body = 'FORGED'; Object.prototype.query = { FORGED: 1 }; Object.prototype.headers = { FORGED: '1' }",
        "class: prototype pollution",
    ),
    HostileScript(
        "a path that __proto__ adds to the options",
        "class: prototype pollution (hacksparrow/safe-eval#26)",
        'async () => { const o = JSON.parse(\'{"method":"GET","path":"/v1/me","__proto__":{"body":"FORGED"}}\'); return (await ovh.request({ method: o.method, path: o.path })).asked }',
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "an answer with a __proto__ of its own",
        "class: prototype pollution",
        "async () => { const a = await ovh.request({ method: 'POST', path: '/v1/x', body: JSON.parse('{\"__proto__\":{\"polluted\":1}}') }); return [({}).polluted === undefined, Object.keys(a.asked.body)] }",
        Gives([True, ["__proto__"]]),
    ),
    HostileScript(
        "a toJSON on every object while a failure of the API is written",
        "class: prototype pollution",
        "async () => { try { await ovh.get('/v1/fails') } catch (e) { Object.prototype.toJSON = () => ({ __proto__: null, message: 'FORGED', status: 200 }); throw e } }",
        Fails(
            "threw",
            fields=API_FAILURE,
        ),
    ),
    HostileScript(
        "details of a failure of the API that the script rewrites",
        "class: forged replies",
        "async () => { try { await ovh.get('/v1/fails') } catch (e) { e.details.why = 'FORGED'; e.status = 200; throw e } }",
        Fails(
            "threw",
            fields=API_FAILURE,
        ),
    ),
)

_PROMISES: Final = (
    HostileScript(
        "a thenable that is returned and resolves twice",
        "class: thenables",
        "() => ({ then(ok, no) { ok('first'); ok('FORGED'); no(new Error('FORGED')) } })",
        Gives("first"),
    ),
    HostileScript(
        "a thenable that resolves and then throws",
        "class: thenables",
        "() => ({ then(ok) { ok('first'); throw new Error('FORGED') } })",
        Gives("first"),
    ),
    HostileScript(
        "a thenable in a thenable",
        "class: thenables",
        "async () => ({ then(ok) { ok({ then(ok) { ok('inner') } }) } })",
        Gives("inner"),
    ),
    HostileScript(
        "a thenable that is awaited and changes its mind",
        "class: thenables",
        "async () => { let n = 0; const t = { get then() { return n++ ? undefined : (ok) => ok('first') } }; return [await t, await t === t] }",
        Gives(["first", True]),
    ),
    HostileScript(
        "a promise with a then of its own",
        "class: thenables",
        "() => { const p = Promise.resolve('true'); p.then = (ok) => ok('FORGED'); return p }",
        Gives("true"),
    ),
    HostileScript(
        "a promise whose constructor is a fake",
        "patriksimek/vm2#533 (a fake species)",
        "() => { const p = (async () => 'true')(); p.constructor = { [Symbol.species]: class { constructor(f) { f(x => x, e => e) } } }; return p }",
        Gives("true"),
    ),
    HostileScript(
        "a promise of a subclass that forges",
        "class: Promise subclasses",
        "() => { class P extends Promise { then(ok, no) { return super.then(() => ok('FORGED'), no) } } return new P(ok => ok('true')) }",
        Gives("true"),
    ),
    HostileScript(
        "a promise whose constructor cannot be read",
        "class: Promise species",
        "() => { const p = Promise.resolve('true'); Object.defineProperty(p, 'constructor', { get() { throw new Error('unreadable') } }); return p }",
        Fails("threw", says="unreadable"),
    ),
    HostileScript(
        "a capability that the executor keeps",
        "class: Promise species",
        "() => { let keep; const p = Promise.resolve('true'); p.constructor = { [Symbol.species]: function (f) { f(v => { keep = v }, () => {}); return {} } }; queueMicrotask(() => queueMicrotask(() => { if (typeof keep === 'function') keep('FORGED') })); return p }",
        Gives("true"),
    ),
    HostileScript(
        "a rejection that nobody handles",
        "CVE-2023-29017 (vm2, unhandled async errors)",
        "async () => { Promise.reject(new Error('FORGED')); (async () => { throw new Error('FORGED') })(); return 'true' }",
        Gives("true"),
        logs=(),
    ),
    HostileScript(
        "a rejection that is returned late",
        "class: unhandled rejections",
        "async () => { const p = Promise.reject(new TypeError('late')); await null; return await p }",
        Fails("threw", says="late"),
    ),
    HostileScript(
        "a microtask that throws",
        "class: uncaught errors",
        "async () => { queueMicrotask(() => { throw new TypeError('uncaught') }); await new Promise(() => {}) }",
        Fails("threw", says="uncaught"),
    ),
    HostileScript(
        "an outcome after the outcome",
        "class: work after the end",
        "async () => { (async () => { for (let i = 0; i < 50; i++) await null; throw new Error('FORGED') })(); return 'true' }",
        Gives("true"),
    ),
)

_READ_TWICE: Final = (
    HostileScript(
        "a path that is another at the second reading",
        "class: getters that change",
        "async () => { let n = 0; const a = await ovh.request({ method: 'GET', get path() { return n++ ? '/v1/FORGED' : '/v1/me' } }); return [n, a.asked.path] }",
        Gives([1, "/v1/me"]),
        calls=(_ME,),
    ),
    HostileScript(
        "options that are a proxy with two faces",
        "class: Proxy arguments",
        "async () => { const seen = {}; const o = new Proxy({ method: 'GET', path: '/v1/me' }, { get: (t, k) => (seen[k] = (seen[k] ?? 0) + 1) > 1 ? 'FORGED' : t[k] }); return (await ovh.request(o)).asked }",
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "options that are changed after the call",
        "class: arguments of a call",
        "async () => { const o = { method: 'GET', path: '/v1/me' }; const p = ovh.request(o); o.path = '/v1/FORGED'; o.method = 'DELETE'; return (await p).asked }",
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "a method in disguise",
        "class: arguments of a call",
        "async () => (await ovh.get('/v1/me', { method: 'DELETE', path: '/v1/FORGED' })).asked",
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "a path that is an object",
        "class: arguments of a call",
        "async () => (await ovh.request({ method: 'GET', path: { toJSON: () => '/v1/me' } })).asked",
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "a result that is another at the second reading",
        "class: getters that change",
        "() => { let n = 0; return { get a() { return n++ ? 'FORGED' : 'true' } } }",
        Gives({"a": "true"}),
    ),
    HostileScript(
        "a text whose toJSON forges",
        "class: toJSON",
        "() => { String.prototype.toJSON = Number.prototype.toJSON = Boolean.prototype.toJSON = () => 'FORGED'; return ['true', 1, false] }",
        Gives(["true", 1, False]),
    ),
    HostileScript(
        "a key that breaks out of its text",
        "class: JSON text",
        '() => ({ [\'"],"notes":["x\\n}\']: \'"}\\n\' })',
        Gives({'"],"notes":["x\n}': '"}\n'}),
    ),
    HostileScript(
        "lone surrogates in keys, values and console",
        "class: lone surrogates",
        "() => { console.log('\\ud800'); return { ['\\udc00']: '\\ud800' } }",
        Gives({"\ufffd": "\ufffd"}),
        logs=("\ufffd",),
    ),
    HostileScript(
        "NUL and every control character",
        "class: control characters",
        "() => String.fromCharCode(...Array(32).keys(), 0x2028, 0x2029, 0xfeff)",
        Gives("".join(map(chr, range(32))) + "\u2028\u2029\ufeff"),
    ),
    HostileScript(
        "a number that prints as code",
        "class: numbers",
        "() => [1e21, -0, 5e-324, 1.7976931348623157e308, NaN, -Infinity, 9007199254740993n]",
        Gives([1e21, 0, 5e-324, 1.7976931348623157e308, "NaN", "-Infinity", 9007199254740993]),
    ),
)

_FUNCTIONS: Final = (
    HostileScript(
        "constructor.constructor",
        "CVE-2017-16088 (safe-eval)",
        "() => [typeof this, typeof (() => {}).constructor.constructor('return typeof process + typeof require + typeof std + typeof os')(), (() => {}).constructor.constructor('return typeof process + typeof require + typeof std + typeof os')()]",
        Gives(["object", "string", "undefined" * 4]),
    ),
    HostileScript(
        "the constructors of generators and async functions",
        "CVE-2025-68613 (n8n, constructor of a function)",
        "async () => { const make = [function* () {}, async () => {}, async function* () {}].map(f => f.constructor); return [await make[1]('return typeof process + typeof token + typeof host')(), [...make[0]('yield typeof process')()]] }",
        Gives(["undefined" * 3, ["undefined"]]),
    ),
    HostileScript(
        "an indirect eval",
        "class: eval",
        "() => (0, eval)('typeof token + typeof host + typeof bounds + typeof serve + typeof pending')",
        Gives("undefined" * 5),
    ),
    HostileScript(
        "a with statement around the globals",
        "CVE-2026-1470 (n8n, with statement)",
        "() => new Function('with (globalThis) { return typeof process + typeof token }')()",
        Gives("undefined" * 2),
    ),
    HostileScript(
        "the caller of a function",
        "class: arguments.callee.caller",
        "function run() { let seen = []; for (const get of [() => run.caller, () => arguments.callee.caller, () => run.arguments]) { try { const v = get(); seen.push(v === null || v === undefined ? 'nothing' : typeof v) } catch (e) { seen.push('nothing') } } return seen }",
        Gives(["nothing", "nothing", "nothing"]),
    ),
    HostileScript(
        "the this of a plain function",
        "class: this",
        "function () { return [this === undefined || this === globalThis, typeof new.target] }",
        Gives([True, "undefined"]),
    ),
    HostileScript(
        "call sites that hand out functions",
        "CVE-2022-36067 (vm2, Error.prepareStackTrace)",
        "() => { let sites = 'none'; Error.prepareStackTrace = (e, s) => { sites = s; return s }; try { null.x } catch (e) { e.stack } try { ovh.request({ get path() { throw new Error() } }) } catch {} const holder = {}; Error.captureStackTrace?.(holder); void holder.stack; return sites }",
        Gives("none"),
    ),
    HostileScript(
        "a prepareStackTrace that the prototype hands on",
        "patriksimek/vm2#562",
        "() => { let sites = 'none'; for (const E of [Error, TypeError, RangeError, SyntaxError, AggregateError]) Object.defineProperty(E, 'prepareStackTrace', { value: (e, s) => { sites = s }, configurable: true }); try { undefined() } catch (e) { e.stack } return sites }",
        Gives("none"),
    ),
    HostileScript(
        "a stack trace without limit",
        "class: Error.stackTraceLimit",
        "() => { Error.stackTraceLimit = Infinity; const f = (n) => n ? f(n - 1) : new Error('x').stack; return typeof f(200) }",
        Gives("string"),
    ),
    HostileScript(
        "a stackTraceLimit that is a trap",
        "class: Error.stackTraceLimit",
        "async () => { Object.defineProperty(Error, 'stackTraceLimit', { get() { throw new Error('FORGED') }, configurable: true }); return await ovh.get('/v1/me') }",
        Gives(_TRUE),
    ),
    HostileScript(
        "an error whose name is a symbol",
        "patriksimek/vm2#547",
        "async () => { const e = new Error('m'); e.name = Symbol(); const f = async () => e.stack; try { await f() } catch (x) { return x.constructor.constructor('return typeof process')() } return 'no error' }",
        Gives("no error"),
    ),
    HostileScript(
        "an error of the engine's own making",
        "hacksparrow/safe-eval#32, gf3/sandbox#67",
        "() => { try { Object.prototype.propertyIsEnumerable.call(undefined) } catch (e) { return e.constructor.constructor('return typeof process + typeof host')() } }",
        Gives("undefined" * 2),
    ),
    HostileScript(
        "an error of the prelude's making",
        "CVE-2023-30547 (vm2, exceptions of the host)",
        "async () => { try { await ovh.request() } catch (e) { return [e.constructor === OvhError, e.constructor.constructor('return typeof token + typeof host')(), e.stack.includes('host') && typeof host] } }",
        Gives([True, "undefined" * 2, "undefined"]),
    ),
    HostileScript(
        "an error that is caught while its rescue throws",
        "CVE-2023-29199 (vm2, exception sanitization)",
        "() => { try { try { null.x } catch (e) { throw { e, catch: 'x' } } } catch ($tmpname) { return Object.keys($tmpname) } }",
        Gives(["e", "catch"]),
    ),
    HostileScript(
        "a suppressed error",
        "GHSA-55hx-c926-fr95 (vm2, SuppressedError)",
        "() => { const s = new DisposableStack(); s.defer(() => { null.x }); s.defer(() => { undefined.y }); try { s.dispose() } catch (e) { return [e.name, e.suppressed.constructor.constructor('return typeof process')()] } }",
        Gives(["SuppressedError", "undefined"]),
    ),
    HostileScript(
        "lookupGetter on the way to a prototype",
        "GHSA-grj5-jjm8-h35p (vm2, __lookupGetter__)",
        "() => { const g = ({}).__lookupGetter__.call(ovh.get, '__proto__'); return g.call(ovh.get).constructor('return typeof process + typeof token')() }",
        Gives("undefined" * 2),
    ),
    HostileScript(
        "an inspect function that is called with the host's objects",
        "CVE-2023-37903 (vm2, nodejs.util.inspect.custom)",
        "() => { let called = false; const o = { [Symbol.for('nodejs.util.inspect.custom')]: () => { called = true }, inspect: () => { called = true } }; console.log(o); return called }",
        Gives(False),
    ),
    HostileScript(
        "console.constructor",
        "commenthol/safer-eval#6",
        "() => console.log.constructor('return typeof process + typeof token')()",
        Gives("undefined" * 2),
    ),
    HostileScript(
        "a defineGetter without a function",
        "hacksparrow/safe-eval#32",
        "() => { try { __defineGetter__('x') } catch (e) { return e.constructor.constructor('return typeof process')() } return 'no error' }",
        Gives("undefined"),
    ),
    HostileScript(
        "unscopables in a with statement",
        "gf3/sandbox#66",
        "() => new Function('with ({ [Symbol.unscopables]: {} }) { try { isPrototypeOf.call(null, {}) } catch (e) { return e.constructor.constructor(`return typeof process`)() } return `no error` }')()",
        Gives("undefined"),
    ),
    HostileScript(
        "the promise of an import",
        "gf3/sandbox#64",
        "async () => { const p = import('oops'); p.catch(() => {}); return p.constructor.constructor('return typeof process')() }",
        Gives("undefined"),
    ),
    HostileScript(
        "import of what an engine may bring along",
        "class: import()",
        "async () => { const out = []; for (const m of ['std', 'os', 'qjs:std', 'qjs:os', 'bjson', 'fs', 'node:fs', '/etc/passwd', 'file:///etc/passwd', 'data:text/javascript,export default 1', './zygote.py']) { try { await import(m); out.push(m) } catch {} } return out }",
        Gives([]),
    ),
    HostileScript(
        "a template in place of a name",
        "GHSA-v98v-ff95-f3cp (n8n, template literals)",
        "() => (() => {})[`constructor`][`constructor`](`return typeof process`)()",
        Gives("undefined"),
    ),
    HostileScript(
        "a property on the way through [].constructor",
        "CVE-2024-21534 (jsonpath-plus, JSONPath-Plus/JSONPath#226)",
        "() => [].constructor.constructor('return typeof this.process + typeof this.token')()",
        Gives("undefined" * 2),
    ),
    HostileScript(
        "species that gives back a host's array",
        "Agoric/realms-shim#73",
        "() => { const own = Object.keys(ovh).constructor; let n = 0; Object.defineProperty(own, Symbol.species, { value: function () { n++; return { set length(v) {}, get length() { return 1 } } } }); console.log([1, 2], new Map([[1, 2]])); return [own === Array, n] }",
        Gives([True, 0]),
    ),
    HostileScript(
        "finalizers and weak references",
        "class: FinalizationRegistry",
        "async () => { const r = new FinalizationRegistry((held) => { if (typeof held !== 'number') console.log('FORGED') }); for (let i = 0; i < 1000; i++) r.register({ i }, i); const w = new WeakRef({}); for (let i = 0; i < 20; i++) await null; return typeof w.deref }",
        Gives("function"),
        logs=(),
    ),
    HostileScript(
        "everything that can be reached, searched for the token",
        "class: reading the prelude's token",
        r"""() => {
      const seen = new Set(), found = [], todo = [globalThis, ovh, console, spec, OvhError, new OvhError('x')];
      while (todo.length && seen.size < 50000) {
        const o = todo.pop();
        if ((typeof o !== 'object' && typeof o !== 'function') || o === null || seen.has(o)) continue;
        seen.add(o);
        todo.push(Object.getPrototypeOf(o));
        if (typeof o === 'function' && /secret|token|serve\(/.test(Function.prototype.toString.call(o))) found.push(o.name || 'a function');
        for (const k of Reflect.ownKeys(o)) {
          const d = Object.getOwnPropertyDescriptor(o, k);
          if (k === 'stack' || k === 'seen') continue;
          if (typeof d.value === 'string' && /^[0-9a-f]{32}$/.test(d.value)) found.push(String(k));
          todo.push(d.value, d.get, d.set);
        }
      }
      return found.filter(name => name !== '');
    }""",
        Gives([]),
    ),
)

SCRIPTS: Final = _BUILT_INS + _POLLUTION + _PROMISES + _READ_TWICE + _FUNCTIONS
