"""Scripts grown from faults of QuickJS and quickjs-ng that were published: use after free, overflows, leaks.

Each goes the way of a published fault in words of its own. What the language prescribes must come
out; a process that crashes is a failure of the test, whatever it was that crashed it.
"""

from typing import Final

from ovh_api_mcp.json_value import JsonValue
from tests.hostile.script_entry import OUT_OF_MEMORY, Gives, HostileScript

_ATTEMPT: Final = "const attempt = f => { try { return f() } catch (e) { return e.name } };"


def _resized(name: str, source: str, work: str, expected: JsonValue) -> HostileScript:
    """A script with a resizable buffer `b` of 1,024 bytes and `shrink`, which empties it when read."""
    code = (
        f"() => {{ {_ATTEMPT} const b = new ArrayBuffer(1024, {{ maxByteLength: 1 << 20 }}), i32 = new Int32Array(b);"
        f" const shrink = (v = 7, to = 0) => ({{ valueOf() {{ b.resize(to); return v }} }}); {work} }}"
    )
    return HostileScript(name, source, code, Gives(expected))


_BUFFERS: Final = (
    _resized(
        "an atomic addition to a buffer that is gone",
        "quickjs-ng/quickjs#1302, bellard/quickjs#508",
        "const r = attempt(() => Atomics.add(i32, 0, shrink())); return ['RangeError', 'TypeError'].includes(r)",
        True,
    ),
    _resized(
        "an atomic store into a buffer that is gone",
        "quickjs-ng/quickjs#1301",
        "const r = attempt(() => Atomics.store(i32, 0, shrink())); return ['RangeError', 'TypeError'].includes(r)",
        True,
    ),
    _resized(
        "an atomic exchange with a buffer that has moved",
        "quickjs-ng/quickjs#1302",
        "attempt(() => Atomics.exchange(i32, 3, shrink(5, 1 << 20))); return [i32[3], i32.length]",
        [5, 1 << 18],
    ),
    _resized(
        "an atomic comparison with a buffer that is gone",
        "quickjs-ng/quickjs#1302",
        "attempt(() => Atomics.compareExchange(i32, 255, 0, shrink())); return i32.length",
        0,
    ),
    _resized(
        "a typed array sorted while it shrinks",
        "quickjs-ng/quickjs#1297",
        "const u8 = new Uint8Array(b); for (let i = 0; i < 256; i++) u8[i] = 255 - i; let n = 0; u8.sort((x, y) => { if (++n === 900) b.resize(10); return x - y }); return u8.length",
        10,
    ),
    _resized(
        "a typed array made over a buffer that shrinks meanwhile",
        "quickjs-ng/quickjs#1296, bellard/quickjs#478",
        "const f = (() => {}).bind(); Object.defineProperty(f, 'prototype', { get() { b.resize(0); return Uint8Array.prototype } }); const u = attempt(() => Reflect.construct(Uint8Array, [b, 8, 100], f)); return typeof u === 'string' || [...u].every(x => x === 0 || x === undefined)",
        True,
    ),
    _resized(
        "a typed array copied from one that shrinks meanwhile",
        "quickjs-ng/quickjs#1305",
        "const T = new Proxy(function () {}, { get: (t, k, r) => k === 'prototype' ? (b.resize(0), Int32Array.prototype) : Reflect.get(t, k, r) }); const u = attempt(() => Reflect.construct(Int32Array, [i32], T)); return typeof u === 'string' || [...u].every(x => x === 0)",
        True,
    ),
    _resized(
        "a slice of a buffer whose species shrinks it",
        "quickjs-ng/quickjs#1210, bellard/quickjs#451",
        "class Shrinking extends ArrayBuffer { constructor(n) { super(n); b.resize(64) } } b.constructor = { [Symbol.species]: Shrinking }; const s = attempt(() => b.slice(500, 1000)); return typeof s === 'string' || new Uint8Array(s).every(x => x === 0)",
        True,
    ),
    _resized(
        "a with() whose value shrinks the array",
        "bellard/quickjs#492",
        "const r = attempt(() => i32.with(0, shrink())); return typeof r === 'string' || [...r].every(x => x === 0 || x === 7)",
        True,
    ),
    _resized(
        "a lastIndexOf from an index that shrinks the array",
        "quickjs-ng/quickjs#1164 (TypedArray.prototype.lastIndexOf)",
        "return i32.lastIndexOf(0, shrink(200))",
        -1,
    ),
    _resized(
        "an indexOf and an includes likewise",
        "class: TypedArray and resizing",
        "return [i32.includes(undefined, shrink(0)), i32.indexOf(0)]",
        [True, -1],
    ),
    _resized(
        "a fill whose value shrinks the array",
        "class: TypedArray and resizing",
        "attempt(() => i32.fill(shrink(9, 16), 0, 200)); return [...i32]",
        [9, 9, 9, 9],
    ),
    _resized(
        "a copyWithin whose end shrinks the array",
        "class: TypedArray and resizing",
        "attempt(() => i32.copyWithin(0, 100, shrink(200, 16))); return i32.length",
        4,
    ),
    _resized(
        "a subarray whose end detaches the buffer",
        "quickjs-ng/quickjs#1600",
        "const r = attempt(() => i32.subarray(1, { valueOf() { b.transfer(); return 9 } })); return typeof r === 'string' || r.length === 0",
        True,
    ),
    _resized(
        "a set from an array-like that shrinks the target",
        "class: TypedArray and resizing",
        "attempt(() => i32.set({ length: 100, get 0() { b.resize(8); return 1 }, 50: 2 })); return [...i32]",
        [1, 0],
    ),
    _resized(
        "a DataView written to while its buffer shrinks",
        "class: DataView",
        "const v = new DataView(b); return ['RangeError', 'TypeError'].includes(attempt(() => v.setInt32(1000, shrink())))",
        True,
    ),
    _resized(
        "an iteration over an array that shrinks",
        "class: TypedArray and resizing",
        "const seen = []; for (const x of i32) { seen.push(x); if (seen.length === 2) b.resize(16) } return seen.length",
        4,
    ),
    _resized(
        "a map whose function shrinks the array",
        "class: TypedArray and resizing",
        "let n = 0; const r = i32.map(x => { if (n++ === 0) b.resize(0); return 1 }); return [r.length, n]",
        [256, 256],
    ),
    _resized(
        "a toSorted and a toReversed of an array out of bounds",
        "class: TypedArray and resizing",
        "const t = new Int32Array(b, 512, 64); b.resize(600); return [attempt(() => t.toSorted()), attempt(() => t.toReversed()), t.length]",
        ["TypeError", "TypeError", 0],
    ),
    HostileScript(
        "a filter whose set reaches nothing",
        "bellard/quickjs#441",
        "() => { class Bytes extends Uint16Array { get set() { throw new EvalError() } } try { new Bytes(3).filter(Boolean) } catch {} return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a buffer whose length is a trap",
        "class: ArrayBuffer",
        "() => { try { new ArrayBuffer({ valueOf() { return -1 } }) } catch (e) { return e.name } }",
        Gives("RangeError"),
    ),
)

