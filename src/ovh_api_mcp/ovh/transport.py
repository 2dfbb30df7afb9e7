"""One HTTP request and its answer; the only module that knows the HTTP library.

Invariants: the URL goes over the wire byte for byte as given; redirects are never followed, cookies
never kept, the environment never read; every foreign exception becomes a NetworkError here and
nowhere else; no message holds a path, a header or a body.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import urlsplit

import anyio
import httpx2

from ovh_api_mcp import __version__
from ovh_api_mcp.errors import InternalError, NetworkCode, NetworkError, cut_foreign
from ovh_api_mcp.limits import (
    ANSWER_BYTES,
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    TOTAL_TIMEOUT_S,
)
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.ovh.pools import Pools

USER_AGENT: Final = f"ovh-api-mcp/{__version__}"
CHECK_ENDPOINT: Final = "Check that the endpoint is the right one."
_ACCEPTED_ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[!-~]*)",
)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it goes over the wire; `url` is absolute, without userinfo and fragment."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer with any status but a redirect's; names of `headers` in lower case, `body` decoded."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """Sends requests over kept connections, each within its timeouts and its limit of bytes."""

    def __init__(
        self,
        *,
        network: NetworkOptions | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        user_agent: str = USER_AGENT,
    ) -> None:
        self._network = network or NetworkOptions()
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._total_timeout_s = total_timeout_s
        self._user_agent = user_agent
        self._pools: dict[_Route, Pools] = {}

    async def send(
        self,
        request: HttpRequest,
        *,
        limit_bytes: int = ANSWER_BYTES,
        deadline_s: float | None = None,
    ) -> HttpResponse:
        """Send `request` once and return the answer, whatever its status below 300 or from 400 on.

        304 is an answer too where `request` has a condition.

        `deadline_s`, a time of the event loop's clock, bounds it where the total timeout does not yet.
        Raises NetworkError; its `may_have_happened` is True once the request has begun to leave.
        """
        url = _parse_url(request.url)
        progress = _Progress()
        ends_at_s = asyncio.get_running_loop().time() + self._total_timeout_s
        if deadline_s is not None:
            ends_at_s = min(ends_at_s, deadline_s)
        with _named(progress), _translated(url.host, progress):
            async with asyncio.timeout_at(ends_at_s):
                return await self._exchange(request, url, progress, limit_bytes)

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    async def _exchange(
        self, request: HttpRequest, url: _Url, progress: _Progress, limit_bytes: int
    ) -> HttpResponse:
        foreign_request = self._foreign_request(request, url, progress)
        async with self._pools_to(url).exchange(foreign_request) as response:
            progress.query_id = cut_foreign(response.headers.get("x-ovh-queryid", ""))
            if not (response.status_code == HTTPStatus.NOT_MODIFIED and _is_conditional(request)):
                _refuse_status(response.status_code, response.headers, url.host, progress)
            body = await _read_body(response, url.host, progress, limit_bytes)
        return HttpResponse(response.status_code, dict(response.headers.items()), body)

    def _foreign_request(self, request: HttpRequest, url: _Url, progress: _Progress) -> httpx2.Request:
        own = [("User-Agent", self._user_agent), ("Accept-Encoding", "gzip")]
        headers = [(name.encode("ascii"), value.encode()) for name, value in (*own, *request.headers)]
        timeouts = {
            "connect": self._connect_timeout_s,
            "read": self._read_timeout_s,
            "write": self._read_timeout_s,
            "pool": self._total_timeout_s,
        }
        return httpx2.Request(
            request.method,
            httpx2.URL(url.origin),
            headers=headers,
            content=request.body,
            # The library re-quotes the path of a URL; "target" is put on the wire as it is.
            extensions={"target": url.target, "timeout": timeouts, "trace": progress.trace},
        )

    def _pools_to(self, url: _Url) -> Pools:
        route = self._route(url)
        pools = self._pools.get(route)
        if pools is None:
            pools = self._pools[route] = self._new_pools(route)
        return pools

    def _route(self, url: _Url) -> _Route:
        if url.scheme == "http":
            return "plain"
        return "proxied" if self._network.is_proxied(url.host, url.port) else "direct"

    def _new_pools(self, route: _Route) -> Pools:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if route == "plain" else _tls_context(self._network)
        proxy = None
        if route == "proxied" and self._network.https_proxy is not None:
            url = self._network.https_proxy.reveal()
            # The library refuses a context for a proxy that is spoken to in plain HTTP.
            proxy = httpx2.Proxy(url, ssl_context=context if url.lower().startswith("https:") else None)
        return Pools(
            lambda pool_limits: httpx2.AsyncHTTPTransport(
                verify=context, trust_env=False, proxy=proxy, limits=pool_limits
            )
        )


_Route = Literal["plain", "direct", "proxied"]


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int
    origin: str
    target: bytes


@dataclass(slots=True)
class _Progress:
    """How far a request has come: begun to leave this machine, as the HTTP library reports it; named."""

    is_sent: bool = False
    query_id: str = ""

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        if event.endswith(".send_request_headers.started"):
            # A proxy's CONNECT is not yet the request.
            self.is_sent = getattr(info.get("request"), "method", b"") != b"CONNECT"


def _parse_url(text: str) -> _Url:
    found = _URL.fullmatch(text)
    if found is None or "#" in found["target"]:
        raise InternalError("A request has a URL that is not absolute, or holds characters no URL may hold.")
    scheme, host = found["scheme"], found["host"].strip("[]")
    port = int(found["port"] or (443 if scheme == "https" else 80))
    return _Url(scheme, host, port, text[: found.start("target")], found["target"].encode("ascii"))


def _tls_context(network: NetworkOptions) -> ssl.SSLContext:
    """Return a context that trusts the given authorities, else those of the system."""
    if not (network.ssl_cert_file or network.ssl_cert_dir):
        return httpx2.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(
            cafile=network.ssl_cert_file or None, capath=network.ssl_cert_dir or None
        )
    except OSError as error:
        raise NetworkError(
            f"The authorities of SSL_CERT_FILE or SSL_CERT_DIR cannot be loaded ({_reason(error)}). "
            "SSL_CERT_FILE must name a readable PEM file.",
            code="tls-failed",
            hint="Set SSL_CERT_FILE to a readable PEM file.",
        ) from error


def _is_conditional(request: HttpRequest) -> bool:
    return any(name.lower() in ("if-none-match", "if-modified-since") for name, _ in request.headers)


def _refuse_status(status: int, headers: httpx2.Headers, host: str, progress: _Progress) -> None:
    if 300 <= status < 400:
        raise NetworkError(
            f"{host} answered {status}, a redirect to {_location_host(headers.get('location', ''))}. "
            f"Redirects are never followed. {CHECK_ENDPOINT}",
            code="redirected",
            hint=CHECK_ENDPOINT,
            may_have_happened=progress.is_sent,
        )
    if status < 200:
        raise NetworkError(
            f"{host} answered {status}, which is no answer to an API request. {CHECK_ENDPOINT}",
            code="protocol-error",
            hint=CHECK_ENDPOINT,
            may_have_happened=progress.is_sent,
        )


def _location_host(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return cut_foreign(host) if host else "the same host"


async def _read_body(response: httpx2.Response, host: str, progress: _Progress, limit_bytes: int) -> bytes:
    """Return the decoded body; `limit_bytes` bounds what is held, so that a small answer cannot inflate."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ACCEPTED_ENCODINGS:
        raise NetworkError(
            f"{host} answered in the encoding {cut_foreign(encoding)!r}, but only gzip was offered. "
            f"{CHECK_ENDPOINT}",
            code="protocol-error",
            hint=CHECK_ENDPOINT,
            may_have_happened=progress.is_sent,
        )
    body = bytearray()
    async with aclosing(response.aiter_bytes()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > limit_bytes:
                raise NetworkError(
                    f"The answer of {host} has more than {limit_bytes:,} bytes, and is not read further. "
                    "Ask for less: fewer items, a filter, a shorter period.",
                    code="answer-too-large",
                    hint="Ask for less: fewer items, a filter, a shorter period.",
                    may_have_happened=progress.is_sent,
                )
    return bytes(body)


# --- foreign exceptions ------------------------------------------------------------------------

_LIBRARY_ERRORS: Final[dict[type[Exception], NetworkCode]] = {
    httpx2.HTTPError: "protocol-error",
    httpx2.RequestError: "protocol-error",
    httpx2.TransportError: "protocol-error",
    httpx2.TimeoutException: "read-timeout",
    httpx2.ConnectTimeout: "connect-timeout",
    httpx2.ReadTimeout: "read-timeout",
    httpx2.WriteTimeout: "read-timeout",
    httpx2.PoolTimeout: "connect-timeout",
    httpx2.NetworkError: "connection-lost",
    httpx2.ConnectError: "connect-failed",
    httpx2.ReadError: "connection-lost",
    httpx2.WriteError: "connection-lost",
    httpx2.CloseError: "connection-lost",
    httpx2.ProtocolError: "protocol-error",
    httpx2.LocalProtocolError: "protocol-error",
    httpx2.RemoteProtocolError: "protocol-error",
    httpx2.ProxyError: "connect-failed",
    httpx2.UnsupportedProtocol: "protocol-error",
    httpx2.DecodingError: "protocol-error",
    httpx2.TooManyRedirects: "protocol-error",
    httpx2.HTTPStatusError: "protocol-error",
    httpx2.InvalidURL: "protocol-error",
    httpx2.CookieConflict: "protocol-error",
    httpx2.StreamError: "connection-lost",
}
# What the layers below the library let through: sockets, TLS, anyio, and text that is no header.
_OTHER_ERRORS: Final[dict[type[Exception], NetworkCode]] = {
    TimeoutError: "total-timeout",
    ssl.SSLError: "connection-lost",
    OSError: "connection-lost",
    anyio.BrokenResourceError: "connection-lost",
    anyio.ClosedResourceError: "connection-lost",
    anyio.EndOfStream: "connection-lost",
    UnicodeError: "protocol-error",
}
_CODES: Final = _LIBRARY_ERRORS | _OTHER_ERRORS
_UNSENT: Final = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol, httpx2.InvalidURL, UnicodeError)
_FACTS: Final[dict[NetworkCode, tuple[str, str]]] = {
    "connect-failed": ("cannot be reached", "Check the network, the endpoint, HTTPS_PROXY and NO_PROXY."),
    "connect-timeout": (
        "did not take the connection in time",
        "Try again; if it stays, check the network, HTTPS_PROXY and NO_PROXY.",
    ),
    "read-timeout": ("stopped answering", "Try again later."),
    "total-timeout": ("did not answer completely in time", "Try again later, or ask for less."),
    "connection-lost": (
        "closed the connection before it had answered",
        "If that goes on, check the network and HTTPS_PROXY.",
    ),
    "tls-failed": (
        "could not be reached over TLS",
        "Behind a proxy that inspects traffic, set SSL_CERT_FILE to its certificate authority.",
    ),
    "protocol-error": ("did not speak HTTP as agreed", "Check that the endpoint is the right one."),
}


