"""TLS, certificate authorities and proxies, with a certificate made for the run."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ovh_api_mcp.errors import NetworkError
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.ovh.transport import HttpRequest, Transport
from ovh_api_mcp.secret import Secret
from tests.ovh.wire import always, answer, wire_server

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(["openssl", "req", "-x509", *curve, *subject, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def get(url: str, network: NetworkOptions) -> int:
    transport = Transport(network=network)
    try:
        return (await transport.send(HttpRequest("GET", url))).status
    finally:
        await transport.aclose()


async def refused(url: str, network: NetworkOptions) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        await get(url, network)
    return caught.value


async def test_a_certificate_of_a_given_authority_is_trusted(
    server_tls: ssl.SSLContext, certificate: Path
) -> None:
    async with wire_server(always(answer()), tls=server_tls) as server:
        assert await get(server.url + "/v1/me", NetworkOptions(ssl_cert_file=str(certificate))) == 200


async def test_a_certificate_of_nobody_is_refused_before_anything_is_sent(server_tls: ssl.SSLContext) -> None:
    async with wire_server(always(answer()), tls=server_tls) as server:
        error = await refused(server.url + "/v1/me", NetworkOptions())
    assert (error.code, error.may_have_happened, server.requests) == ("tls-failed", False, [])
    assert "SSL_CERT_FILE" in error.message


async def test_a_certificate_for_another_name_is_refused(
    server_tls: ssl.SSLContext, certificate: Path
) -> None:
    async with wire_server(always(answer()), tls=server_tls) as server:
        url = f"https://127.0.0.1:{server.port}/"
        error = await refused(url, NetworkOptions(ssl_cert_file=str(certificate)))
    assert (error.code, server.requests) == ("tls-failed", [])


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_an_unusable_file_of_authorities_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    error = await refused("https://localhost:1/", NetworkOptions(ssl_cert_file=str(path)))
    assert (error.code, error.may_have_happened) == ("tls-failed", False)
    assert "SSL_CERT_FILE" in error.message


@dataclass(slots=True)
class FakeProxy:
    url: str
    heads: list[str] = field(default_factory=list)


@asynccontextmanager
async def proxy(*, reply: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> AsyncIterator[FakeProxy]:
    """Run a proxy that tunnels every CONNECT to loopback, or answers something else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            state.heads.append(head)
            writer.write(reply)
            if b" 200 " in reply:
                port = int(head.split(" ")[1].rpartition(":")[2])
                there = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state = FakeProxy(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        yield state


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_https_goes_through_the_proxy_with_its_password(
    server_tls: ssl.SSLContext, certificate: Path
) -> None:
    async with wire_server(always(answer()), tls=server_tls) as server, proxy() as seen:
        network = NetworkOptions(
            https_proxy=Secret(f"http://me:p%40ss@{seen.url}"), ssl_cert_file=str(certificate)
        )
        assert await get(server.url + "/v1/%2F", network) == 200
    [head] = seen.heads
    assert head.startswith(f"CONNECT localhost:{server.port} ")
    assert "proxy-authorization: basic bwu6cebzcw==" in head.lower()
    assert server.targets() == ["GET /v1/%2F"]
    assert "proxy-authorization" not in server.requests[0].headers


async def test_a_host_of_no_proxy_is_reached_directly(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async with wire_server(always(answer()), tls=server_tls) as server, proxy() as seen:
        network = NetworkOptions(Secret(f"http://{seen.url}"), ("localhost",), str(certificate))
        assert await get(server.url + "/", network) == 200
    assert seen.heads == []


async def test_http_on_loopback_never_goes_through_the_proxy() -> None:
    async with wire_server(always(answer())) as server, proxy() as seen:
        assert await get(server.url + "/", NetworkOptions(Secret(f"http://{seen.url}"))) == 200
    assert seen.heads == []


async def test_a_proxy_that_refuses_is_told_and_nothing_has_happened() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with proxy(reply=refusal) as seen:
        error = await refused("https://localhost:1/", NetworkOptions(Secret(f"http://u:canary9@{seen.url}")))
    assert (error.code, error.may_have_happened) == ("connect-failed", False)
    assert "407" in error.message
    assert "canary9" not in error.message


async def test_a_proxy_that_cannot_reach_the_server_says_that_nothing_has_happened() -> None:
    async with proxy(reply=b"") as seen:  # takes the CONNECT and closes
        error = await refused("https://localhost:1/", NetworkOptions(Secret(f"http://{seen.url}")))
    assert error.may_have_happened is False