_RECENT: Final = (
    HostileScript(
        "arrays that are grown by their length and then pushed to",
        "quickjs-ng/quickjs#1562",
        "() => { const kept = []; for (let i = 0; i < 2000; i++) { const a = [{ i }]; a.length = 200 + i % 60; a.push({ i }); a.length = i % 3; a.length = 100; a.unshift({}); kept.push(a); if (kept.length > 50) kept.length = 0 } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "an array that is cut by what its cutting frees",
        "GHSA-r6vf-p8wr-4vg9 (quickjs-ng/quickjs#1467)",
        "() => { for (let i = 0; i < 300; i++) { const a = Array.from({ length: 50 }, () => ({})); const r = new FinalizationRegistry(() => { a.length = 0 }); for (const o of a) r.register(o, 1); a.length = 10; a.length = 0; a.push(1) } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a disposer that makes the collector run",
        "quickjs-ng/quickjs#1564",
        "() => { let n = 0; const litter = () => { for (let i = 0; i < 30000; i++) { const o = {}; o.o = o } n++ }; for (let i = 0; i < 5; i++) { const s = new DisposableStack(); s.adopt({}, litter); s.use({ [Symbol.dispose]() {} }); s.defer(litter); s.dispose() } return n }",
        Gives(10),
    ),
    HostileScript(
        "a handler of an async disposal that is called without arguments",
        "quickjs-ng/quickjs#1661",
        "() => { const handlers = [], { then } = Promise.prototype; Promise.prototype.then = function (...both) { handlers.push(...both); return new Promise(() => {}) }; for (let i = 0; i < 50; i++) { const s = new AsyncDisposableStack(); s.use(null); s.adopt({}, () => {}); s.defer(() => { throw {} }); s.disposeAsync() } Promise.prototype.then = then; for (const f of handlers) try { Reflect.apply(f, undefined, []) } catch {} for (let i = 0; i < 30000; i++) { const o = {}; o.o = o } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a read from a buffer that was transferred",
        "quickjs-ng/quickjs#1208, bellard/quickjs#450",
        "() => { const b = new ArrayBuffer(64), u = new Uint8Array(b).fill(0x41), seen = [u[0]]; const c = b.transfer(1 << 16); for (let i = 0; i < 100; i++) new ArrayBuffer(64); seen.push(u[0] === undefined, u.length, b.detached, new Uint8Array(c)[63]); u[0] = 9; return seen }",
        Gives([65, True, 0, True, 65]),
    ),
    HostileScript(
        "a transfer whose length transfers",
        "quickjs-ng/quickjs#1208 (compare Samsung/escargot#1564)",
        "() => { const b = new ArrayBuffer(256, { maxByteLength: 4096 }); try { b.transfer({ valueOf() { b.transfer(); return 8 } }) } catch (e) { return e.name } }",
        Gives("TypeError"),
    ),
    HostileScript(
        "an overflow of the stack that is caught at every depth",
        "patriksimek/vm2#197, CVE-2019-10769 (safer-eval)",
        "() => { let worst = 'undefined'; const dive = (n) => { try { return dive(n + 1) } catch (e) { try { worst = e.constructor.constructor('return typeof process + typeof token')() } catch {} return n } }; dive(0); return worst === 'undefined' || worst === 'undefinedundefined' }",
        Gives(True),
    ),
)

