"""Who may speak to the HTTP server: Host, Origin, path and token of every request, before MCP sees it.

Contract: owned by the HTTP transport alone; `FrontDoor` is the outermost ASGI application and the
rules never change while it serves. Failing any rule ends the request here, with a plain text that
says what would be right and never repeats a token.
Source: MCP specification, Streamable HTTP, security warning (DNS rebinding); RFC 6750 section 3.
"""

from __future__ import annotations

import hmac
import json
import math
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ovh_api_mcp import limits
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.server.caller import expect_leaving

MCP_PATH: Final = "/mcp"
HEALTH_PATH: Final = "/healthz"
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
# RFC 3986 section 3.2: a name or IPv4 address, or an IPv6 address in brackets, and a port.
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A host in lower case, without brackets and final dot, and its port, "" where none is given."""

    host: str
    port: str


def parse_authority(text: str) -> Authority | None:
    """Return the parts of a Host header or of an `--allowed-host`, None where it is neither."""
    match = _AUTHORITY.fullmatch(text.strip())
    if match is None:
        return None
    host = (match["v6"] or match["name"]).lower().removesuffix(".")
    return Authority(host, match["port"] or "") if host else None


class KnownHosts:
    """The names under which clients may address this server.

    Loopback names, the bound name, this machine's own name and the address that the connection
    came in on go with any port, because a container's port may be published under another one. An
    `--allowed-host` with a port goes with that port only.
    """

    def __init__(self, bound_host: str, allowed: Iterable[str]) -> None:
        any_port = {*_LOOPBACK_NAMES, bound_host.lower(), socket.gethostname().lower()}
        parsed = [authority for text in allowed if (authority := parse_authority(text)) is not None]
        self._any_port = frozenset(any_port | {a.host for a in parsed if not a.port})
        self._exact = frozenset(a for a in parsed if a.port)

    def knows(self, authority: Authority | None, *, local_address: str) -> bool:
        """Tell whether `authority` means this server for a connection to `local_address`."""
        if authority is None:
            return False
        return authority.host in self._any_port or authority in self._exact or authority.host == local_address


class FrontDoor:
    """Answers what is not MCP, refuses who may not come in, and passes the rest to `mcp`."""

    def __init__(
        self,
        mcp: ASGIApp,
        *,
        hosts: KnownHosts,
        token: Secret[str] | None,
        health: Callable[[], JsonObject],
    ) -> None:
        self._mcp = mcp
        self._hosts = hosts
        self._token = token
        self._health = health
        self._posts = 0
        self._quiet = anyio.Event()
        self.is_closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, refusal)
        elif scope["path"] == HEALTH_PATH:
            await _answer(send, _Plain(HTTPStatus.OK, json.dumps(self._health()), "application/json"))
        else:
            await self._pass_on(scope, receive, send)

    async def close(self) -> None:
        """Take no more requests and wait until those that a client waits for are answered."""
        self.is_closing = True
        if self._posts:
            await self._quiet.wait()

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["method"] == "POST"  # a GET is a standing stream of notifications
        self._posts += is_post
        try:
            await self._mcp(scope, _patient_receive(receive, on_gone=expect_leaving(scope)), send)
        finally:
            self._posts -= is_post
            if self.is_closing and not self._posts:
                self._quiet.set()

    def _refusal(self, scope: Scope) -> _Plain | None:
        # Contract: the order is the rule. A foreign page learns nothing but 421 or 403; only who
        # addresses this server by its name gets to know which paths exist and that a token is asked.
        headers = _Headers(scope)
        server = scope.get("server")
        local_address = str(server[0]) if server else ""
        host = headers.only(b"host")
        if not self._hosts.knows(parse_authority(host), local_address=local_address):
            return _foreign_host(host)
        origins = headers.all(b"origin")
        if origins and not (len(origins) == 1 and self._is_own_origin(origins[0], local_address)):
            return _Plain(HTTPStatus.FORBIDDEN, f"Origin {cut_foreign(origins[0])} may not use this server.")
        if scope["path"] not in (MCP_PATH, HEALTH_PATH):
            return _Plain(HTTPStatus.NOT_FOUND, f"Not found. MCP is served at {MCP_PATH}.")
        if scope["path"] == HEALTH_PATH:
            return (
                None
                if scope["method"] in ("GET", "HEAD")
                else _Plain(HTTPStatus.METHOD_NOT_ALLOWED, "GET it.")
            )
        if self._token is not None and not _bears(headers.only(b"authorization"), self._token):
            return _UNAUTHORIZED
        if self.is_closing:
            return _Plain(HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping.")
        return None

    def _is_own_origin(self, origin: str, local_address: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and self._hosts.knows(
            parse_authority(parts.netloc), local_address=local_address
        )


def _bears(authorization: str, token: Secret[str]) -> bool:
    scheme, _, given = authorization.partition(" ")
    is_same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.reveal().encode())
    return is_same and scheme.lower() == "bearer"


@dataclass(frozen=True, slots=True)
class _Plain:
    """A whole answer of our own."""

    status: HTTPStatus
    text: str
    media_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[bytes, bytes], ...] = ()


# No resource_metadata: it would send clients looking for an authorisation server that is not there.
_UNAUTHORIZED: Final = _Plain(
    HTTPStatus.UNAUTHORIZED,
    "This server asks for its token: send the header Authorization: Bearer TOKEN.",
    headers=((b"www-authenticate", b"Bearer"),),
)


def _foreign_host(host: str) -> _Plain:
    return _Plain(
        HTTPStatus.MISDIRECTED_REQUEST,
        f"Host {cut_foreign(host) or '(none)'} is not a name of this server. Behind a proxy, start it with"
        " --allowed-host NAME or OVH_MCP_ALLOWED_HOSTS=NAME.",
    )


async def _answer(send: Send, plain: _Plain) -> None:
    body = plain.text.encode()
    headers = [
        (b"content-type", plain.media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *plain.headers,
    ]
    await send({"type": "http.response.start", "status": int(plain.status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Headers:
    """The headers of an ASGI scope, whose names are in lower case."""

    def __init__(self, scope: Scope) -> None:
        self._pairs: list[tuple[bytes, bytes]] = list(scope["headers"])

    def all(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self._pairs if key == name]

    def only(self, name: bytes) -> str:
        """Return the value, "" where the header is absent or stands there twice."""
        values = self.all(name)
        return values[0] if len(values) == 1 else ""


def _patient_receive(receive: Receive, *, on_gone: Callable[[], None]) -> Receive:
    """Return `receive` with a bound on the wait for the body; without it, the client counts as gone."""
    waits_for_body = True

    async def receive_in_time() -> Message:
        nonlocal waits_for_body
        message: Message = {"type": "http.disconnect"}
        with anyio.move_on_after(limits.HTTP_REQUEST_WAIT_S if waits_for_body else math.inf):
            message = await receive()
        if message["type"] == "http.disconnect":
            on_gone()
        waits_for_body = waits_for_body and bool(message.get("more_body"))
        return message

    return receive_in_time
