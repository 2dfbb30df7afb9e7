"""One request and one answer, against real sockets on loopback."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import ssl
import string
import traceback
import zlib

import anyio
import httpx2
import pytest

from ovh_api_mcp.errors import InternalError, NetworkError
from ovh_api_mcp.limits import CALLS_IN_FLIGHT
from ovh_api_mcp.ovh.transport import _CODES, _FACTS, HttpRequest, HttpResponse, Transport, translate
from tests.ovh.wire import Handler, RawRequest, always, answer, cut_after, never, wire_server

pytestmark = pytest.mark.anyio

UNRESERVED = string.ascii_letters + string.digits + "-._~"
PATH_CHARACTERS = UNRESERVED + "!$&'()*+,;=:@"
ESCAPES = ["%2F", "%2f", "%20", "%C3%A9", "%c3%a9", "%25", "%3F", "%23", "%2E%2E", "%41", "%7E", "%00", "%5C"]


async def fetch(
    handler: Handler,
    target: str = "/v1/me",
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    limit_bytes: int = 1000,
    read_timeout_s: float = 10.0,
    total_timeout_s: float = 10.0,
) -> HttpResponse:
    transport = Transport(read_timeout_s=read_timeout_s, total_timeout_s=total_timeout_s)
    async with wire_server(handler) as server:
        try:
            request = HttpRequest(method, server.url + target, headers, body)
            return await transport.send(request, limit_bytes=limit_bytes)
        finally:
            await transport.aclose()


async def failure(handler: Handler, **options: object) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        await fetch(handler, **options)  # type: ignore[arg-type]  # passed through as they are
    return caught.value


@pytest.mark.parametrize(
    "target", ["/", "/v1", "/v1/", "/v1//a/../b/./c", "/v1/a?", "/v1/a??b", "/v1/a?b#"[:-1]]
)
async def test_odd_targets_go_over_the_wire_as_given(target: str) -> None:
    assert await seen_target(target) == target


async def test_every_character_that_may_stand_in_a_path_goes_over_the_wire_as_given() -> None:
    target = "/v1/" + "/".join(PATH_CHARACTERS) + "/" + "/".join(ESCAPES)
    assert await seen_target(target) == target


async def test_every_character_that_may_stand_in_a_query_goes_over_the_wire_as_given() -> None:
    target = "/v1/a?" + "&".join(f"k{c}={c}" for c in PATH_CHARACTERS + "/?") + "&" + "&".join(ESCAPES)
    assert await seen_target(target) == target


async def test_characters_that_many_servers_take_though_they_should_be_encoded_are_not_encoded() -> None:
    target = '/v1/"<>[]\\^`{|}?"<>[]\\^`{|}'
    assert await seen_target(target) == target


async def seen_target(target: str) -> str:
    async with wire_server(always(answer())) as server:
        transport = Transport()
        await transport.send(HttpRequest("GET", server.url + target))
        await transport.aclose()
    return server.requests[0].target


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://127.0.0.1",
        "http://user:pw@127.0.0.1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/a\r\nX: y",
        "http://127.0.0.1/é",
        "http://127.0.0.1/a#b",
        "/v1/me",
    ],
)
async def test_a_url_that_is_not_plain_and_absolute_is_a_bug(url: str) -> None:
    with pytest.raises(InternalError):
        await Transport().send(HttpRequest("GET", url))


async def test_body_and_headers_go_over_the_wire_as_given() -> None:
    async with wire_server(always(answer(201, b"[1]", {"X-Ovh-QueryId": "EU.1"}))) as server:
        transport = Transport(user_agent="test/1")
        request = HttpRequest("PUT", server.url + "/v1/a", (("X-Pagination-Size", "5"),), b'{"a":\xc3\xa9}')
        response = await transport.send(request)
        await transport.aclose()
    [seen] = server.requests
    assert (seen.method, seen.body, seen.headers["x-pagination-size"]) == ("PUT", b'{"a":\xc3\xa9}', "5")
    assert seen.headers["user-agent"] == "test/1"
    assert (response.status, response.body, response.headers["x-ovh-queryid"]) == (201, b"[1]", "EU.1")


async def test_get_and_delete_have_no_trace_of_a_body() -> None:
    async with wire_server(always(answer())) as server:
        transport = Transport()
        await transport.send(HttpRequest("GET", server.url + "/"))
        await transport.send(HttpRequest("DELETE", server.url + "/"))
        await transport.aclose()
    for seen in server.requests:
        assert not {"content-length", "transfer-encoding", "content-type"} & seen.headers.keys()


async def test_connections_are_kept_and_cookies_are_not() -> None:
    async with wire_server(always(answer(headers={"Set-Cookie": "a=b"}))) as server:
        transport = Transport()
        for _ in range(3):
            await transport.send(HttpRequest("GET", server.url + "/"))
        await transport.aclose()
    assert server.connections == 1
    assert all("cookie" not in seen.headers for seen in server.requests)


async def test_many_requests_share_a_bounded_number_of_connections_and_few_of_them_afterwards() -> None:
    at_once = most = 0

    async def count(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        await always(answer())(request, writer)

    async with wire_server(count) as server:
        transport = Transport()
        request = HttpRequest("GET", server.url + "/")
        for _ in range(2):
            await asyncio.gather(*(transport.send(request) for _ in range(2 * CALLS_IN_FLIGHT)))
        assert (most, server.connections) == (CALLS_IN_FLIGHT, CALLS_IN_FLIGHT)
        for _ in range(3):
            await transport.send(request)
        assert server.connections == CALLS_IN_FLIGHT
        await transport.aclose()
    assert len(server.requests) == 4 * CALLS_IN_FLIGHT + 3


async def test_requests_that_fail_or_are_cancelled_leave_room_for_others() -> None:
    async with wire_server(never) as server:
        transport = Transport(read_timeout_s=0.05)
        request = HttpRequest("GET", server.url + "/")
        for _ in range(2):
            with anyio.move_on_after(0.02):
                await asyncio.gather(*(transport.send(request) for _ in range(CALLS_IN_FLIGHT)))
            failed = await asyncio.gather(
                *(transport.send(request) for _ in range(CALLS_IN_FLIGHT)), return_exceptions=True
            )
            assert {getattr(each, "code", each) for each in failed} == {"read-timeout"}
        await transport.aclose()


async def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await fetch(always(answer()))).status == 200


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_an_answer_that_is_an_error_is_still_an_answer(status: int) -> None:
    response = await fetch(always(answer(status, b"no")))
    assert (response.status, response.body) == (status, b"no")


@pytest.mark.parametrize("condition", ["If-None-Match", "if-modified-since"])
async def test_304_is_an_answer_for_who_asked_for_what_is_new(condition: str) -> None:
    head = b'HTTP/1.1 304 Not Modified\r\nETag: "2"\r\n\r\n'
    response = await fetch(always(head), headers=((condition, '"1"'),))
    assert (response.status, response.headers["etag"], response.body) == (304, '"2"', b"")
    assert (await failure(always(head))).code == "redirected"


@pytest.mark.promise("calls.no-redirects")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_redirects_are_never_followed(status: int) -> None:
    location = {"Location": "https://evil.example/path?token=1", "Content-Length": "0"}
    async with wire_server(always(answer(status, b"", location))) as server:
        transport = Transport()
        with pytest.raises(NetworkError) as caught:
            await transport.send(HttpRequest("GET", server.url + "/v1/me"))
        await transport.aclose()
    assert caught.value.code == "redirected"
    assert str(status) in caught.value.message
    assert "evil.example" in caught.value.message
    assert "token" not in caught.value.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("location", ["", "/elsewhere", "http://[bad", "//"])
async def test_a_redirect_to_nowhere_in_particular_is_told_all_the_same(location: str) -> None:
    error = await failure(always(answer(302, b"", {"Location": location} if location else {})))
    assert error.code == "redirected"


async def test_gzip_is_taken_and_decoded() -> None:
    body = b'{"a":1}' * 20
    response = await fetch(always(answer(200, gzip.compress(body), {"Content-Encoding": "gzip"})))
    assert response.body == body


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(bytes(50_000_000))), ("deflate", zlib.compress(bytes(50_000_000)))],
)
async def test_a_small_answer_that_inflates_is_stopped_at_the_limit(encoding: str, packed: bytes) -> None:
    error = await failure(always(answer(200, packed, {"Content-Encoding": encoding})), limit_bytes=100_000)
    assert (error.code, error.may_have_happened) == ("answer-too-large", True)


async def test_a_huge_answer_is_stopped_at_the_limit() -> None:
    async def endless(_: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
            await writer.drain()

    assert (await failure(endless, limit_bytes=100_000)).code == "answer-too-large"


async def test_an_answer_of_exactly_the_limit_is_taken() -> None:
    assert len((await fetch(always(answer(200, b"x" * 1000)), limit_bytes=1000)).body) == 1000
    assert (await failure(always(answer(200, b"x" * 1001)), limit_bytes=1000)).code == "answer-too-large"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 500])
async def test_an_encoding_that_was_not_offered_is_refused(encoding: str) -> None:
    error = await failure(always(answer(200, b"abc", {"Content-Encoding": encoding})))
    assert error.code == "protocol-error"
    assert len(error.message) < 400


async def test_broken_gzip_is_an_error_of_the_protocol() -> None:
    error = await failure(always(answer(200, b"not gzip", {"Content-Encoding": "gzip"})))
    assert (error.code, error.may_have_happened) == ("protocol-error", True)


async def test_a_server_that_never_answers_ends_in_a_read_timeout() -> None:
    error = await failure(never, read_timeout_s=0.05)
    assert (error.code, error.may_have_happened) == ("read-timeout", True)


async def test_a_server_that_drips_ends_in_the_total_timeout() -> None:
    async def drip(_: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await anyio.sleep(0.01)

    error = await failure(drip, total_timeout_s=0.1)
    assert (error.code, error.may_have_happened) == ("total-timeout", True)


async def test_waiting_for_a_handshake_ends_in_a_connect_timeout_and_nothing_has_happened() -> None:
    async with wire_server(never) as server:  # speaks no TLS, and so never finishes a handshake
        transport = Transport(connect_timeout_s=0.05)
        with pytest.raises(NetworkError) as caught:
            await transport.send(HttpRequest("POST", f"https://127.0.0.1:{server.port}/", (), b"{}"))
        await transport.aclose()
    assert (caught.value.code, caught.value.may_have_happened) == ("connect-timeout", False)


# The library leaves the socket of a cancelled handshake to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_total_timeout_before_anything_was_sent_says_that_nothing_has_happened() -> None:
    async with wire_server(never) as server:
        transport = Transport(total_timeout_s=0.05)
        with pytest.raises(NetworkError) as caught:
            await transport.send(HttpRequest("POST", f"https://127.0.0.1:{server.port}/", (), b"{}"))
        await transport.aclose()
    assert (caught.value.code, caught.value.may_have_happened) == ("total-timeout", False)
    del caught
    gc.collect()


async def test_a_refused_connection_says_so_and_that_nothing_has_happened(transport: Transport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(NetworkError) as caught:
            await transport.send(HttpRequest("POST", url, (), b"{}"))
    assert (caught.value.code, caught.value.may_have_happened) == ("connect-failed", False)


async def test_a_server_that_speaks_no_tls_is_told_apart_from_one_that_is_not_there(
    transport: Transport,
) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(NetworkError) as caught:
            await transport.send(HttpRequest("GET", url))
    assert (caught.value.code, caught.value.may_have_happened) == ("tls-failed", False)


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", answer()[:-1]],
)
async def test_a_cut_connection_may_have_done_its_work(sent: bytes) -> None:
    error = await failure(cut_after(sent), method="POST", body=b"{}")
    assert (error.code, error.may_have_happened) == ("connection-lost", True)


@pytest.mark.parametrize(
    "nonsense", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 200_000]
)
async def test_an_answer_that_is_no_http_is_an_error_of_the_protocol(nonsense: bytes) -> None:
    error = await failure(cut_after(nonsense))
    assert (error.code, error.may_have_happened) == ("protocol-error", True)


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "a\0b", "lone \ud800 surrogate"])
async def test_a_header_that_cannot_be_written_is_not_sent_and_not_shown(value: str) -> None:
    error = await failure(always(answer()), headers=(("X-Ovh-Consumer", f"canary-5f1c{value}"),))
    assert (error.code, error.may_have_happened) == ("protocol-error", False)
    assert "canary" not in "".join(traceback.format_exception(error)) + repr(error)


async def test_a_cancelled_request_leaves_the_transport_usable() -> None:
    is_first = True

    async def hang_once(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        nonlocal is_first
        is_first, hangs = False, is_first
        await (never(request, writer) if hangs else always(answer())(request, writer))

    async with wire_server(hang_once) as server:
        transport = Transport()
        with anyio.move_on_after(0.05):
            await transport.send(HttpRequest("GET", server.url + "/"))
        assert (await transport.send(HttpRequest("GET", server.url + "/"))).status == 200
        await transport.aclose()


# --- the translation of foreign exceptions is complete ---------------------------------------------


# Of parts of the library that the transport does not use.
UNUSED_PARTS = {"SSEError"}


def library_exceptions() -> list[type[Exception]]:
    """Return every exception class of the HTTP library, exported or below an exported one."""
    found: set[type[Exception]] = set()
    pending = [
        value
        for value in vars(httpx2).values()
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
    ]
    while pending:
        cls = pending.pop()
        if cls not in found and cls.__name__ not in UNUSED_PARTS and cls.__module__.startswith("httpx2"):
            found.add(cls)
            pending += cls.__subclasses__()
    return sorted(found, key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", library_exceptions(), ids=lambda cls: cls.__name__)
def test_each_exception_of_the_library_has_a_code(cls: type[Exception]) -> None:
    assert cls in _CODES or cls.__base__ is httpx2.StreamError, f"{cls.__name__} is new: give it a code"
    error = cls.__new__(cls)
    Exception.__init__(error, "words of the library")
    translated = translate(error, host="api.example", is_sent=True)
    assert isinstance(translated, NetworkError)
    assert len(translated.message) <= 400


def test_each_code_of_the_translation_has_its_words() -> None:
    assert {*_CODES.values(), "tls-failed"} == set(_FACTS)


@pytest.mark.parametrize("cls", [ssl.SSLError, OSError, TimeoutError, anyio.ClosedResourceError])
def test_what_the_layers_below_let_through_has_a_code(cls: type[Exception]) -> None:
    assert translate(cls(), host="api.example", is_sent=False).may_have_happened is False