_ITERATORS: Final = (
    HostileScript(
        "a concat whose iterable returns while it is asked",
        "quickjs-ng/quickjs#1368",
        "() => { let it; it = Iterator.concat({ [Symbol.iterator]() { try { it.return() } catch {} return [1][Symbol.iterator]() } }); try { it.next() } catch {} return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a concat that is returned from a next getter",
        "quickjs-ng/quickjs#1440",
        "() => { let it; const inner = { get next() { try { it.return() } catch {} return () => ({ done: true, value: 0 }) } }; it = Iterator.concat({ [Symbol.iterator]: () => inner }); try { it.next(); it.next() } catch {} return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a mapped iterator that leaks what it maps",
        "bellard/quickjs#493",
        "() => { let n = 0; for (let i = 0; i < 3000; i++) for (const x of [[new Array(1000).fill(i)]].values().map(a => a.length)) n += x; return n }",
        Gives(3000),
    ),
    HostileScript(
        "a helper that is closed by itself",
        "quickjs-ng/quickjs#1622",
        "() => { let it; it = [1, 2, 3].values().map(x => { try { it.return() } catch (e) { return e.name } }); return it.next().value }",
        Gives("TypeError"),
    ),
    HostileScript(
        "an async generator that is driven from a then getter",
        "quickjs-ng/quickjs#1355",
        "async () => { let it; const acts = [() => { it.next(1); it.return(1) }, () => it.return(0)]; Object.defineProperty(Object.prototype, 'then', { configurable: true, get() { const act = it && acts.pop(); try { act?.() } catch {} } }); it = (async function* () { for (const x of [1, 2, 3]) yield await x })(); await Promise.all([it.next(), it.next(), it.next()]); delete Object.prototype.then; return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a generator that runs itself",
        "class: generators",
        "() => { let g; g = (function* () { yield g.next() })(); try { g.next() } catch (e) { return e.name } }",
        Gives("TypeError"),
    ),
    HostileScript(
        "a generator whose constructor makes a bad date",
        "bellard/quickjs#273",
        "() => [...(function* () { yield new Date(Math, JSON, Reflect) })()].map(d => Number.isNaN(d.getTime()))",
        Gives([True]),
    ),
    HostileScript(
        "a for await with a disposer, collected meanwhile",
        "quickjs-ng/quickjs#1570",
        "async () => { let n = 0; for (let i = 0; i < 200; i++) { const gen = (async function* () { const held = Array(200).fill({}); yield held.length; yield held })(); for await (const x of gen) { n++; break } await gen.return() } return n }",
        Gives(200),
    ),
    HostileScript(
        "a destructuring whose iterator throws while it is closed",
        "class: iterator close",
        "() => { const it = { [Symbol.iterator]() { return this }, next: () => ({ value: 1, done: false }), return() { throw new Error('closing') } }; try { const [a] = it } catch (e) { return e.message } }",
        Gives("closing"),
    ),
)

