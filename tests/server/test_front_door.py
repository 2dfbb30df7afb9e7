"""Who may speak to the HTTP server, asked with requests written by hand."""

from __future__ import annotations

import json

import anyio
import pytest

from ovh_api_mcp.server.front_door import Authority, KnownHosts, parse_authority
from tests.server.conftest import ServeHttp
from tests.witness import WITNESS

pytestmark = pytest.mark.anyio

_TOOLS_LIST = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"},
        },
    }
).encode()


async def ask(
    port: int, path: str, *headers: str, method: str = "POST", body: bytes = _TOOLS_LIST
) -> tuple[int, str]:
    """Return status and everything of the answer to a request whose headers stand as given."""
    head = [
        f"{method} {path} HTTP/1.1",
        *headers,
        "Connection: close",
        "Accept: application/json, text/event-stream",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            answer = b""
            async for piece in stream:
                answer += piece
    text = answer.decode()
    WITNESS.hear("http", text)
    return int(text.split(" ", 2)[1]), text


@pytest.mark.promise("http.host-origin")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("127.0.0.1", 200),
        ("localhost", 200),
        ("LOCALHOST:{port}", 200),
        ("localhost.:{port}", 200),
        ("[::1]:{port}", 200),
        ("localhost:8080", 200),  # a container's port may be published under another one
        ("mcp.example.com", 200),
        ("MCP.example.com:443", 200),
        ("strict.example.com:8443", 200),
        ("bound.example.net", 200),
        ("strict.example.com", 421),
        ("strict.example.com:8444", 421),
        ("evil.example.org", 421),
        ("evil.example.org:{port}", 421),
        ("localhost.evil.example.org", 421),
        ("127.0.0.1.evil.example.org", 421),
        ("evil@127.0.0.1", 421),
        ("127.0.0.1:80:80", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ],
)
async def test_a_host_header_must_name_this_server(serve_http: ServeHttp, host: str, status: int) -> None:
    allowed = ("mcp.example.com", "strict.example.com:8443")
    async with serve_http(host="bound.example.net", allowed_hosts=allowed) as port:
        assert (await ask(port, "/mcp", f"Host: {host.format(port=port)}"))[0] == status


async def test_the_refusal_of_a_host_says_how_to_allow_it(serve_http: ServeHttp) -> None:
    async with serve_http() as port:
        _, text = await ask(port, "/mcp", "Host: mcp.example.com")
        assert "mcp.example.com" in text
        assert "--allowed-host" in text


@pytest.mark.promise("http.host-origin")
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{port}", 200),
        ("http://localhost:6274", 200),
        ("https://mcp.example.com", 200),
        ("http://evil.example.org", 403),
        ("https://evil.example.org:{port}", 403),
        ("http://127.0.0.1.evil.example.org", 403),
        ("http://evil@127.0.0.1", 403),
        ("null", 403),
        ("file://", 403),
        ("", 403),
    ],
)
@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])
async def test_an_origin_must_be_this_server_whatever_the_address(
    serve_http: ServeHttp, bound: str, origin: str, status: int
) -> None:
    async with serve_http(host=bound, allowed_hosts=("mcp.example.com",)) as port:
        headers = (f"Host: localhost:{port}", f"Origin: {origin.format(port=port)}")
        assert (await ask(port, "/mcp", *headers))[0] == status
        assert (await ask(port, "/healthz", *headers, method="GET", body=b""))[0] == status


@pytest.mark.promise("http.token")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("Authorization: Bearer s3cret-tökén",), 200),
        (("authorization: bearer s3cret-tökén",), 200),
        ((), 401),
        (("Authorization: Bearer wrong",), 401),
        (("Authorization: Bearer ",), 401),
        (("Authorization: Bearer",), 401),
        (("Authorization: Basic s3cret-tökén",), 401),
        (("Authorization: s3cret-tökén",), 401),
        (("Authorization: Bearer wrong", "Authorization: Bearer s3cret-tökén"), 401),
    ],
)
async def test_a_token_is_asked_for_and_compared_whole(
    serve_http: ServeHttp, headers: tuple[str, ...], status: int
) -> None:
    async with serve_http(token="s3cret-tökén") as port:
        found, text = await ask(port, "/mcp", "Host: localhost", *headers)
        assert found == status
        if status == 401:
            assert "www-authenticate: Bearer\r\n" in text
            assert "resource_metadata" not in text
            assert "s3cret" not in text


@pytest.mark.promise("http.token")
@pytest.mark.parametrize("header", ["Authorization: Bearer anything", "Authorization: Basic eDp5"])
async def test_without_a_token_any_authorization_header_passes(serve_http: ServeHttp, header: str) -> None:
    async with serve_http() as port:
        assert (await ask(port, "/mcp", "Host: localhost", header))[0] == 200


@pytest.mark.promise("http.well-known")
@pytest.mark.parametrize("token", ["", "s3cret-token"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/openid-configuration",
        "/register",
        "/",
        "/mcp/",
        "/mcp/..",
    ],
)
async def test_every_other_path_answers_a_plain_404(
    serve_http: ServeHttp, path: str, method: str, token: str
) -> None:
    async with serve_http(token=token) as port:
        status, text = await ask(port, path, "Host: localhost", method=method, body=b"")
        assert status == 404
        assert "content-type: text/plain" in text


async def test_health_is_told_without_a_token_and_only_read(serve_http: ServeHttp) -> None:
    async with serve_http(token="s3cret-token") as port:
        status, text = await ask(port, "/healthz", "Host: localhost", method="GET", body=b"")
        assert status == 200
        assert text.endswith('{"status": "ok"}')
        assert (await ask(port, "/healthz", "Host: localhost"))[0] == 405


async def test_a_request_beyond_the_limit_is_refused(serve_http: ServeHttp) -> None:
    async with serve_http() as port:
        status, _ = await ask(port, "/mcp", "Host: localhost", body=b" " * 70_000)
        assert status == 413


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("Example.COM.", Authority("example.com", "")),
        ("example.com:80", Authority("example.com", "80")),
        ("[::1]:80", Authority("::1", "80")),
        ("::1", None),
        ("a b", None),
        (".", None),
        ("example.com:", None),
        ("example.com:port", None),
        ("http://example.com", None),
    ],
)
def test_an_authority_is_parsed_strictly(text: str, authority: Authority | None) -> None:
    assert parse_authority(text) == authority


def test_the_address_that_a_connection_came_in_on_is_a_name_of_this_server() -> None:
    hosts = KnownHosts("0.0.0.0", ())
    assert hosts.knows(Authority("192.0.2.7", "3104"), local_address="192.0.2.7")
    assert not hosts.knows(Authority("192.0.2.8", "3104"), local_address="192.0.2.7")
