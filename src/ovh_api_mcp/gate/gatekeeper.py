"""The one function every call of a script goes through on its way out.

Invariant: nothing is sent that is not an operation of the catalogue in its one safe spelling.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.errors import ApiError, InternalError, NetworkError, RefusedError
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.body import body_bytes
from ovh_api_mcp.gate.call import parse_call
from ovh_api_mcp.gate.deprecation import deprecation_note
from ovh_api_mcp.gate.explanation import Explainer
from ovh_api_mcp.gate.match import Route, Router
from ovh_api_mcp.gate.parameters import header_lines, query_string
from ovh_api_mcp.gate.path import normalise_path
from ovh_api_mcp.gate.remedy import Rights
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse

Send = Callable[[ApiRequest], Awaitable[ApiResponse]]
Through = Callable[[ApiRequest, Send], Awaitable[ApiResponse]]
"""Sends a request that was let through by means of the `Send` it is given, and sees how that ends."""


Note = Callable[[str], None]
"""Hears what the reader of a result should know of a call."""


def _unheard(note: str) -> None:
    """Take no notice."""


async def _directly(request: ApiRequest, send: Send) -> ApiResponse:
    return await send(request)


class OperationSource(Protocol):
    """What the gate needs of a catalogue."""

    def routes(self) -> Iterable[tuple[Method, str]]:
        """Return method and path template of every operation."""
        ...

    def operation(self, method: Method, path: str) -> Operation | None:
        """Return the operation on a path template, or None where there is none."""
        ...


class Gatekeeper:
    """Checks calls against one catalogue, which lacks `absences`, and sends those that may leave.

    `rights` says what an error may name that lacks one.
    """

    def __init__(
        self,
        catalog: OperationSource,
        send: Send,
        *,
        absences: Absences | None = None,
        rights: Rights | None = None,
    ) -> None:
        self._catalog = catalog
        self._send = send
        self._router = Router(catalog.routes(), absences or Absences())
        self._explainer = Explainer(self._router, rights or Rights())

    async def request(
        self,
        arguments: JsonObject,
        body: bytes | None,
        *,
        through: Through = _directly,
        note: Note = _unheard,
    ) -> ApiResponse:
        """Return the API's answer to what a script gave to `ovh.request`, its body apart as JSON text.

        `through` is called for what may leave and for nothing else, `note` for what should be known of
        it. *Raises* RefusedError when nothing was sent, else what `send` raises, explained.
        """
        asked = self.asked(arguments, body)
        request = _api_request(asked)
        if about := deprecation_note(asked.operation, self._router):
            note(about)
        try:
            return await through(request, self._send)
        except (ApiError, NetworkError) as error:
            self._explainer.explain(error, asked)
            raise

    def check(self, arguments: JsonObject, body: bytes | None = None) -> ApiRequest:
        """Return the request that a call amounts to, without sending it; *Raises* RefusedError."""
        return _api_request(self.asked(arguments, body))

    def asked(self, arguments: JsonObject, body: bytes | None = None) -> Asked:
        """Return the call with the operation that it names, its query and headers yet unchecked.

        *Raises* RefusedError.
        """
        call = parse_call(arguments, body)
        path = normalise_path(call.path, call.params)
        route = self._router.route(call.method, path)
        return Asked(call, self._operation(route), route)

    def origin(self, arguments: JsonObject) -> str:
        """Return method and path of a call that was let through, as it went over the wire."""
        route = self.asked(arguments).route
        return f"{route.method} {route.wire}"

    def no_operation(self, method: Method, path: str) -> RefusedError:
        """Return what a call to a path of no operation would be told: the nearest ones."""
        return self._router.no_operation(method, path)

    def nearest(self, path: str) -> list[str]:
        """Return the path templates that a text which is none was probably meant for, the likeliest first."""
        return self._router.nearest(path)

    def _operation(self, route: Route) -> Operation:
        operation = self._catalog.operation(route.method, route.template)
        if operation is None:
            raise InternalError(f"The catalogue lists {route.method} {route.template} but does not hold it.")
        return operation


def _api_request(asked: Asked) -> ApiRequest:
    operation, route, call = asked.operation, asked.route, asked.call
    query = query_string(operation, call.query)
    return ApiRequest(
        method=route.method,
        target=f"{route.wire}?{query}" if query else route.wire,
        body=body_bytes(operation, call),
        headers=header_lines(operation, call.headers),
        is_authenticated=operation.is_authenticated,
    )