_COLLECTIONS: Final = (
    HostileScript(
        "a map that is cleared while it is visited",
        "class: Map iteration",
        "() => { const m = new Map(Array.from({ length: 100 }, (_, i) => [i, {}])); let n = 0; m.forEach(() => { n++; m.clear(); if (n < 5) m.set(n, {}) }); return n }",
        Gives(5),
    ),
    HostileScript(
        "a set that is emptied by the set it is compared with",
        "LadybirdBrowser/ladybird#10337, tried on this engine",
        "() => { const s = new Set([{}, {}, {}]); const other = { size: 10, has: () => { s.clear(); return true }, keys: () => [].values() }; return s.intersection(other).size <= 1 }",
        Gives(True),
    ),
    HostileScript(
        "a set that grows while it is united",
        "class: Set methods",
        "() => { const s = new Set([1]); const r = s.union({ size: 1, has: () => true, keys: () => { let n = 0; return { next: () => { s.clear(); return n++ < 3 ? { value: { n }, done: false } : { done: true } } } } }); return r.size }",
        Gives(4),
    ),
    HostileScript(
        "a weak map that holds its own registry",
        "quickjs-ng/quickjs#1352",
        "() => { for (let i = 0; i < 100; i++) { const held = [Symbol(i), new WeakMap()]; held.push(new FinalizationRegistry(() => held.length)); held[2].register(held[0], i); held[1].set(held[0], held.pop()); held.length = 0 } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "registries in cycles with what they watch",
        "quickjs-ng/quickjs#1318, bellard/quickjs#494",
        "() => { for (let i = 0; i < 300; i++) { const target = {}; const reg = new FinalizationRegistry(() => {}); const ref = new WeakRef(target); reg.register(target, { target: ref }, ref); target.held = new Set([reg, target, ref]) } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a registry that is unregistered from its own callback",
        "quickjs-ng/quickjs#432",
        "async () => { const token = {}; const reg = new FinalizationRegistry(() => { reg.unregister(token); reg.register({}, 2, token) }); for (let i = 0; i < 50; i++) reg.register({}, i, token); await null; await null; return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a global object in a registry",
        "quickjs-ng/quickjs#367",
        "() => { globalThis.watched = { data: 1 }; globalThis.reg = new FinalizationRegistry(() => {}); reg.register(watched, 'x'); return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "an array that is cut while it is joined to another",
        "class: Array.prototype.concat",
        "() => { const a = Array.from({ length: 1000 }, (_, i) => ({ i })); Object.defineProperty(a, 500, { get() { a.length = 3; return 'x' } }); const r = [].concat(a); return [r.length, r[2].i, 999 in r] }",
        Gives([1000, 2, False]),
    ),
    HostileScript(
        "an array that is cut while its slice is asked for",
        "class: Array.prototype.slice (compare nginx/njs#445)",
        "() => { const a = Array.from({ length: 1000 }, () => ({})); const r = a.slice(0, { valueOf() { a.length = 1; return 1000 } }); return [r.length, 1 in r] }",
        Gives([1000, False]),
    ),
    HostileScript(
        "a species that changes the array that is cut",
        "class: Symbol.species (compare jerryscript-project/jerryscript#5306)",
        "() => { const a = [1, 2, 3, 4]; a.constructor = { [Symbol.species]: function (n) { a.length = 1; a.x = 1; return new Array(n) } }; const r = a.slice(0, 4); return [r.length, r[0], 3 in r] }",
        Gives([4, 1, False]),
    ),
    HostileScript(
        "an array whose species is itself",
        "patriksimek/vm2#562 (ArraySpeciesCreate), tried on this engine",
        "() => { const a = [3, 1, 2]; a.constructor = { [Symbol.species]: function () { return a } }; a.map(x => x + 1); return a.splice(0, 1) === a }",
        Gives(True),
    ),
    HostileScript(
        "a splice whose start empties the array",
        "class: Array.prototype.splice",
        "() => { const a = Array.from({ length: 100 }, () => ({})); const r = a.splice({ valueOf() { a.length = 0; return 10 } }, 50, 'x'); return r.length }",
        Gives(50),
    ),
    HostileScript(
        "a sort whose comparator empties the array",
        "class: Array.prototype.sort",
        "() => { const a = Array.from({ length: 200 }, (_, i) => ({ i: 200 - i })); a.sort((x, y) => { a.length = 0; a[1000] = 1; return x.i - y.i }); return [a[0].i, a.length] }",
        Gives([1, 1001]),
    ),
    HostileScript(
        "an element whose text changes the array that is joined",
        "bellard/mquickjs#26, tried on this engine",
        "() => { const a = [{ toString() { a.length = 1; for (let i = 0; i < 1000; i++) [1.1, 2.2]; return 'a' } }, 'c', 'b']; return a.join(101010) }",
        Gives("a101010101010"),
    ),
    HostileScript(
        "a flatMap whose function empties the array",
        "class: Array.prototype.flatMap",
        "() => { const a = [[1], [2], [3]]; return a.flatMap(x => { a.length = 0; return x }) }",
        Gives([1]),
    ),
    HostileScript(
        "an array that fast paths believe is dense",
        "class: fast arrays",
        "() => { const a = [1, 2, 3]; Object.defineProperty(Array.prototype, 1, { get() { a.length = 0; return 'hole' }, configurable: true }); delete a[1]; const r = [...a]; delete Array.prototype[1]; return r }",
        Gives([1, "hole"]),
    ),
    HostileScript(
        "own keys by the thousand million",
        "bellard/quickjs#535",
        "() => { const keys = []; keys.length = 2 ** 29; try { return Object.keys(new Proxy({}, { ownKeys: () => keys })).length } catch (e) { return e.name } }",
        Gives("TypeError"),
    ),
)