@contextmanager
def _named(progress: _Progress) -> Iterator[None]:
    """Have an error say what the request is called by OVHcloud's support, where an answer had begun."""
    try:
        yield
    except NetworkError as error:
        error.query_id = progress.query_id
        raise


@contextmanager
def _translated(host: str, progress: _Progress) -> Iterator[None]:
    try:
        yield
    except tuple(_CODES) as error:
        if isinstance(error, _UNSENT):
            # Contract: h11 quotes an illegal header in its message, and the header may be a key.
            # Raised without its cause, so that no traceback shows it.
            raise _unsent() from None
        raise translate(error, host=host, is_sent=progress.is_sent) from error


def translate(error: Exception, *, host: str, is_sent: bool) -> NetworkError:
    """Return the NetworkError that an exception of the HTTP library, TLS or a socket stands for."""
    if isinstance(error, _UNSENT):
        return _unsent()
    code = _code_of(error)
    fact, next_step = _FACTS[code]
    reason = _reason(error)
    return NetworkError(
        f"{host} {fact}" + (f" ({reason})" if reason else "") + f". {next_step}",
        code=code,
        hint=next_step,
        may_have_happened=is_sent,
    )


def _unsent() -> NetworkError:
    return NetworkError(
        "The request was not sent, because HTTP has no way to write it. "
        "Header values are printable ASCII without line breaks.",
        code="protocol-error",
        hint="Give header values of printable ASCII.",
    )


def _code_of(error: Exception) -> NetworkCode:
    code = next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
    if code == "connect-failed" and any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return "tls-failed"
    # h11 has one class for a cut connection and for nonsense; only its words differ.
    if isinstance(error, httpx2.RemoteProtocolError) and re.search("disconnected|peer closed", str(error)):
        return "connection-lost"
    return code


def _reason(error: BaseException) -> str:
    """Return the words of the innermost cause that has any, such as `Connection refused`."""
    reason = ""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message
        elif isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        elif isinstance(cause, asyncio.CancelledError):  # by a time-out of ours; its words are anyio's
            continue
        else:
            reason = reason or str(cause)
    return cut_foreign(reason)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
