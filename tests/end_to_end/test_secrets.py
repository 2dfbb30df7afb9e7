"""No secret is ever shown: long runs at debug level, and a search that would find one."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import anyio
import httpx2
import psutil
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from ovh_api_mcp.limits import MIB
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.program import WAIT_S, Server, http_server
from tests.end_to_end.readme import LIST_ZONES
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio

_DOOR_TOKEN = "d00r/t0ken+with=signs&more%41"
_WRONG = "wr0ng/s3cret+with=signs&more%41"
_PROXY_PASSWORD = "pr0xy%2Fpassw0rd"

# What a script can try to get at anything but the answers of its calls.
_NOSY = [
    "() => Object.getOwnPropertyNames(globalThis).map(name => [name, String(globalThis[name])])",
    """() => { const seen = new Set(), all = [];
      const walk = (value, depth) => { if (depth > 6 || value === null || seen.has(value)) return;
        if (typeof value !== 'object' && typeof value !== 'function') return void all.push(String(value));
        seen.add(value); if (value === spec) return; all.push(String(value));
        for (const key of Reflect.ownKeys(value)) { try { walk(value[key], depth + 1) } catch (e) { all.push(e.stack) } } };
      walk(globalThis, 0); walk(ovh, 0); walk(console, 0); walk(new Error('x'), 0);
      for (const part of all) console.log(part); return all.join(' ') }""",
    "() => ovh.request.toString() + new Function('return this')() + (0, eval)('this')",
    "() => { throw Object.assign(new Error(Object.keys(ovh)), { ovh, all: globalThis }) }",
    "async () => { const e = await ovh.get('/v1/nope').catch(e => e); return [e, e.stack, Object.getOwnPropertyNames(e)] }",
    "async () => await ovh.request({ method: 'GET', path: '/v1/me', headers: { Authorization: 'x' } })",
    "async () => [await ovh.get('/v1/auth/currentCredential'), await ovh.get('/v1/auth/details').catch(e => e)]",
    "() => process.env",
    "async () => await import('fs')",
    "() => { for (;;) globalThis.x = [globalThis.x, new Error().stack] }",
    "not JavaScript at all",
]


def spellings(secret: str) -> Iterator[str]:
    """Yield the forms in which a secret could be looked for."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret.encode()).decode().rstrip("=")
    yield secret.encode().hex()
    yield secret[::-1]


