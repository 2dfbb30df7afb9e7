"""Clients that begin a request and do not go on are not waited for without end."""

import anyio
import pytest

from tests.server.conftest import ServeHttp

pytestmark = pytest.mark.anyio

_HEADERS = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    "half", [b"", b"POST /mcp HTTP/1.1\r\nHost: 127.0", _HEADERS, _HEADERS + b'{"jsonrpc"']
)
async def test_a_half_sent_request_is_given_up(
    half: bytes, serve_http: ServeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovh_api_mcp.limits.HTTP_REQUEST_WAIT_S", 0.1)
    async with serve_http() as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
        if half:
            await stream.send(half % port if b"%d" in half else half)
        with anyio.fail_after(10), pytest.raises(anyio.EndOfStream):
            while True:
                await stream.receive()


async def test_a_connection_in_use_is_kept(serve_http: ServeHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovh_api_mcp.limits.HTTP_REQUEST_WAIT_S", 0.5)
    async with serve_http() as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
        for _ in range(5):
            await stream.send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            with anyio.fail_after(10):
                assert b"200 OK" in await stream.receive()
