"""Scripts that ask for more memory than 64 MiB, each in its own way."""

from typing import Final

from ovh_api_mcp.sandbox.outcome import ScriptLimits
from tests.hostile.script_entry import OUT_OF_MEMORY, Fails, Gives, HostileScript

SCRIPTS: Final = (
    HostileScript(
        "an array that grows without end",
        "class: array memory (sebastianwessel/quickjs#35)",
        "() => { const kept = []; for (;;) kept.push(new Array(1e4).fill('leak')) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "chunks of a mebibyte that are all kept",
        "class: string memory (justjake/quickjs-emscripten#255)",
        "() => { const kept = []; for (;;) kept.push('x'.repeat(2 ** 20) + kept.length) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a rope that is doubled until no string may be so long",
        "class: ropes",
        "() => { let rope = 'x'; for (;;) rope += rope }",
        Fails("threw", says="string too long"),
    ),
    HostileScript(
        "a rope of half a gibibyte that is flattened",
        "class: ropes",
        "() => { let rope = 'x'; for (let i = 0; i < 29; i++) rope += rope; return rope.charCodeAt(7) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "wide characters that double every byte",
        "class: string memory",
        "() => { const kept = []; for (;;) kept.push(('€' + kept.length).padEnd(1e5, '€')) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "one array buffer beyond the limit",
        "class: ArrayBuffer memory",
        "() => new ArrayBuffer(100 * 2 ** 20).byteLength",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "an array buffer that no machine has",
        "class: ArrayBuffer memory",
        "() => new ArrayBuffer(2 ** 52).byteLength",
        Fails("threw", says="invalid array buffer length"),
    ),
    HostileScript(
        "a resizable buffer that reserves its maximum",
        "class: resizable ArrayBuffer",
        "() => { const kept = []; for (;;) kept.push(new ArrayBuffer(1, { maxByteLength: 2 ** 24 })) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a resizable buffer that is grown step by step",
        "class: resizable ArrayBuffer",
        "() => { const b = new ArrayBuffer(0, { maxByteLength: 2 ** 30 }); for (;;) b.resize(b.byteLength + 2 ** 20) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "shared buffers, which the engine may count elsewhere",
        "class: SharedArrayBuffer",
        "() => { const kept = []; for (;;) { const b = new SharedArrayBuffer(2 ** 20); new Uint8Array(b).fill(1); kept.push(b) } }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "buffers that are transferred and kept",
        "class: ArrayBuffer.prototype.transfer",
        "() => { const kept = []; for (;;) kept.push(new ArrayBuffer(2 ** 16).transfer(2 ** 20)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "typed arrays of 64-bit integers",
        "class: typed arrays",
        "() => { const kept = []; for (;;) kept.push(new BigInt64Array(2 ** 16).fill(1n)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a Map that grows",
        "class: Map growth",
        "() => { const map = new Map(); for (let i = 0; ; i++) map.set(i, { i }) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a Set of strings that grows",
        "class: Set growth",
        "() => { const set = new Set(); for (let i = 0; ; i++) set.add('key ' + i) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a WeakMap whose keys stay alive",
        "class: WeakMap growth",
        "() => { const map = new WeakMap(), keys = []; for (;;) { const key = {}; keys.push(key); map.set(key, [1, 2, 3]) } }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "an object with a new property at every turn",
        "class: shapes and property names",
        "() => { const o = {}; for (let i = 0; ; i++) o['p' + i] = i }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "objects of ever new shapes",
        "class: hidden classes",
        "() => { const kept = []; for (let i = 0; ; i++) kept.push({ ['a' + i]: 1, ['b' + i]: 2, ['c' + i]: 3 }) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a regular expression that remembers every place to come back to",
        "class: backtracking memory",
        "() => /^(?:(a)|b|c)*$/.test('a'.repeat(6e6) + 'd')",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "matches of a global expression",
        "class: RegExp results",
        "() => { const kept = []; for (;;) kept.push(...'a'.repeat(1e4).matchAll(/a/g)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a string cut into characters",
        "class: split",
        "() => 'x'.repeat(3e7).split('').length",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a string that replaces itself by more of itself",
        "class: replaceAll growth",
        "() => { let s = 'a'.repeat(1000); for (;;) s = s.replaceAll('a', 'a'.repeat(100)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a text that is normalized into more than memory holds",
        "class: native string work",
        "() => 'a'.repeat(1e7).normalize('NFD').length",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "JSON text that grows with every level",
        "class: JSON text",
        "() => { let v = 'x'; for (;;) v = JSON.stringify([v, v]) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "JSON text with a long indent",
        "class: JSON text",
        "() => { let v = 1; for (let i = 0; i < 90; i++) v = [v, Array(3000).fill(0)]; return JSON.stringify(v, null, ' '.repeat(10)).length }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "JSON that is parsed into many small objects",
        "class: JSON.parse",
        "() => JSON.parse('[' + '{\"a\":[]},'.repeat(1.5e6) + '0]').length",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "BigInts that are kept",
        "class: BigInt",
        "() => { const kept = []; for (let i = 1n; ; i++) kept.push(i << 100000n) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a BigInt shifted farther than memory goes",
        "class: BigInt",
        "() => 1n << 2n ** 40n",
        Fails("threw", says="too large to allocate"),
    ),
    HostileScript(
        "symbols that are kept",
        "class: symbols",
        "() => { const kept = []; for (let i = 0; ; i++) kept.push(Symbol('s' + i)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "symbols of the global registry",
        "class: symbols",
        "() => { for (let i = 0; ; i++) Symbol.for('registered ' + i) }",
        Fails("memory", "timeout"),
        limits=ScriptLimits(timeout_s=1),
    ),
    HostileScript(
        "generators that are suspended and kept",
        "class: generators",
        "() => { const kept = []; for (;;) { const g = (function* () { const held = Array(100); yield held })(); g.next(); kept.push(g) } }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "async functions that wait for ever",
        "class: async frames",
        "() => { const never = new Promise(() => {}); const wait = async () => { await never }; for (;;) wait() }",
        Fails(
            "memory", "timeout"
        ),  # a shortage inside one of them is its own promise's, and the loop goes on
        ScriptLimits(timeout_s=2.0),
    ),
    HostileScript(
        "jobs that queue two jobs each",
        "class: job queue",
        "async () => { const twice = () => { for (let i = 0; i < 2; i++) { const held = new Array(1000).fill(i); queueMicrotask(() => twice(held)) } }; twice(); await new Promise(() => {}) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "jobs queued in a loop that lets none of them run",
        "class: job queue",
        "() => { for (;;) Promise.resolve().then(() => {}) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "reactions on one promise that never settles",
        "class: promises",
        "() => { const p = new Promise(() => {}); for (;;) p.then(() => {}) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "closures that each hold the one before",
        "class: closures",
        "() => { let f = () => 0; for (;;) { const g = f; f = () => g } }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "errors with their stacks",
        "class: Error stacks",
        "() => { const kept = []; for (;;) kept.push(new Error('e' + kept.length)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "causes that lead to causes",
        "class: Error.cause",
        "() => { let e; for (;;) e = new Error('e', { cause: e }) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a list that is linked for ever",
        "class: nested structures",
        "() => { let head = null; for (;;) head = { head } }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a spread of itself",
        "class: spread",
        "() => { let a = [1]; for (;;) a = [...a, ...a] }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "functions compiled from text",
        "class: bytecode",
        "() => { const kept = []; for (let i = 0; ; i++) kept.push(new Function(`return \"${'x'.repeat(1e5)}${i}\"`)) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "an array of a thousand million holes made to text",
        "justjake/quickjs-emscripten#219",
        "() => String(Object.assign([], { length: 999_999_999 })).length",
        Fails("memory", "timeout"),
        limits=ScriptLimits(timeout_s=1),
    ),
    HostileScript(
        "arguments by the million",
        "class: apply",
        "() => Math.max.apply(null, { length: 2 ** 31 })",
        Fails("threw", says="too many arguments"),
    ),
    HostileScript(
        "a result of 30 million parts",
        "class: result while it is written",
        "() => ({ toJSON() { return Array(3e7).fill(0) } })",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a result that gives birth to more of itself while it is written",
        "class: result while it is written",
        "() => { const kept = []; return new Proxy({}, { ownKeys: () => { for (;;) kept.push('k'.repeat(1000) + kept.length) } }) }",
        OUT_OF_MEMORY,
    ),
    HostileScript(
        "a console argument that asks for everything",
        "class: console arguments",
        "() => { console.log({ get a() { const kept = []; for (;;) kept.push(new Uint8Array(2 ** 20)) } }); return 'went on' }",
        Gives("went on"),
        logs=("[unprintable]",),
    ),
    HostileScript(
        "a caught shortage of memory that is caused again",
        "class: catch-all around a limit",
        "() => { const kept = []; for (let i = 0; i < 50; i++) { try { for (;;) kept.push(new Array(1e5).fill(i)) } catch {} } return 'survived' }",
        Gives("survived"),
    ),
    HostileScript(
        "an uncaught shortage with a long function name in its stack",
        "quickjs-ng/quickjs#1469",
        """() => {
          const name = 'A'.repeat(2 ** 22), kept = [];
          const fail = () => missing_identifier;
          Object.defineProperty(fail, 'name', { value: name });
          try { for (;;) kept.push(new Uint8Array(2 ** 20)) } catch {}
          try { fail() } catch {}
          return 'survived';
        }""",
        Gives("survived"),
    ),
    HostileScript(
        "a runtime that ends right after a shortage",
        "CVE-2025-69654 (bellard/quickjs#468)",
        "() => { globalThis.kept = []; try { for (;;) kept.push('x'.repeat(1e5) + kept.length) } catch (e) { globalThis.kept = null } return typeof kept }",
        Gives("object"),
    ),
)