def leaks(secrets: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Return every form of a secret that stands in one of the texts."""
    forms, searched = {form for secret in secrets for form in spellings(secret)}, list(texts)
    return sorted(form for form in forms if any(form in text for text in searched))


def texts_below(directory: Path) -> Iterator[str]:
    """Yield every file below a directory, its bytes read as text."""
    for path in directory.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")


async def run_all(server: Server, codes: Iterable[str]) -> list[str]:
    """Run scripts one after the other; return everything that came back."""
    headers = {"Authorization": f"Bearer {_DOOR_TOKEN}"}
    shown: list[str] = []
    with anyio.fail_after(WAIT_S):
        async with (
            httpx2.AsyncClient(headers=headers, timeout=WAIT_S) as http,
            Client(streamable_http_client(server.url, http_client=http)) as client,
        ):
            for code in codes:
                for tool in ("execute", "search"):
                    shown.append((await client.call_tool(tool, {"code": code})).model_dump_json())
    return shown


def planted(secrets: Iterable[str]) -> list[str]:
    """Return scripts that hold the secrets themselves, as if they had got hold of them."""
    listed = json.dumps(list(secrets))
    return [
        f"() => {listed}",
        f"() => {{ console.log(...{listed}); throw new Error({listed}.join()) }}",
        f"() => {listed}.map(encodeURIComponent)",
        f"async () => await ovh.request({{ method: 'GET', path: '/v1/' + {listed}[0] }})",
        f"async () => await ovh.request({{ method: {listed}[0], path: '/v1/me', [{listed}[0]]: 1 }})",
        f"() => {{ {listed}.oh.dear }}",
        f"this is no JavaScript {listed}",
        f"() => 'x'.repeat(31990) + {listed}.join('')",
    ]


def test_the_search_finds_a_planted_secret_in_every_form(tmp_path: Path) -> None:
    secrets = [_WRONG, _DOOR_TOKEN]
    for form in (form for secret in secrets for form in spellings(secret)):
        assert form in leaks(secrets, ["nothing", f"…{form}…"])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\xff" + _WRONG.encode() + b"\0")
    assert leaks([_WRONG], texts_below(tmp_path)) == [_WRONG]  # among its forms, as it is
    assert leaks(secrets, ["nothing"]) == []


@pytest.mark.promise("secrets.never")
async def test_no_secret_is_shown_through_success_and_failure_with_keys(
    small_api: Simulator, tmp_path: Path
) -> None:
    account = small_api.account
    secrets = [account.application_secret, account.consumer_key, _DOOR_TOKEN, _PROXY_PASSWORD]
    proxy = f"http://user:{_PROXY_PASSWORD}@127.0.0.1:9"
    env = environment(
        small_api, tmp_path, OVH_MCP_TOKEN=_DOOR_TOKEN, OVH_LOG_LEVEL="debug", HTTPS_PROXY=proxy
    )
    echo = json.dumps({"echo": secrets, "in": {account.consumer_key: [account.application_secret]}}).encode()
    with http_server(env) as server:
        shown = await run_all(server, [LIST_ZONES, *_NOSY, *planted(secrets)])
        small_api.faults.add("GET", "/v1/me", times=2, body=echo)
        small_api.faults.add(
            "GET", "/v1/me", times=2, status=400, body=b'{"message": "about ' + echo[10:60] + b'"}'
        )
        small_api.faults.add("GET", "/v1/me", times=2, body=echo[:-3])
        small_api.faults.add(
            "GET", "/v1/me", times=2, status=302, headers={"Location": f"http://{secrets[0]}.example"}
        )
        small_api.faults.add("GET", "/v1/me", times=2, stream_bytes=9 * MIB)
        small_api.faults.add("GET", "/v1/me", times=2, drop=True)
        me = "async () => { const a = await ovh.get('/v1/me'); console.log(a); return [a, JSON.stringify(a).split('')] }"
        shown += await run_all(server, [me] * 12)
        for child in psutil.Process(server.process.pid).children(recursive=True):
            child.kill()  # the zygote and its spare: what does a crash tell?
        shown += await run_all(server, [LIST_ZONES])
    assert leaks(secrets, [*shown, *server.log, *texts_below(tmp_path)]) == []
    assert any("***" in text for text in shown)
    assert "level=debug" in "".join(server.log)
    assert "event=run tool=execute end=returned calls=1" in "".join(server.log)


@pytest.mark.promise("secrets.never")
async def test_no_secret_is_shown_through_success_and_failure_of_a_service_account(
    small_api: Simulator, tmp_path: Path
) -> None:
    env = environment(
        None,
        tmp_path,
        OVH_ENDPOINT=small_api.url,
        OVH_CLIENT_ID=small_api.account.client_id,
        OVH_CLIENT_SECRET=small_api.account.client_secret,
        OVH_LOG_LEVEL="debug",
    )
    with http_server(env) as server:
        shown = await run_all(server, [LIST_ZONES, *_NOSY])
        small_api.revoke_tokens()
        shown += await run_all(server, [LIST_ZONES])
        small_api.revoke_tokens()
        small_api.faults.add("POST", "/auth/oauth2/token", times=2, status=503, body=b"<html>down</html>")
        shown += await run_all(server, [LIST_ZONES])
    seen = [request.headers.get("authorization", "") for request in small_api.requests]
    tokens = {each.removeprefix("Bearer ") for each in seen if each.startswith("Bearer ")}
    basics = {each.removeprefix("Basic ") for each in seen if each.startswith("Basic ")}
    assert len(tokens) >= 2
    assert basics
    secrets = [small_api.account.client_secret, *tokens, *basics]
    assert leaks(secrets, [*shown, *server.log, *texts_below(tmp_path)]) == []


@pytest.mark.promise("secrets.never")
@pytest.mark.parametrize("kind", ["keys", "service account", "access token", "host down"])
async def test_no_wrong_secret_is_shown_either(small_api: Simulator, tmp_path: Path, kind: str) -> None:
    url, account = small_api.url, small_api.account
    if kind == "host down":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    credentials = {
        "service account": {"OVH_CLIENT_ID": account.client_id, "OVH_CLIENT_SECRET": _WRONG},
        "access token": {"OVH_ACCESS_TOKEN": _WRONG},
    }.get(
        kind,
        {
            "OVH_APPLICATION_KEY": account.application_key,
            "OVH_APPLICATION_SECRET": _WRONG,
            "OVH_CONSUMER_KEY": f"{_WRONG}2",
        },
    )
    env = environment(None, tmp_path, OVH_ENDPOINT=url, OVH_LOG_LEVEL="debug", **credentials)
    with http_server(env) as server:
        shown = await run_all(server, [LIST_ZONES, *planted([_WRONG])[:3]])
    assert all('"is_error":true' in text for text in shown[:1])
    assert leaks([_WRONG], [*shown, *server.log, *texts_below(tmp_path)]) == []
