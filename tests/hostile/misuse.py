"""Scripts that use the API of the sandbox as it is not meant."""

from typing import Final

from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.sandbox.outcome import ScriptLimits
from tests.hostile.script_entry import Fails, Gives, HostileScript

_ME: Final[JsonObject] = {"method": "GET", "path": "/v1/me"}
_SEARCH: Final = ScriptLimits(timeout_s=10.0, may_call=False)


def _refused(name: str, call: str, says: str) -> HostileScript:
    """A call that is refused before it leaves, and whose refusal the script can read."""
    code = f"async () => {{ try {{ await {call}; return 'sent' }} catch (e) {{ return [e instanceof OvhError, e.message.includes({says!r})] }} }}"
    return HostileScript(name, "class: arguments of a call", code, Gives([True, True]), calls=())


SCRIPTS: Final = (
    HostileScript(
        "one call too many",
        "class: number of calls",
        "async () => { let n = 0; try { for (;;) { await ovh.get('/v1/me'); n++ } } catch (e) { return [n, e.code] } }",
        Gives([1000, "too-many-calls"]),
    ),
    HostileScript(
        "two thousand calls at once",
        "class: number of calls",
        "async () => { const all = await Promise.allSettled(Array.from({ length: 2000 }, () => ovh.get('/v1/me'))); return [all.filter(a => a.status === 'fulfilled').length, all.at(-1).reason.code] }",
        Gives([1000, "too-many-calls"]),
    ),
    HostileScript(
        "a hundred calls in flight",
        "class: calls in flight",
        "async () => (await Promise.all(Array.from({ length: 100 }, (_, i) => ovh.get('/v1/' + i)))).every((a, i) => a.asked.path === '/v1/' + i)",
        Gives(True),
    ),
    HostileScript(
        "a call from inside the arguments of a call",
        "class: arguments of a call",
        "async () => { let depth = 0; const o = { method: 'GET', get path() { if (depth++ < 5) ovh.request(o); return '/v1/me' } }; return (await ovh.request(o)).asked }",
        Gives(_ME),
        calls=(_ME,) * 6,
    ),
    HostileScript(
        "calls while the result is written",
        "class: calls in toJSON",
        "() => ({ toJSON() { for (let i = 0; i < 20; i++) ovh.delete('/v1/FORGED'); return 'true' } })",
        Gives("true"),
        calls=(),
    ),
    HostileScript(
        "calls from the getter of a thrown error",
        "class: calls after the end",
        "() => { throw { name: 'E', get message() { ovh.delete('/v1/FORGED'); return 'm' } } }",
        Fails("threw", says="m"),
        calls=(),
    ),
    HostileScript(
        "calls that nobody awaits",
        "class: calls never awaited",
        "() => { for (let i = 0; i < 20; i++) ovh.delete('/v1/FORGED'); return 'true' }",
        Gives("true"),
        calls=(),
    ),
    HostileScript(
        "calls after the end",
        "class: calls after the end",
        "async () => { (async () => { for (let i = 0; i < 30; i++) await null; for (;;) await ovh.delete('/v1/FORGED') })(); return 'true' }",
        Gives("true"),
        calls=(),
    ),
    HostileScript(
        "a call behind a failure",
        "class: calls after the end",
        "async () => { queueMicrotask(() => ovh.delete('/v1/FORGED')); throw new Error('first') }",
        Fails("threw", says="first"),
        calls=(),
    ),
    HostileScript(
        "a call from a search",
        "class: calls where none are allowed",
        "async () => await ovh.get('/v1/me')",
        Fails(
            "threw",
            says="execute",
            fields={
                "message": "search only reads the document; API calls are made with the execute tool",
                "code": "invalid-call",
            },
        ),
        _SEARCH,
        calls=(),
    ),
    HostileScript(
        "many calls from a search",
        "class: calls where none are allowed",
        "async () => (await Promise.allSettled(Array.from({ length: 50 }, () => ovh.delete('/v1/FORGED')))).every(a => a.reason.code === 'invalid-call')",
        Gives(True),
        _SEARCH,
        calls=(),
    ),
    HostileScript(
        "an answer that is awaited a thousand times",
        "class: awaited answers",
        "async () => { const p = ovh.get('/v1/me'); let n = 0; for (let i = 0; i < 1000; i++) n += (await p).answer; return n }",
        Gives(1000),
        calls=(_ME,),
    ),
    HostileScript(
        "a construction in place of a call",
        "class: ways to call",
        "async () => (await new ovh.request({ method: 'GET', path: '/v1/me' })).asked",
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "a call with another this",
        "class: ways to call",
        "async () => (await Reflect.apply(ovh.get, { request: () => 'FORGED' }, ['/v1/me'])).asked",
        Gives(_ME),
        calls=(_ME,),
    ),
    HostileScript(
        "a body of wide characters at the limit",
        "class: huge bodies",
        "async () => { try { await ovh.post('/v1/x', { body: '€'.repeat(4 * 2 ** 20 - 100) }); return 'sent' } catch (e) { return e.name } }",
        Gives("OvhError"),
        calls=(),
    ),
    HostileScript(
        "a body that escapes to six times its size",
        "class: huge bodies",
        "async () => { try { await ovh.post('/v1/x', { body: '\\0'.repeat(2 ** 20) }); return 'sent' } catch (e) { return e.name } }",
        Gives("OvhError"),
        calls=(),
    ),
    HostileScript(
        "ten bodies of three mebibytes at once",
        "class: huge bodies",
        "async () => (await Promise.all(Array.from({ length: 10 }, () => ovh.post('/v1/x', { body: 'x'.repeat(3 * 2 ** 20) }).then(() => 1, () => 0)))).length",
        Gives(10),
    ),
    HostileScript(
        "an answer far larger than what was asked",
        "class: huge answers",
        "async () => { const a = await ovh.post('/v1/x', { body: 'x'.repeat(2 ** 20) }); return a.asked.body.length }",
        Gives(2**20),
    ),
    HostileScript(
        "a result that is too large",
        "class: huge results",
        "() => 'x'.repeat(2 ** 24 + 1)",
        Fails("result-too-large", says="16 MiB"),
    ),
    HostileScript(
        "a result of wide characters that is too large in bytes only",
        "class: huge results",
        "() => Array(100).fill('€'.repeat(60_000))",
        Fails("result-too-large", says="16 MiB"),
    ),
    HostileScript(
        "a result that escapes to six times its size",
        "class: huge results",
        "() => '\\0'.repeat(2 ** 22)",
        Fails("result-too-large", says="16 MiB"),
    ),
    HostileScript(
        "a result of many places that say nothing",
        "class: huge results",
        "() => Array(2 ** 20).fill({})",
        Gives([{}] * 2**20),
    ),
    HostileScript(
        "a promise that can never settle",
        "class: never settles",
        "async () => await new Promise(() => {})",
        Fails("never-settles"),
    ),
    HostileScript(
        "a thenable that does nothing",
        "class: never settles",
        "() => ({ then() {} })",
        Fails("never-settles"),
    ),
    HostileScript(
        "a never-settling promise beside a refused call",
        "class: never settles",
        "async () => { ovh.request().catch(() => {}); await new Promise(() => {}) }",
        Fails("never-settles"),
    ),
    _refused("a call without arguments", "ovh.request()", "one object"),
    _refused("a call with two arguments", "ovh.request('GET', '/v1/me')", "one object"),
    _refused("a call with a list", "ovh.request(['GET'])", "one object"),
    _refused("a call with a function", "ovh.request(() => {})", "one object"),
    HostileScript(
        "a call with a revoked proxy",
        "class: Proxy arguments",
        "async () => { const r = Proxy.revocable({}, {}); r.revoke(); try { await ovh.request(r.proxy) } catch (e) { return e instanceof Error } }",
        Gives(True),
        calls=(),
    ),
    _refused(
        "a body that holds itself",
        "ovh.post('/v1/x', { body: (() => { const b = []; b.push(b); return b })() })",
        "holds itself",
    ),
    _refused(
        "a body that is nested too deep",
        "ovh.post('/v1/x', { body: (() => { let b = 1; for (let i = 0; i < 200; i++) b = [b]; return b })() })",
        "nested deeper",
    ),
    _refused(
        "a body nested as deep as the stack",
        "ovh.post('/v1/x', { body: (() => { let b = 1; for (let i = 0; i < 1e5; i++) b = [b]; return b })() })",
        "nested deeper",
    ),
    _refused("a body that is not a number", "ovh.post('/v1/x', { body: { a: NaN } })", "NaN"),
    _refused("a body that is a promise", "ovh.post('/v1/x', { body: Promise.resolve(1) })", "promise"),
    _refused(
        "a body whose getter throws",
        "ovh.post('/v1/x', { body: { get a() { throw new Error('mine') } } })",
        "mine",
    ),
    _refused(
        "a body whose getter throws something without a message",
        "ovh.post('/v1/x', { body: { get a() { throw null } } })",
        "cannot be sent",
    ),
    _refused(
        "a map whose keys are objects",
        "ovh.post('/v1/x', { body: new Map([[{}, 1]]) })",
        "key that is no text",
    ),
    _refused(
        "a body larger than a call may be", "ovh.post('/v1/x', { body: 'x'.repeat(5 * 2 ** 20) })", "larger"
    ),
)
