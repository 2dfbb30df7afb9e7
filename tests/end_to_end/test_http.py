"""The HTTP server as a process: who may come in, what it answers to whom, and what it refuses to start as."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from ovh_api_mcp import __version__
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.program import WAIT_S, Server, http_server, run_once, says, value_of
from tests.server.real_server import environment
from tests.witness import WITNESS

_TOKEN = "a-long-random-text"
_INITIALIZE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "by hand", "version": "1"},
        },
    }
)
_ACCEPTED = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def guarded(_small_api: Simulator, home: Path) -> Iterator[Server]:
    """A server on every address of this machine that asks for a token."""
    env = environment(_small_api, home, OVH_MCP_TOKEN=_TOKEN, OVH_MCP_ALLOWED_HOSTS="mcp.example.com")
    with http_server(env, "--host", "0.0.0.0") as server:
        yield server


def ask(
    server: Server, path: str = "/mcp", *, method: str = "POST", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    """Return status, text and headers of the answer; `headers` replace those of a good request."""
    given = {"Host": f"127.0.0.1:{server.port}", **_ACCEPTED}
    given |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    try:
        connection.request(method, path, _INITIALIZE if method == "POST" else None, given)
        answer = connection.getresponse()
        # A standing stream would never end; the head is enough.
        text = answer.read().decode() if answer.headers.get("content-length") or method == "POST" else ""
        WITNESS.hear("http", f"{answer.headers}{text}")
        return answer.status, text, answer.headers
    finally:
        connection.close()


@pytest.mark.promise("http.host-origin")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "LOCALHOST:1"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "10.1.2.3:3104"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://localhost:6274"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
    ],
)
def test_a_foreign_host_or_origin_is_refused_on_whatever_address(
    small_server: Server, guarded: Server, headers: dict[str, str], status: int
) -> None:
    assert ask(small_server, **headers)[0] == status
    assert ask(guarded, authorization=f"Bearer {_TOKEN}", **headers)[0] == status


@pytest.mark.promise("http.host-origin")
def test_a_name_that_was_allowed_is_this_server(small_server: Server, guarded: Server) -> None:
    assert ask(guarded, authorization=f"Bearer {_TOKEN}", host="mcp.example.com")[0] == 200
    status, text, _ = ask(small_server, host="mcp.example.com")
    assert status == 421
    assert "--allowed-host NAME or OVH_MCP_ALLOWED_HOSTS=NAME" in text


@pytest.mark.promise("http.token")
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {_TOKEN}", 200),
        (f"bearer {_TOKEN}", 200),
        ("", 401),
        ("Bearer", 401),
        (f"Bearer {_TOKEN}x", 401),
        (f"Bearer {_TOKEN[:-1]}", 401),
        (f"Basic {_TOKEN}", 401),
        (_TOKEN, 401),
    ],
)
def test_the_token_is_asked_for_where_there_is_one_and_elsewhere_any_passes(
    small_server: Server, guarded: Server, authorization: str, status: int
) -> None:
    found, text, headers = ask(guarded, authorization=authorization)
    assert found == status
    assert _TOKEN not in text
    assert headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert ask(small_server, authorization=authorization)[0] == 200


@pytest.mark.anyio
@pytest.mark.promise("http.token", "http.mcp")
async def test_a_client_that_sends_the_token_works_and_one_that_does_not_is_kept_out(guarded: Server) -> None:
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=WAIT_S) as given,
        Client(streamable_http_client(guarded.url, http_client=given)) as client,
    ):
        assert value_of(await client.call_tool("search", {"code": "() => 1"})) == 1
    with pytest.raises(ExceptionGroup) as caught:
        async with Client(guarded.url) as client:
            await client.list_tools()
    assert caught.group_contains(MCPError)


@pytest.mark.promise("http.well-known")
@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ],
)
def test_there_is_no_oauth_to_be_discovered(small_server: Server, guarded: Server, path: str) -> None:
    for server in (small_server, guarded):
        status, text, headers = ask(server, path, method="GET")
        assert status == 404
        assert headers["content-type"].startswith("text/plain")
        assert "/mcp" in text


def test_health_is_told_to_anybody_and_holds_nothing_of_the_account(guarded: Server) -> None:
    guarded.wait_catalogue()
    status, text, _ = ask(guarded, "/healthz", method="GET")
    assert status == 200
    told = json.loads(text)
    assert told.keys() == {"status", "version", "catalogue"}
    assert (told["status"], told["version"]) == ("ok", __version__)
    assert told["catalogue"].keys() == {"state", "services", "operations", "failedServices"}


def test_a_request_that_is_too_long_is_refused(small_server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small_server.port, timeout=WAIT_S)
    try:
        connection.putrequest("POST", "/mcp")
        for name, value in {**_ACCEPTED, "Content-Length": str(1 << 30)}.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        assert connection.getresponse().status == 413
    finally:
        connection.close()


@pytest.mark.promise("http.exposure")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "localhost.example.com"])
def test_an_address_that_others_can_reach_wants_a_token_or_a_word(tmp_path: Path, host: str) -> None:
    done = run_once(tmp_path, "--host", host)
    assert (done.returncode, done.stdout) == (2, "")
    assert says(done.stderr, "--allow-anonymous", "OVH_MCP_TOKEN")
    assert "Traceback" not in done.stderr


@pytest.mark.promise("http.exposure")
def test_who_allows_everybody_is_obeyed(small_api: Simulator, home: Path) -> None:
    env = environment(small_api, home, OVH_MCP_ALLOW_ANONYMOUS="1")
    with http_server(env, "--host", "0.0.0.0") as server:
        assert ask(server)[0] == 200
        assert ask(server, host="evil.example")[0] == 421


def test_a_port_in_use_is_one_error_that_says_what_to_do(small_server: Server, tmp_path: Path) -> None:
    done = run_once(tmp_path, "--port", str(small_server.port))
    assert (done.returncode, done.stdout) == (2, "")
    assert says(done.stderr, f"Port {small_server.port} on 127.0.0.1 is in use", "--port")
    assert len(done.stderr.splitlines()) == 2