_VALUES: Final = (
    HostileScript(
        "digits beyond every BigInt",
        "quickjs-ng/quickjs#1164 (js_bigint_from_string)",
        "() => { const at = n => BigInt('9'.repeat(n)).toString().length; return [at(1), at(19), at(20), at(1234), at(20000)] }",
        Gives([1, 19, 20, 1234, 20000]),
    ),
    HostileScript(
        "a BigInt in every base",
        "bellard/quickjs#412 (limb_to_a)",
        "() => { const n = BigInt('1234567890'.repeat(60)); for (let base = 2; base <= 36; base++) { const s = n.toString(base); let back = 0n; for (const c of s) back = back * BigInt(base) + BigInt(parseInt(c, base)); if (back !== n) return base } return 'true' }",
        Gives("true"),
    ),
    HostileScript(
        "BigInts cut to odd numbers of bits",
        "class: BigInt",
        "() => [BigInt.asIntN(0, 5n), BigInt.asUintN(65, -1n), BigInt.asIntN(64, 2n ** 63n), BigInt.asUintN(1, 3n)].map(String)",
        Gives(["0", str(2**65 - 1), str(-(2**63)), "1"]),
    ),
    HostileScript(
        "a BigInt shifted by a BigInt beyond reason",
        "class: BigInt",
        "() => { try { return String((1n << -(2n ** 80n)) + (-1n >> 2n ** 80n)) } catch (e) { return e.name } }",
        Gives("-1"),
    ),
    HostileScript(
        "a local that changes while it is added to",
        "quickjs-ng/quickjs#1139 (OP_add_loc)",
        "() => { let s = 'a'.repeat(10); const o = { toString() { s = {}; for (let i = 0; i < 100; i++) 'x'.repeat(i); return 'b' } }; s += o; return s }",
        Gives("aaaaaaaaaab"),
    ),
    HostileScript(
        "a constructor that assigns itself to a constant",
        "bellard/quickjs#454",
        "() => { class Grab { taken = (NaN = this) } try { return Reflect.construct(Grab, []) instanceof Grab } catch (e) { return e.name } }",
        Gives("TypeError"),
    ),
    HostileScript(
        "dates that are no dates",
        "class: Date parsing",
        "() => ['+999999-01-01', '-000000-01-01T00:00Z', '9'.repeat(1e5), 'Jan '.repeat(1e4), '1970-01-01T00:00:00.' + '1'.repeat(1e4) + 'Z', '\\0', '(((((('].map(t => typeof Date.parse(t)).every(t => t === 'number')",
        Gives(True),
    ),
    HostileScript(
        "a date whose parts change it",
        "class: Date",
        "() => { const d = new Date(0); d.setHours({ valueOf() { d.setTime(NaN); return 1 } }); return d.getTime() >= 0 || Number.isNaN(d.getTime()) }",
        Gives(True),
    ),
    HostileScript(
        "numbers in every precision",
        "class: dtoa",
        "() => { for (let p = 1; p <= 100; p++) { (1 / 3).toPrecision(p); (1e21 / 7).toFixed(Math.min(p, 100)); (5e-324).toExponential(p) } return (2 ** -1074).toString(2).length }",
        Gives(1076),
    ),
    HostileScript(
        "a class of characters that ends too early",
        "quickjs-ng/quickjs#1354",
        "() => ['[]', '[', '[[', '[a--', '[\\\\q{'].map(p => { try { return new RegExp(p, 'v').test('a') } catch (e) { return e.name } })",
        Gives([False, "SyntaxError", "SyntaxError", "SyntaxError", "SyntaxError"]),
    ),
    HostileScript(
        "groups of one name in 257 alternatives",
        "quickjs-ng/quickjs#1591",
        "() => { const at = n => { try { return typeof new RegExp(Array.from({ length: n }, (_, i) => i % (n - 1) ? 'z' : '(?<a>q)').join('|')) } catch (e) { return e.name } }; return [256, 257, 258, 600].map(at).every(r => r === 'object' || r === 'SyntaxError') }",
        Gives(True),
    ),
    HostileScript(
        "a lastIndex that changes the expression",
        "class: RegExp.lastIndex",
        "() => { const r = /a/g; r.lastIndex = { valueOf() { r.compile('b'.repeat(1000), 'g'); return 0 } }; return r.test('aaa') === true || r.source.length === 1000 }",
        Gives(True),
    ),
    HostileScript(
        "a replacement function that compiles the expression anew",
        "class: RegExp.prototype.compile",
        "() => { const r = /a/g; return 'aXa'.replace(r, () => { r.compile('X'); return 'b' }) }",
        Gives("bXb"),
    ),
    HostileScript(
        "a split by an expression of the script's own kind",
        "class: Symbol.split",
        "() => { class R extends RegExp { exec() { return { index: 2 ** 31, 0: 'x', length: 2 ** 31 } } } try { return 'abc'.replace(new R('x'), '') === 'abc' } catch (e) { return e instanceof InternalError } }",
        Gives(True),
    ),
    HostileScript(
        "capture groups by the hundred",
        "bellard/quickjs#30 (re_parse_term)",
        "() => { try { return new RegExp('(a)'.repeat(254) + '\\\\254').exec('a'.repeat(255)).length } catch (e) { return e.name } }",
        Gives(255),
    ),
    HostileScript(
        "quantifiers beyond 32 bits",
        "class: RegExp",
        "() => { try { return /a{4294967295,99999999999999999999}/.test('a') } catch (e) { return e.name } }",
        Gives(False),
    ),
)

