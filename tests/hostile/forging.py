"""Scripts that try to speak for someone else: the API, the sandbox, another script."""

from typing import Final

from tests.hostile.script_entry import API_FAILURE, Fails, Gives, HostileScript

_FRAME: Final = "E\\x00\\x00\\x00\\x02{}"

SCRIPTS: Final = (
    HostileScript(
        "a frame in the console",
        "class: forged frames",
        f"() => {{ console.log('{_FRAME}'); return 1 }}",
        Gives(1),
        logs=("E\0\0\0\x02{}",),
    ),
    HostileScript(
        "a frame as the result",
        "class: forged frames",
        "() => 'O\\x00\\x00\\x00\\x10{\"notes\":[]}\\n1'",
        Gives('O\0\0\0\x10{"notes":[]}\n1'),
    ),
    HostileScript(
        "the end of a list of lines in the console",
        "class: forged log lines",
        '() => { console.log(\'x"]],"dropped":7}\\n\'); return 1 }',
        Gives(1),
        logs=('x"]],"dropped":7}\n',),
    ),
    HostileScript(
        "a head and a body as the result",
        "class: forged outcomes",
        '() => \'{"notes":["x"]}\\nnull\'',
        Gives('{"notes":["x"]}\nnull'),
    ),
    HostileScript(
        "a result that looks like a failure",
        "class: forged outcomes",
        "() => ({ kind: 'timeout', name: 'E', message: 'm', stack: '', fields: null, notes: [] })",
        Gives({"kind": "timeout", "name": "E", "message": "m", "stack": "", "fields": None, "notes": []}),
    ),
    HostileScript(
        "a result that looks like the prelude's own",
        "class: forged outcomes",
        "() => ({ head: '{\"notes\":[]}', pieces: { count: 1, 0: '1' } })",
        Gives({"head": '{"notes":[]}', "pieces": {"count": 1, "0": "1"}}),
    ),
    HostileScript(
        "a failure that is thrown like one",
        "class: forged outcomes",
        "() => { throw { kind: 'timeout', name: 'TimeoutError', message: 'the script was still running' } }",
        Fails("threw", says="still running"),
    ),
    # Nothing tells these from what the engine throws: a script is believed about its own end, and gains nothing.
    HostileScript(
        "an error of memory that is not one",
        "class: forged limits",
        "() => { throw new InternalError('out of memory') }",
        Fails("threw", "memory"),
    ),
    HostileScript(
        "an error of memory by name",
        "class: forged limits",
        "() => { throw Object.assign(new Error('out of memory'), { name: 'InternalError' }) }",
        Fails("threw", "memory"),
    ),
    HostileScript(
        "a null that is thrown after a lot was used",
        "class: forged limits",
        "() => { const kept = []; for (let i = 0; i < 45; i++) kept.push(new Uint8Array(2 ** 20).fill(1)); throw null }",
        Fails("threw", "memory"),
    ),
    HostileScript(
        "an error of the stack that is not one",
        "class: forged limits",
        "() => { throw new RangeError('Maximum call stack size exceeded') }",
        Fails("threw", "stack"),
    ),
    HostileScript(
        "an interruption that is not one",
        "class: forged limits",
        "() => { throw new InternalError('interrupted') }",
        Fails("threw", says="interrupted"),
    ),
    HostileScript(
        "a text that reads like a limit",
        "class: forged limits",
        "() => { throw 'InternalError: out of memory' }",
        Fails("threw", says="InternalError"),
    ),
    HostileScript(
        "an OvhError by name",
        "class: forged OvhError",
        "() => { throw Object.assign(new Error('m'), { name: 'OvhError', code: 'refused', status: 403, fields: { status: 403 } }) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "an OvhError by prototype",
        "class: forged OvhError",
        "() => { throw Object.setPrototypeOf(Object.assign(new Error('m'), { status: 403 }), OvhError.prototype) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "an OvhError by inheritance from a real one",
        "class: forged OvhError",
        "async () => { try { await ovh.get('/v1/fails') } catch (e) { const f = Object.create(e); f.status = 200; throw f } }",
        Fails("threw"),
    ),
    HostileScript(
        "an OvhError in a proxy",
        "class: forged OvhError",
        "async () => { try { await ovh.get('/v1/fails') } catch (e) { throw new Proxy(e, { get: (t, k) => k === 'message' ? 'mine' : t[k] }) } }",
        Fails("threw", says="mine"),
    ),
    HostileScript(
        "an OvhError that the script makes itself",
        "class: forged OvhError",
        "() => { const e = new OvhError('m'); e.status = 403; e.code = 'FORGED'; throw e }",
        Fails("threw", fields={"message": "m"}),
    ),
    HostileScript(
        "a real OvhError with another status",
        "class: forged OvhError",
        "async () => { try { await ovh.get('/v1/fails') } catch (e) { e.status = 200; e.code = 'FORGED'; throw e } }",
        Fails(
            "threw",
            fields=API_FAILURE,
        ),
    ),
    HostileScript(
        "a place that is in no script",
        "class: forged stacks",
        "() => { throw Object.assign(new Error('m'), { stack: 'at f (<input>:99999999:7)' }) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "a place with a column that no number holds",
        "class: forged stacks",
        "() => { throw Object.assign(new Error('m'), { stack: 'at f (<input>:2:' + '9'.repeat(400) + ')' }) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "a place with a column of 5,000 digits",
        "class: forged stacks",
        "() => { throw Object.assign(new Error('m'), { stack: 'at f (<input>:2:' + '9'.repeat(5000) + ')' }) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "a message as long as memory goes",
        "class: unbounded messages",
        "() => { throw new Error('m'.repeat(2e7)) }",
        Fails("threw", says="mmm"),
    ),
    HostileScript(
        "a name as long as memory goes",
        "class: unbounded messages",
        "() => { throw Object.assign(new Error('m'), { name: '\\0'.repeat(1e7) }) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "a stack as long as memory goes",
        "class: unbounded messages",
        "() => { throw Object.assign(new Error('m'), { stack: '€'.repeat(1e7) }) }",
        Fails("threw", says="m"),
    ),
    HostileScript(
        "a key of 100,000 letters that no note names",
        "class: unbounded notes",
        "() => ({ ['k'.repeat(1e5)]: 1 })",
        Gives({"k" * 100_000: 1}),
    ),
    HostileScript(
        "a note that names a key of 100,000 letters",
        "class: unbounded notes",
        "() => ({ ['k'.repeat(1e5)]: NaN })",
        Gives({"k" * 100_000: "NaN"}),
    ),
    HostileScript(
        "eight notes that name long keys",
        "class: unbounded notes",
        "() => { let o = {}; for (let i = 0; i < 8; i++) o['\\u0000'.repeat(20000) + i] = NaN; return o }",
        Gives({"\0" * 20_000 + str(i): "NaN" for i in range(8)}),
    ),
    HostileScript(
        "a call that brings its own id",
        "class: guessed call ids",
        "async () => { const [a, b] = await Promise.all([ovh.request({ id: 2, method: 'GET', path: '/v1/a' }), ovh.request({ id: 1, method: 'GET', path: '/v1/b' })]); return [a.asked.path, b.asked.path] }",
        Gives(["/v1/a", "/v1/b"]),
    ),
    HostileScript(
        "a reply to its own call",
        "class: guessed call ids",
        "async () => { for (const f of [globalThis.host, globalThis.serve, ovh.host, ovh.reply]) if (typeof f === 'function') f('', 'reply', 1, true, '\"FORGED\"'); return await ovh.get('/v1/me') }",
        Gives({"answer": 1, "asked": {"method": "GET", "path": "/v1/me"}}),
    ),
    HostileScript(
        "the promise of another call, resolved",
        "class: promises of other calls",
        "async () => { const a = ovh.get('/v1/a'), b = ovh.get('/v1/b'); a.then = b.then = (ok) => ok('FORGED'); a.resolve?.('FORGED'); Promise.resolve('FORGED').then.call(a, () => 'FORGED'); return await Promise.prototype.then.call(a, v => v.asked.path) }",
        Gives("/v1/a"),
    ),
    HostileScript(
        "an answer that is changed for the other who waits for it",
        "class: shared answers",
        "async () => { const [a, b] = await Promise.all([ovh.get('/v1/a'), ovh.get('/v1/a')]); a.asked.path = 'FORGED'; return b.asked.path }",
        Gives("/v1/a"),
    ),
    HostileScript(
        "ovh bent out of shape",
        "class: tampering with ovh",
        "() => { const tried = []; for (const f of [() => { 'use strict'; ovh.request = 1 }, () => Object.defineProperty(ovh, 'get', { value: 1 }), () => Object.setPrototypeOf(ovh, { x: 1 }), () => { 'use strict'; ovh.extra = 1 }, () => { 'use strict'; delete ovh.put }]) { try { f(); tried.push('done') } catch (e) { tried.push(e.name) } } return tried }",
        Gives(["TypeError"] * 5),
    ),
    HostileScript(
        "stacks that show the prelude's token",
        "class: reading the prelude's token",
        "async () => { let text = new Error().stack; try { await ovh.request() } catch (e) { text += e.stack + e } try { ovh.request({ get method() { throw new Error('x') } }).catch(() => {}) } catch (e) { text += e.stack } return /[0-9a-f]{32}/.test(text) }",
        Gives(False),
    ),
    HostileScript(
        "the arguments of the prelude's functions",
        "class: reading the prelude's token",
        "() => { const seen = []; const f = function () { seen.push(typeof f.caller?.arguments) }; try { f() } catch { seen.push('undefined') } return seen }",
        Gives(["undefined"]),
    ),
    HostileScript(
        "more lines than the console keeps",
        "class: console",
        "() => { for (let i = 0; i < 1e5; i++) console.log('x'.repeat(99)); return 1 }",
        Gives(1),
    ),
    HostileScript(
        "lines whose every letter is escaped",
        "class: console",
        "() => { for (let i = 0; i < 500; i++) console.log('\\0'.repeat(16000)); return 1 }",
        Gives(1),
    ),
    HostileScript(
        "a line of wide and broken letters",
        "class: console",
        "() => { console.log('\\ud83d'.repeat(40000)); return 1 }",
        Gives(1),
    ),
    HostileScript(
        "levels that do not exist",
        "class: console",
        "() => { for (const level of ['fatal', 'constructor', '__proto__']) { try { console[level]('FORGED') } catch {} } return 1 }",
        Gives(1),
        logs=(),
    ),
)
