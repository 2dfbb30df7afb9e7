"""What wrong scripts are told: as they were run, in a real child, by all that comes back of them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import CodeError
from ovh_api_mcp.gate.match import Router
from ovh_api_mcp.sandbox.advice.advice import Circumstances, advised
from ovh_api_mcp.sandbox.advice.names import _HINT_OF, GLOBALS, OVH_MEMBERS
from ovh_api_mcp.sandbox.advice.seen import AnswersSeen
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptFailure, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import Script, parse_script
from ovh_api_mcp.server.document_keys import DocumentKeys
from tests.sandbox.conftest import Run, value

pytestmark = pytest.mark.anyio

ANSWERS: dict[str, object] = {
    "/v1/domain/zone": ["example.com", "example.net"],
    "/v1/domain/zone/example.com/record": [5123, 5124],
    "/v1/domain/zone/example.com/record/5123": {"id": 5123, "fieldType": "A", "target": "203.0.113.1"},
    "/v1/vps": ["vps-1.ovh.net"],
    "/v1/me": {"nichandle": "ab12345-ovh", "country": "FR", "status": "complete"},
    "/v2/iam/policy": [{"id": "p-1", "name": "readers"}],
}


class FewOperations:
    """A catalogue of some paths and schemas."""

    def __init__(self) -> None:
        self.paths = [
            "/v1/me",
            "/v1/domain/zone",
            "/v1/domain/zone/{zoneName}/record",
            "/v1/vps",
            "/v1/vps/{serviceName}/reboot",
            "/v1/dedicated/server/{serviceName}/task",
            "/v2/iam/policy",
        ]
        self._router = Router(self.routes())

    def routes(self) -> list[tuple[Method, str]]:
        return [(Method.POST if path.endswith("reboot") else Method.GET, path) for path in self.paths]

    def schema_names(self) -> list[str]:
        return ["domain.zone.Record", "domain.zone.Zone", "vps.VPS", "nichandle.Nichandle", "vps.Task"]

    def nearest(self, path: str) -> list[str]:
        return self._router.nearest(path)


async def told(box: Sandbox, code: str, *, may_call: bool = True) -> str:
    """Run a script and return all that is said of its end, result and notes or message and hint."""
    known = Circumstances(may_call, AnswersSeen(), DocumentKeys(FewOperations(), FewOperations()))

    async def answer(call: ScriptCall) -> CallAnswer:
        if call.is_lookup:
            return CallAnswer(is_ok=True, json=b'[{"method":"GET","path":"/v1/vps"}]')
        path = str(call.arguments.get("path"))
        found = path in ANSWERS
        body = ANSWERS.get(path, {"message": f"404 on {path}", "code": "api", "path": path})
        reply = CallAnswer(is_ok=found, json=json.dumps(body).encode())
        known.seen.note(call, reply)
        return reply

    try:
        script = parse_script(code, limit_bytes=1 << 20)
    except CodeError as error:
        return error.message
    outcome = advised(await box.run(script, answer, ScriptLimits(5.0, 5.0, may_call=may_call)), script, known)
    failure = outcome.failure
    if failure is None:
        return "\n".join([(outcome.result or b"").decode(), *outcome.notes])
    assert len(failure.hint) <= limits.MESSAGE_CHARS
    return f"{failure.name}: {failure.message}\n{failure.excerpt}\n{failure.hint}"


EXECUTE: Sequence[tuple[str, tuple[str, ...]]] = [
    # --- TypeScript
    ("async (): Promise<string[]> => await ovh.get('/v1/vps')", ("TypeScript", ": Promise", "column 9", "plain JavaScript")),
    ("interface Zone { name: string }\nexport default async () => 1", ("TypeScript", "interface Zone", "line 1")),
    ("type Ids = number[];\nasync () => { return 1 }", ("TypeScript", "type Ids")),
    ("enum Kind { A = 'A' }\nasync () => Kind.A", ("TypeScript", "enum Kind")),
    ("async () => {\n  const me = (await ovh.get('/v1/me')) as any;\n  return me;\n}", ("TypeScript", "as any", "line 2")),
    ("async () => {\n  const seen: Record<string, number> = {};\n  return seen;\n}", ("TypeScript", ": Record", "line 2")),
    ("async () => { const m = new Map<string, number[]>(); return m }", ("TypeScript", "new Map<string, number")),
    ("async () => { const me = await ovh.get('/v1/me'); return me!.country }", ("TypeScript", "non-null")),
    ("const cfg = { a: 1 } satisfies Config;\nreturn cfg", ("TypeScript", "satisfies")),
    ("class Box { constructor(private size: number) {} }\nreturn new Box(1)", ("TypeScript", "parameter property")),
    ("async () => { const f = (a: string, b?: number) => a; return f('x') }", ("TypeScript", ": string")),
    ("async () => { try { return 1 } catch (e: unknown) { return e } }", ("TypeScript", ": unknown")),
    ("function first<T>(list: T[]): T { return list[0] }\nreturn first([1])", ("TypeScript", "first")),
    # --- other languages and formats
    ("import requests\nprint(requests.get('/me'))", ("Python", "JavaScript")),
    ("zones = ovh.get('/v1/domain/zone')\nfor z in zones:\n    print(z)", ("Python", "JavaScript")),
    ("async () => { const me = await ovh.get('/v1/me'); if (me.country == 'FR' and me.nichandle) return 1 }", ("Python", "&&")),
    ("async () => { let x = None; return x }", ("None", "null")),
    ("async () => { return True }", ("true and false",)),
    ("async () => { if (1) { return 1 } elif (2) { return 2 } }", ("else if",)),
    ("async () => len(await ovh.get('/v1/vps'))", ("length",)),
    ("result = [z for z in ovh.get('/v1/domain/zone') if z]", ("Python", "map")),
    ("async () => { return f'hello {1}' }", ("Python", "`")),
    ("curl -s -X POST https://eu.api.ovh.com/1.0/me -H 'X-Ovh-Application: x'", ("shell", "ovh.request")),
    ("$ ovh vps list", ("shell", "JavaScript")),
    ("GET https://eu.api.ovh.com/v1/me", ("HTTP request", "ovh.request")),
    ("POST /v1/domain/zone/example.com/refresh HTTP/1.1\nHost: eu.api.ovh.com\n\n{}", ("HTTP request", "ovh.request")),
    ("SELECT name FROM zones WHERE name = 'example.com'", ("SQL", "JavaScript")),
    ('{ "path": "/v1/vps", "method": "GET" }', ("JSON", "ovh.request")),
    ('[{"method":"GET","path":"/v1/me"},{"method":"GET","path":"/v1/vps"}]', ("JSON", "ovh.request")),
    ("{ method: 'GET', path: '/v1/me', }", ("ovh.request", "async () =>")),
    ('{"method":"GET","path":"/v1/me"}\n{"method":"GET","path":"/v1/vps"}', ("JSON", "ovh.request")),
    ("async () => { return <ul><li>1</li></ul> }", ("JSX", "plain")),
    ("I would call the zone list first.\nasync () => 1", ("plain JavaScript",)),
    ("async () => \u201chello\u201d", ("quotes",)),
    ("# list my servers\nasync () => await ovh.get('/v1/vps')", ("//",)),
    # --- fences and functions
    ("```js\nasync () => 1\n```\nand then\n```js\nasync () => 2\n```", ("more than one fenced block",)),
    ("Run this:\n```javascript\nasync () => await ovh.get('/v1/vps')\n```\nIt lists them.", ("vps-1.ovh.net",)),
    ("```js\nasync () => await ovh.get('/v1/vps')", ("vps-1.ovh.net",)),
    ("async () => await ovh.get('/v1/vps')\n```", ("vps-1.ovh.net",)),
    ("import { ovh } from '@ovh-api/client';\n\nasync () => await ovh.get('/v1/vps')", ("vps-1.ovh.net",)),
    ("import axios from 'axios';\nasync () => 1", ("no modules",)),
    ("export const handler = async () => 1;", ("no modules",)),
    ("async () => 1\n\nasync () => 2", ("more than one function",)),
    ("async () => 1;\nasync () => 2;", ("last function",)),
    ("const main = async () => ovh.get('/v1/me');", ("runs none", "main()")),
    ("function a() {}\nasync function list() { return 1 }", ("runs none", "list()")),
    ("class Lister { run() { return 1 } }", ("a class", "must be a function")),
    ("function* ids() { yield 1 }", ("a generator", "must be a function")),
    ("'/v1/me'", ("a string", "must be a function", "async () =>")),
    ("7", ("a number", "must be a function")),
    # --- return
    ("async () => {\n  const zones = await ovh.get('/v1/domain/zone');\n  zones.filter(z => z.endsWith('.com'));\n}", ("return", "zones.filter")),
    ("const vps = await ovh.get('/v1/vps');", ("return vps",)),
    ("async () => { const me = await ovh.get('/v1/me'); console.log(me) }", ("return before",)),
    ("async function go() { await ovh.get('/v1/me'); }", ("return await ovh.get",)),
    ("async () => (await ovh.get('/v1/domain/zone')).map(z => { z.length })", ("null",)),
    # --- await
    ("async () => { const list = ovh.get('/v1/vps'); return list.map(v => v) }", ("list", "promise", "await")),
    ("async () => { for (const id of ovh.request({ method: 'GET', path: '/v1/vps' })) return id }", ("promise", "await")),
    ("async () => [...ovh.get('/v1/vps')]", ("promise", "await")),
    ("async () => ovh.get('/v1/vps').length", ("promise", "await")),
    ("async () => ovh.get('/v1/vps')[0].length", ("promise", "await")),
    ("async () => { const { country } = ovh.get('/v1/me'); return country.length }", ("promise", "await")),
    ("async () => { const me = ovh.get('/v1/me'); return me.country }", ("me", "promise", "await")),
    ("async () => { const me = ovh.get('/v1/me'); return me.country === 'FR' ? 'yes' : 'no' }", ("promise", "await")),
    ("async () => { const [zone] = ovh.get('/v1/domain/zone'); return zone }", ("promise", "await")),
    ("async () => { const first = await ovh.get('/v1/vps')[0]; return first.length }", ("parentheses", "(await")),
    ("async () => await ovh.get('/v1/vps').filter(v => v)", ("parentheses", "(await")),
    ("const load = async (p) => ovh.get(p);\nasync function main() { const z = load('/v1/vps'); return z.length }\nreturn main()", ("z", "promise", "await")),
    ("async () => { const zone = ovh.get('/v1/me'); return await ovh.get(`/v1/domain/zone/${zone}`) }", ("[object Promise]", "await")),
    ("async () => { const ids = [1, 2].map(async (id) => id * 2); return ids.filter(x => x > 2).length }", ("promise", "Promise.all")),
    ("() => { const me = await ovh.get('/v1/me'); return me }", ("not async", "async () =>")),
    ("async () => { const out = []; ['/v1/me'].forEach(p => { out.push(await ovh.get(p)) }); return out }", ("not async",)),
    ("async () => await new Promise((resolve) => { ovh; })", ("nothing left to run and no API call outstanding: did you forget to call resolve, or await something that never happens?", "new Promise")),
    # --- what is not there
    ("async () => (await fetch('https://eu.api.ovh.com/v1/me')).json()", ("no network", "ovh.request")),
    ("async () => { const { data } = await axios.get('/v1/me'); return data }", ("no network", "ovh.request")),
    ("const ovh = require('ovh')({ endpoint: 'ovh-eu' });\nreturn 1", ("no modules",)),
    ("async () => { const fs = await import('node:fs'); return fs }", ("no modules",)),
    ("async () => new Promise(r => setTimeout(r, 1000))", ("timers",)),
    ("async () => { await sleep(5); return 1 }", ("timers",)),
    ("async () => { setInterval(() => {}, 5) }", ("timers",)),
    ("async () => process.env.HOME", ("environment", "authenticates")),
    ("async () => Buffer.from('a').toString('base64')", ("Not available", "btoa")),
    ("async () => new TextEncoder().encode('a')", ("Not available", "Uint8Array")),
    ("async () => new URLSearchParams({ a: 1 }).toString()", ("Not available", "query")),
    ("async () => structuredClone({ a: 1 })", ("JSON.parse(JSON.stringify",)),
    ("async () => document.title", ("browser",)),
    ("async () => window.ovh", ("browser",)),
    ("async () => fs.readFileSync('/etc/passwd')", ("no files",)),
    ("module.exports = async () => 1", ("no modules",)),
    ("async () => _.groupBy([1], x => x)", ("libraries",)),
    ("async () => client.get('/v1/me')", ("global `ovh`",)),
    ("async () => { const zones = await ovh.get('/v1/domain/zone'); return zonez.length }", ("Did you mean `zones`",)),
    ("async () => consol.log(1)", ("Did you mean `console`",)),
    ("async () => serviceName.length", ("`serviceName`", "declare")),
    ("async () => { total += 1; let total = 0; return total }", ("before",)),
    ("async () => { const n = 0; for (const x of [1]) n += x; return n }", ("const", "let")),
    # --- ovh
    ("async () => ovh.patch('/v1/me', { body: {} })", ("ovh.put",)),
    ("async () => ovh.requestPromised('GET', '/me')", ("ovh.request({ method",)),
    ("async () => ovh.domain.zone.list()", ("ovh.domain does not exist", "path")),
    ("async () => ovh('GET', '/v1/me')", ("an object", "ovh.request")),
    ("async () => { const c = new ovh.Client({}); return c }", ("does not exist",)),
    ("async () => ovh.post('/v1/me', { a: 1 }, { timeout: 5 })", ("a path and one object",)),
    ("async () => ovh.get('GET', '/v1/me')", ("a path and one object",)),
    ("async (ovh) => await ovh.get('/v1/me')", ("global", "not an argument")),
    ("async ({ ovh }) => await ovh.get('/v1/me')", ("global", "not an argument")),
    ("async () => ovh.Get('/v1/me')", ("ovh.get",)),
    ("async () => ovh.findOperations('vps')", ("ovh.findOperations does not exist", 'ovh.find("words")')),
    ("async () => ovh.search('vps')", ('ovh.find("words")',)),
    ("async () => ovh.resolved('vps.VPS')", ("did you mean ovh.resolve?",)),
    ("async () => await find('vps')", ('ovh.find("words")',)),
    ("async () => ovh.find('vps')[0].path", ("promise", "await")),
    ("async () => { const text = ovh.describe('GET /v1/me'); return text.length }", ("`text` is a promise", "await")),
    ("async () => { const [first] = ovh.find('vps'); return first }", ("promise", "await")),
    ("async () => await ovh.find('vps').map(each => each.path)", ("parentheses", "(await")),
    # --- answers
    ("async () => { const res = await ovh.get('/v1/vps'); return res.data.length }", ("parsed answer itself", "`.data`")),
    ("async () => (await ovh.get('/v1/me')).json()", ("parsed answer itself", "`.json`")),
    ("async () => { const r = await ovh.request({ method: 'GET', path: '/v1/vps' }); return r.body }", ("parsed answer itself", "`.body`")),
    ("async () => ovh.get('/v1/vps').then(r => r.data)", ("parsed answer itself",)),
    ("async () => { const { body, statusCode } = await ovh.get('/v1/vps'); return { body, statusCode } }", ("parsed answer itself",)),
    ("async () => { const r = await ovh.get('/v1/vps'); if (r.status !== 200) return 'failed'; return r.data }", ("parsed answer itself",)),
    ("async () => { const ids = await ovh.get('/v1/domain/zone/example.com/record'); return ids.map(r => r.target) }", ("array of numbers", "not objects", "`.target`")),
    ("async () => { const l = await ovh.get('/v1/vps'); return l.filter(v => v.state === 'running') }", ("array of strings", "`.state`")),
    ("async () => { const out = {}; for (const z of await ovh.get('/v1/domain/zone')) out[z.name] = z; return out }", ("array of strings", "`.name`")),
    ("async () => (await ovh.get('/v1/domain/zone')).map(({ name, status }) => ({ name, status }))", ("array of strings", "`.name`")),
    ("async () => { const z = await ovh.get('/v1/domain/zone'); return z[0].name.toUpperCase() }", ("array of strings", "`.name`")),
    ("async () => { const me = await ovh.get('/v1/me'); return me.address.city }", ("`me.address` is undefined",)),
    ("async () => { const a = { b: null };\n  return a.b\n    .c; }", ("`a.b` is null",)),
    ("async () => { const me = await ovh.get('/v1/me'); return Object.entries(me.groups).length }", ("undefined or null",)),
    ("async () => { const me = await ovh.get('/v1/me'); for (const x of me) return x }", ("Object.entries",)),
    ("async () => [1, 2].append(3)", ("push",)),
    ("async () => 'a,b'.contains('a')", ("includes",)),
    ("async () => { const o = { a: 1 }; return o.map(x => x) }", ("`o.map` is not a function", "Object.entries")),
    ("async () => { const me = await ovh.get('/v1/me'); return await ovh.get(`/v1/domain/zone/${me.zone}/record`) }", ("undefined", "path")),
    ("async () => { const me = await ovh.get('/v1/me'); return me.nickhandle }", ("`nickhandle`", "`nichandle`")),
    ("async () => { const me = await ovh.get('/v1/me'); return me.contry.toLowerCase() }", ("`country`",)),
    ("async () => JSON.parse(await ovh.get('/v1/me')).country", ("parsed already",)),
    ("async () => 1n + 1", ("BigInt",)),
    # --- syntax
    ("async () => {\n  return [1, 2].map((x) => x * 2;\n}", ("`(` at line 2, column 20", "not closed")),
    ("async () => {\n  if (true) {\n    return 1;\n}", ("never closed",)),
    ("async () => { return 'it's' }", ("SyntaxError", "quote")),
    ("async () => { return `${1} }", ("not closed",)),
    ("async () => { let a = 1; let a = 2; return a }", ("twice",)),
    ("async () => [1].map(x => { id: x, n: 1 })", ("parentheses", "({")),
    ("async () => return 1", ("return",)),
    ("async () => { return { a: 1 b: 2 } }", ("comma",)),
    ("async () => { return 1 }}", ("one too many",)),
    # --- the document belongs to search
    ("async () => Object.keys(spec.paths).length", ("search",)),
    ("() => spec.components.schemas['vps.VPS']", ("search",)),
]  # fmt: skip

SEARCH: Sequence[tuple[str, tuple[str, ...]]] = [
    ("(spec) => spec.paths['/domain/zone'].get", ('no "/domain/zone"', "/v1/domain/zone")),
    ("(spec) => spec.paths['/v1/vps/{id}/reboot'].post", ("/v1/vps/{serviceName}/reboot",)),
    ("(spec) => spec.paths['/1.0/me']", ("/v1/me",)),
    ("(spec) => { const p = '/me'; return spec.paths[p].get.summary }", ("/v1/me",)),
    ("(spec) => { const { paths } = spec; return paths['/v1/dedicated/servers/{serviceName}/task'].get }", ("/v1/dedicated/server/{serviceName}/task",)),
    ("(spec) => spec.paths['/v2/iam/policies']?.get", ("/v2/iam/policy",)),
    ("(spec) => spec.paths['/v1/me'].GET.summary", ("lower case",)),
    ("(spec) => spec.paths['/v1/me'].post.parameters", ("no post", "only get")),
    ("(spec) => Object.keys(spec.paths).filter(p => p.startsWith('/vps'))", ("/v1", "/v1/vps")),
    ("(spec) => Object.entries(spec.paths).find(([p]) => p === '/me')", ("/v1/me",)),
    ("(spec) => spec.components.schemas['zone.Record'].properties", ("domain.zone.Record",)),
    ("(spec) => spec.components.schemas['Vps'].properties", ("vps.VPS",)),
    ("(spec) => spec.components.schemas.Nichandle", ("nichandle.Nichandle",)),
    ("(spec) => spec.paths.filter(p => p.includes('vps'))", ("Object.entries(spec.paths)",)),
    ("(spec) => spec.paths.length", ("an object, not a list", "Object.keys(spec.paths)")),
    ("(spec) => { for (const p of spec.paths) return p }", ("Object.entries(spec.paths)",)),
    ("(spec) => spec.definitions['vps.VPS']", ("components.schemas",)),
    ("(spec) => spec.endpoints.filter(e => e)", ("spec.paths",)),
    ("(spec) => Object.entries(spec.paths).filter(([p, op]) => op.summary.includes('zone'))", ("spec.paths[path].get.summary",)),
    ("(spec) => Object.entries(spec.paths).map(([p, o]) => [p, o.summary])", ("spec.paths[path].get.summary",)),
    ("(spec) => spec.paths['/v1/me'].summary.length", ("spec.paths[path].get.summary",)),
    ("(spec) => {\n  const hits = Object.keys(spec.paths).filter(p => /vps/.test(p));\n}", ("return hits",)),
    ("(spec) => { Object.keys(spec.paths).forEach(p => { return p }) }", ("return",)),
    ("async ({ spec }) => Object.keys(spec.paths)", ("the argument", "(spec) =>")),
    ("async () => (await ovh.get('/v1/me')).country", ("execute",)),
    ("() => ovh.get('/v1/me').country.length", ("execute",)),
    ("(spec) => spec.paths['/v1/me'].get.responses['200'].schema.type", ('content["application/json"].schema',)),
    ("(spec) => spec.paths['/v1/me'].get.parameters.find(p => p.in === 'body').schema", ("requestBody.content",)),
    ("(spec) => spec.paths['/v1/me'].get.httpMethod", ("OpenAPI 3.1",)),
    ("(spec) => spec.paths['/v1/me'].get.requestBody.schema.properties", ("requestBody.content",)),
    ("(spec) => spec.paths['/v1/me'].get.nothing", ("did return", "undefined")),
    ("(spec) => ovh.find('vps').map(each => each.path)", ("promise", "await")),
    ("(spec) => ovh.find('vps').length", ("promise", "await")),
    ("(spec) => { for (const each of ovh.find('vps')) return each }", ("promise", "await")),
    ("(spec) => ovh.lookup('vps')", ('ovh.find("words")',)),
    ("(spec) => ovh.schema", ('ovh.resolve("name")',)),
    ("() => ({ found: ovh.find('vps') })", ("promise that was not awaited",)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words"), EXECUTE)
async def test_a_wrong_script_is_told_what_would_be_right(
    sandbox: Sandbox, code: str, words: tuple[str, ...]
) -> None:
    text = await told(sandbox, code)
    for word in words:
        assert word.lower() in text.lower(), text


@pytest.mark.parametrize(("code", "words"), SEARCH)
async def test_a_wrong_search_is_told_what_would_be_right(
    sandbox: Sandbox, code: str, words: tuple[str, ...]
) -> None:
    text = await told(sandbox, code, may_call=False)
    for word in words:
        assert word.lower() in text.lower(), text


RIGHT = [
    "async () => await ovh.get('/v1/domain/zone')",
    "async () => { const ids = await ovh.get('/v1/domain/zone/example.com/record'); return await Promise.all(ids.slice(0, 1).map(id => ovh.get(`/v1/domain/zone/example.com/record/${id}`))) }",
    "async () => { const z = await ovh.get('/v1/domain/zone'); return z.map(name => ({ name })).filter(o => o.name === 'x') }",
    "async () => { const me = await ovh.get('/v1/me'); return [me.status, null] }",
    "async () => { const p = ovh.get('/v1/me'); const q = ovh.get('/v1/vps'); return await Promise.all([p, q]) }",
    "async () => { const p = ovh.get('/v1/me'); const me = await p; return { none: null, country: me.country } }",
    "async () => ovh.get('/v1/me').then(me => me.country).catch(() => null)",
    "async () => { const r = await Promise.allSettled(['/v1/me'].map(p => ovh.get(p))); return r.map(x => x.value ?? null) }",
    "async () => { const l = await ovh.get('/v2/iam/policy'); return l.filter(p => p.name === 'none') }",
    "async () => { const out = []; for (const z of await ovh.get('/v1/domain/zone')) out.push({ z, n: z.length, x: null }); return out }",
    "async () => { const all = await ovh.get('/v1/vps'); return all.includes('x') }",
    "async () => { const me = await ovh.get('/v1/me'); return me.code ?? me.nichandle }",
    "async () => { try { return await ovh.get('/v1/none') } catch (e) { return [e.status ?? 'none', e.code] } }",
    "async () => { const data = await ovh.get('/v1/vps'); return { data, total: data.length, none: [] } }",
    "async () => { const found = await ovh.find('vps'); return found.map(each => each.path ?? null) }",
    "async () => { const me = await ovh.get('/v1/me'); const found = await ovh.find('vps'); return [me.country, found[0].path, []] }",
    "async () => { const all = [ovh.find('vps'), ovh.describe('GET /v1/me')]; return [await Promise.all(all), null] }",
]  # fmt: skip
RIGHT_SEARCHES = [
    "(spec) => Object.keys(spec.paths).filter(p => p.includes('/none'))",
    "(spec) => Object.entries(spec.paths).flatMap(([path, methods]) => Object.entries(methods).map(([m, op]) => [m, path, op.description ?? null]))",
    "(spec) => spec.paths['/v1/me'].get.deprecated ?? null",
    "(spec) => { const out = []; for (const [p, ms] of Object.entries(spec.paths)) for (const [m, op] of Object.entries(ms)) if (op.summary === 'none') out.push(p); return out }",
    "(spec) => spec.components.schemas['vps.VPS'] ?? null",
    "(spec) => Object.values(spec.paths).flatMap(m => Object.values(m)).filter(m => m.summary.includes('none'))",
    "(spec) => Object.values(spec.paths).flatMap(Object.values).filter(o => o.summary === 'none')",
    "(spec) => Object.entries(spec.paths).filter(([p]) => p.includes('x')).flatMap(([p, i]) => Object.entries(i)).filter(([m, i]) => i.summary)",
    "async () => await ovh.describe((await ovh.find('vps')).map(each => each.path))",
    "() => ovh.find('vps')",
    "async () => { const found = await ovh.find('none'); return [found, null] }",
    "() => ovh.resolve('Me', 1)",
    "(spec) => { for (const [p, o] of Object.entries(spec.paths)) for (const o2 of Object.values(o)) if (o2.summary === 'none') return p; return [] }",
]  # fmt: skip


@pytest.mark.parametrize("code", RIGHT)
async def test_nothing_is_said_of_a_right_script(sandbox: Sandbox, code: str) -> None:
    assert "\n" not in await told(sandbox, code)


@pytest.mark.parametrize("code", RIGHT_SEARCHES)
async def test_nothing_is_said_of_a_right_search(sandbox: Sandbox, code: str) -> None:
    assert "\n" not in await told(sandbox, code, may_call=False)


async def test_what_is_said_not_to_be_there_is_not_there(run: Run) -> None:
    names = sorted(name for name in _HINT_OF if name.isidentifier() or name == "$")
    code = f"() => {json.dumps(names)}.filter(n => n in globalThis)"
    assert value(await run(code)) == []


async def test_what_is_said_to_be_there_is_there(run: Run) -> None:
    words = {"null", "return", "await", "function", "typeof"}
    names = [name for name in GLOBALS if name not in words] + ["btoa", "atob", "encodeURIComponent"]
    assert value(await run(f"() => {json.dumps(names)}.filter(n => !(n in globalThis))")) == []
    assert value(await run("() => Object.keys(ovh).sort()")) == sorted(OVH_MEMBERS)


MIB_OF = [
    "(", "({[", "a.", "a.b(", ")", "}", "'", '"', "`", "`${", "/*", "//", "/", "a /", "=> {", "await ", "ovh.get(", "...ovh.get(",
    "const a = ovh.get(", "const a = await ovh.get(", "spec.paths[", "spec.paths['a'].b", "schemas.a ", "x => ", "for x in ",
    "lambda ", "<a", "a<", "a<b,", "const {", "const [", "{a,", "function f", "class a ", "Object.entries(spec.paths)",
    "Object.entries(spec.paths).map(([a, b]) => b ", ".map(async ", ".map(x => x.y ", "const x = async ", "if (", "\n", "\t ",
    "=", "paths[a] a = 'b' ", "(await ovh.get(", "\\", "$", "a:", "? ", "as A", "type A", "import ", "#", "{\"", "GET ", "é",
]  # fmt: skip
FAILURES = [
    ("syntax", "SyntaxError", "expecting ';'"),
    ("threw", "TypeError", "cannot read property 'x' of undefined"),
    ("threw", "TypeError", "not a function"),
    ("threw", "ReferenceError", "q is not defined"),
    ("not-a-function", "NotAFunction", "the code is an object"),
    ("never-settles", "NeverSettles", "never"),
]


@pytest.mark.parametrize("piece", MIB_OF)
def test_a_hint_costs_little_whatever_the_script_is(piece: str) -> None:
    code = (piece * (limits.MIB // len(piece) + 1))[: limits.MIB]
    script = Script(code, code)
    seen = AnswersSeen(lists=["/v1/a gives an array of strings"])
    known = Circumstances(True, seen, DocumentKeys(FewOperations(), FewOperations()))
    begun = time.process_time()
    for kind, name, message in FAILURES:
        failure = ScriptFailure(kind, name, message, 1, limits.MIB // 2)  # type: ignore[arg-type]
        advised(Outcome(None, failure, (), 0, (), 1, 0.0), script, known)
    advised(Outcome(b"null", None, (), 0, (), 1, 0.0), script, known)
    assert time.process_time() - begun < len(FAILURES) * _CPU_S


_CPU_S = 0.1  # generous: a rule that is not linear takes minutes


async def test_a_hint_repeats_text_of_a_script_cut_and_on_one_line(sandbox: Sandbox) -> None:
    name = "a" * 3000
    text = await told(sandbox, f"() => {name}.b")
    assert len(text.splitlines()[-1]) <= limits.MESSAGE_CHARS
    text = await told(sandbox, "async () => { const a = {}; return a['\\n\\u0085line'].c }")
    assert "\x85" not in text