_FRAMES: Final = (
    HostileScript(
        "mapped arguments that are collected",
        "CVE-2026-37630 (quickjs-ng/quickjs#1400)",
        "() => { const f = new Function('a', 'b', 'arguments[0] = arguments; a = { arguments }; return () => [a, b, arguments]'); for (let i = 0; i < 3000; i++) { const g = f({}, [g0 => g0]); g().push(g) } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "promises in the executors of promises, redefined",
        "CVE-2023-48184 (quickjs-ng/quickjs#1200), our own way there",
        "async () => { let depth = 0; const dive = () => new Promise(ok => { const o = { ok }; Object.defineProperty(o, 'self', { value: o, configurable: true }); Object.defineProperty(o, 'self', { get: () => new Uint8Array(9), configurable: true }); if (depth++ < 200) ok(dive().then(() => o.self.length)); else ok(9) }); return await dive() }",
        Gives(9),
    ),
    HostileScript(
        "a stack that is walked after it was used up",
        "quickjs-ng/quickjs#1462",
        "() => { const f = () => f(); let names = new Set(); for (let i = 0; i < 20; i++) try { f() } catch (e) { names.add(e.name) } return [...names] }",
        Gives(["RangeError"]),
    ),
    HostileScript(
        "a trap that throws while a property is added",
        "bellard/quickjs#44",
        "() => { const p = new Proxy(Object.create(null), { getOwnPropertyDescriptor() { throw new EvalError('trap') } }); try { for (const k of ['a', 'b']) p[k] = { k } } catch (e) { return e.name } }",
        Gives("EvalError"),
    ),
    HostileScript(
        "handlers that are proxies of proxies",
        "bellard/quickjs#277",
        "() => { let handler = { get: 0 }; for (let i = 0; i < 5; i++) handler = new Proxy(i % 2 ? { get: () => ({}) } : {}, handler); try { return `${new Proxy({}, handler)}` } catch (e) { return e.name } }",
        Gives("TypeError"),
    ),
    HostileScript(
        "a proxy that is revoked while it answers",
        "class: Proxy",
        "() => { const r = Proxy.revocable({}, { get() { r.revoke(); return 1 }, ownKeys() { r.revoke(); return ['a'] } }); r.proxy.a; try { Object.keys(r.proxy) } catch (e) { return e.name } }",
        Gives("TypeError"),
    ),
    HostileScript(
        "a getter that removes itself while it is read",
        "class: property access",
        "() => { const o = { get a() { delete o.a; o.a = new Array(1000); return o.a } }; return [o.a.length, typeof o.a] }",
        Gives([1000, "object"]),
    ),
    HostileScript(
        "a stringify whose toJSON changes what is stringified",
        "class: JSON.stringify",
        "() => { const a = [{ toJSON() { a.length = 1; return 1 } }, 2, 3]; return JSON.stringify(a) }",
        Gives("[1,null,null]"),
    ),
    HostileScript(
        "a replacer list that grows while it is read",
        "class: JSON.stringify",
        "() => { const keys = new Proxy(['a'], { get: (t, k) => k === 'length' ? 3 : k === '0' ? (t.push('b'), 'a') : t[k] }); return JSON.stringify({ a: 1, b: 2 }, keys) }",
        Gives('{"a":1,"b":2}'),
    ),
    HostileScript(
        "a with statement in every scope there is",
        "bellard/quickjs#531",
        "() => new Function('with ({ a: 1 }) { { let b = 2; with ({ b: 3 }) { return (() => { with ({ c: 4 }) { return eval(\"a + b + c\") } })() } } }')()",
        Gives(8),
    ),
    HostileScript(
        "a finally that jumps out of every loop",
        "class: finally and labels",
        "() => { let n = 0; out: for (const x of [1, 2, 3]) { for (const y of [1, 2]) { try { n++; continue out } finally { n += 10; if (n > 25) break out } } } return n }",
        Gives(33),
    ),
    HostileScript(
        "a switch with 5,000 cases",
        "class: bytecode",
        "() => new Function('x', 'switch (x) {' + Array.from({ length: 5000 }, (_, i) => `case ${i}: return ${i}`).join(';') + '}')(4999)",
        Gives(4999),
    ),
    HostileScript(
        "a jump over 100,000 statements",
        "class: bytecode",
        "() => new Function('x', 'if (x) {' + 'x++;'.repeat(1e5) + '} return x')(1)",
        Gives(100_001),
    ),
    HostileScript(
        "a call with 60,000 arguments",
        "class: bytecode",
        "() => ((...a) => a.length)(...Array(60000).fill(0))",
        Gives(60_000),
    ),
    HostileScript(
        "a template with 5,000 holes",
        "class: bytecode",
        "() => eval('`' + '${1}'.repeat(5000) + '`').length",
        Gives(5000),
    ),
    HostileScript(
        "private fields that are asked of everything",
        "class: classes",
        "() => { class A { #x = 1; static has(o) { return #x in o } } return [A.has(new A()), A.has({}), A.has(new Proxy(new A(), {}))] }",
        Gives([True, False, False]),
    ),
    HostileScript(
        "a super class that is null and one that is gone",
        "class: classes",
        "() => { class A extends null { constructor() { return Object.create(A.prototype) } } class B extends A {} Object.setPrototypeOf(B, null); try { new B() } catch (e) { return [new A() instanceof A, e.name] } }",
        Gives([True, "TypeError"]),
    ),
    HostileScript(
        "errors whose cause is a getter that fails",
        "class: Error.cause",
        "() => { try { new Error('x', { get cause() { throw new RangeError('y') } }) } catch (e) { return e.name } }",
        Gives("RangeError"),
    ),
    HostileScript(
        "a compiler that runs out of memory",
        "CVE-2025-69654 (bellard/quickjs#468), while compiling",
        "() => { const kept = []; try { for (;;) kept.push('x'.repeat(2 ** 19) + kept.length) } catch {} try { new Function('return [' + '{a:1},'.repeat(1e5) + ']') } catch {} return 'survived' }",
        Gives("survived"),
    ),
    HostileScript(
        "a shortage in every function there is",
        "class: allocation failures",
        "() => { const kept = []; const ways = [() => [1].map(x => x), () => 'a'.split(''), () => new Map([[1, 2]]), () => JSON.parse('{\"a\":1}'), () => /a/.exec('a'), () => Symbol(), () => 1n << 999n, () => (async () => 1)(), () => new Error('x').stack, () => eval('1'), () => Promise.resolve(), () => new Proxy({}, {}), () => `${Math.random()}x`]; for (let size = 2 ** 20; size > 8; size >>= 1) { try { for (;;) kept.push(new Uint8Array(size)) } catch {} } for (let i = 0; i < 30; i++) for (let j = 0; j < ways.length; j++) try { ways[j]() } catch {} kept.length = 0; return 'survived' }",
        Gives("survived"),
    ),
    HostileScript(
        "a shortage of memory that has never been touched",
        "class: allocation failures",
        "() => { const kept = []; for (let size = 2 ** 20; size > 8; size >>= 1) { try { for (;;) kept.push(new Uint8Array(size)) } catch {} } return [[], {}, () => kept, Symbol('s'), new Map()] }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a cycle of everything",
        "class: garbage collection",
        "() => { let last = {}; for (let i = 0; i < 20000; i++) { const o = { last }; o.self = o; o.f = () => o; o.m = new Map([[o, o.f]]); o.w = new WeakRef(o); last = i % 10 ? o : {} } return 'ended' }",
        Gives("ended"),
    ),
    HostileScript(
        "a shape that is shared by a million objects and then is not",
        "class: hidden classes",
        "() => { const a = Array.from({ length: 20000 }, () => ({ x: 1, y: 2 })); for (const o of a) { delete o.x; Object.defineProperty(o, 'z', { get: () => 3 }); Object.setPrototypeOf(o, a) } return a[7].z + a[7].length }",
        Gives(20_003),
    ),
)

SCRIPTS: Final = _BUFFERS + _RECENT + _ITERATORS + _COLLECTIONS + _VALUES + _FRAMES
