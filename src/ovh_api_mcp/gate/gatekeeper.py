"""The one function every call of a script goes through on its way out.

    parse → path → route → verdict → query, headers, body → compare with the schema → send

Invariant: nothing is sent that is not an operation of the catalogue in its one safe spelling, and
nothing that a person does not let through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import NamedTuple, Protocol

import anyio
import anyio.to_thread

from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.errors import ApiError, InternalError, NetworkError, OvhMcpError, RefusedError
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.body import body_bytes
from ovh_api_mcp.gate.call import Call, ValidationMode, parse_call
from ovh_api_mcp.gate.deprecation import deprecation_note
from ovh_api_mcp.gate.explanation import Explainer
from ovh_api_mcp.gate.inspection import Inspection
from ovh_api_mcp.gate.judge import Judge, denied
from ovh_api_mcp.gate.masking import secret_fields
from ovh_api_mcp.gate.match import Route, Router
from ovh_api_mcp.gate.parameters import header_lines, query_string
from ovh_api_mcp.gate.path import CallPath, normalise_path
from ovh_api_mcp.gate.policy import Access, Verdict
from ovh_api_mcp.gate.question import Ask, Question
from ovh_api_mcp.gate.remarks import Remarks
from ovh_api_mcp.gate.remedy import Rights
from ovh_api_mcp.gate.verdict import Decision
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import (
    ALL_FAULTS_BYTES,
    CHECKED_AT_ONCE_BYTES,
    LARGE_CHECKED_AT_ONCE,
    QUESTION_STATE_S,
)
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse, Reason

Send = Callable[[ApiRequest], Awaitable[ApiResponse]]
Through = Callable[[ApiRequest, Send], Awaitable[ApiResponse]]
"""Sends a request that was let through by means of the `Send` it is given, and sees how that ends."""


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

    def schema(self, name: str) -> JsonObject:
        """Return a component schema of the document, {} where there is none."""
        ...


class _Checked(NamedTuple):
    """A call that may leave, unless a person has to be asked first and says no."""

    asked: Asked
    request: ApiRequest
    decision: Decision
    hidden: frozenset[str]


class Gatekeeper:
    """Checks calls against one catalogue, which lacks `absences`, and sends those that may leave.

    `mode` is what becomes of requests that do not fit their schema, where a call does not say,
    `rights` says what an error may name that lacks one, `access` what a person lets through for
    `account`, `looks_first` whether what is there is asked for before each change or deletion.
    """

    def __init__(
        self,
        catalog: OperationSource,
        send: Send,
        *,
        absences: Absences | None = None,
        mode: ValidationMode = "strict",
        rights: Rights | None = None,
        access: Access | None = None,
        account: str = "default",
        looks_first: bool = False,
    ) -> None:
        self._catalog = catalog
        self._send = send
        self._mode = mode
        self._large = anyio.CapacityLimiter(LARGE_CHECKED_AT_ONCE)
        self._inspection = Inspection(catalog.schema, self._answer_schema)
        self._router = Router(catalog.routes(), absences or Absences())
        self._explainer = Explainer(self._router, rights or Rights())
        self._account = account
        self._looks_first = looks_first
        self._hidden: dict[str, frozenset[str]] = {}
        self._judge = Judge(access or Access(), self._router, self._operation, account=account)

    async def request(
        self,
        arguments: JsonObject,
        body: bytes | None,
        *,
        through: Through = _directly,
        remarks: Remarks | None = None,
        ask: Ask | None = None,
        looks_first: bool = False,
    ) -> ApiResponse:
        """Return the API's answer to what a script gave to `ovh.request`, its body apart as JSON text.

        `through` is called for what may leave and for nothing else; `remarks`, which a run has one
        of, hears what is to be told beside its result; `ask` asks a person, None where nobody can be
        asked; `looks_first` says to see what is there before a change or deletion. *Raises* RefusedError
        when nothing was sent, else what `send` raises, explained.
        """
        remarks = remarks or Remarks()
        checked = await self._checked(arguments, body, remarks)
        asked, request = checked.asked, checked.request
        by, before = checked.decision.by, None
        if checked.decision.verdict is Verdict.ASK:
            before = await self._ask(checked, through, ask)
            by = "person"
        if request.method is Method.GET:
            request = replace(request, reason=Reason(asked.route.template))
        else:
            before = before or remarks.read(asked.route.wire)
            if before is None and (self._looks_first or looks_first):
                before = await self._what_is_there(asked, through)
            labels = asked.operation.sorted_labels
            why, hidden = checked.decision.why, checked.hidden
            reason = Reason(asked.route.template, labels, by, why, before, hidden)
            request = replace(request, reason=reason)
        if about := deprecation_note(asked.operation, self._router):
            remarks.add(about)
        try:
            response = await through(request, self._send)
        except (ApiError, NetworkError) as error:
            self._explainer.explain(error, asked)
            raise
        finally:
            if request.method is not Method.GET:
                remarks.forget_read(asked.route.wire)
        if request.method is Method.GET and Label.SECRETS not in asked.operation.labels:
            remarks.keep_read(request.target, response.body)
        return response

    async def _ask(self, checked: _Checked, through: Through, ask: Ask | None) -> bytes | None:
        """Ask a person and return what is there now, as far as it was looked for; *Raises* DeniedError."""
        asked, request, decision = checked.asked, checked.request, checked.decision
        if ask is None:
            raise denied(decision, asked.route.method, asked.route.template, asked.operation)
        before = await self._what_is_there(asked, through)
        await ask(
            Question(
                method=request.method,
                template=asked.route.template,
                target=request.target,
                account=self._account,
                labels=asked.operation.sorted_labels,
                why=decision.why,
                body=request.body,
                before=before,
                hidden=checked.hidden,
            )
        )
        return before

    def _secret_fields(self, operation: Operation) -> frozenset[str]:
        """Return the names of what the schemas of an operation, and of a GET of its path, call a password."""
        key = f"{operation.method} {operation.path}"
        if key not in self._hidden:
            schemas = (operation.body_schema, operation.answer_schema, self._answer_schema(operation.path))
            self._hidden[key] = secret_fields(schemas, self._catalog.schema)
        return self._hidden[key]

    async def _what_is_there(self, asked: Asked, through: Through) -> bytes | None:
        """Return what a GET of the path of a change or deletion answers; None where it may not be asked."""
        if asked.route.method not in (Method.PUT, Method.DELETE):
            return None
        look: JsonObject = {"method": "GET", "path": asked.route.wire, "validate": "warn"}
        try:
            checked = self._check(look, None, Remarks())
            if (
                checked.decision.verdict is not Verdict.ALLOW
                or Label.SECRETS in checked.asked.operation.labels
            ):
                return None
            with anyio.fail_after(QUESTION_STATE_S):
                return (await through(checked.request, self._send)).body
        except (OvhMcpError, TimeoutError):
            return None  # a person is asked all the same

    async def _checked(self, arguments: JsonObject, body: bytes | None, remarks: Remarks) -> _Checked:
        """Check a call, in a thread where its body is large."""
        if body is None or len(body) <= CHECKED_AT_ONCE_BYTES:
            return self._check(arguments, body, remarks)
        turn = self._large if len(body) > ALL_FAULTS_BYTES else None
        return await anyio.to_thread.run_sync(self._check, arguments, body, remarks, limiter=turn)

    def check(
        self, arguments: JsonObject, body: bytes | None = None, remarks: Remarks | None = None
    ) -> ApiRequest:
        """Return the request that a call amounts to, without sending it; *Raises* RefusedError."""
        return self._check(arguments, body, remarks or Remarks()).request

    def asked(self, arguments: JsonObject, body: bytes | None = None) -> Asked:
        """Return the call with the operation that it names, its values yet unchecked.

        *Raises* RefusedError.
        """
        asked, _ = self._asked(arguments, body)
        return asked

    def is_strict(self, call: Call) -> bool:
        """Tell whether a call that does not fit its schema is refused, rather than sent with a note."""
        return (call.validate or self._mode) == "strict"

    def judge(self, arguments: JsonObject) -> tuple[Asked, Decision]:
        """Return the call and the verdict on it, whatever its values; *Raises* RefusedError."""
        asked, path = self._asked(arguments, None)
        return asked, self._judge.decide(asked, path)

    def operation(self, method: Method, template: str) -> Operation | None:
        """Return the operation on a path template, None where there is none."""
        return self._catalog.operation(method, template)

    def schema(self, name: str) -> JsonObject:
        """Return a component schema of the document, {} where there is none."""
        return self._catalog.schema(name)

    def origin(self, arguments: JsonObject) -> str:
        """Return method and path of a call that was let through, as it went over the wire."""
        route = self.asked(arguments).route
        return f"{route.method} {route.wire}"

    def _asked(self, arguments: JsonObject, body: bytes | None) -> tuple[Asked, CallPath]:
        call = parse_call(arguments, body)
        path = normalise_path(call.path, call.params)
        route = self._router.route(call.method, path)
        return Asked(call, self._operation(route), route), path

    def _check(self, arguments: JsonObject, body: bytes | None, remarks: Remarks) -> _Checked:
        asked, path = self._asked(arguments, body)
        call, operation, route = asked.call, asked.operation, asked.route
        decision = self._judge.decide(asked, path)
        if decision.verdict is Verdict.DENY:
            raise denied(decision, route.method, route.template, operation)
        is_strict = self.is_strict(call)
        query = query_string(call.query)
        request = ApiRequest(
            method=route.method,
            target=f"{route.wire}?{query}" if query else route.wire,
            body=body_bytes(operation, call, may_be_undeclared=not is_strict),
            headers=header_lines(operation, call.headers),
            is_authenticated=operation.is_authenticated,
        )
        self._inspection.inspect(operation, call, path, request, remarks, is_strict=is_strict)
        hidden = self._secret_fields(operation) if route.method is not Method.GET else frozenset[str]()
        return _Checked(asked, request, decision, hidden)

    def no_operation(self, method: Method, path: str) -> RefusedError:
        """Return what a call to a path of no operation would be told: the nearest ones."""
        return self._router.no_operation(method, path)

    def nearest(self, path: str) -> list[str]:
        """Return the path templates that a text which is none was probably meant for, the likeliest first."""
        return self._router.nearest(path)

    def _answer_schema(self, path: str) -> JsonObject:
        operation = self._catalog.operation(Method.GET, path)
        return {} if operation is None else operation.answer_schema

    def _operation(self, route: Route) -> Operation:
        operation = self._catalog.operation(route.method, route.template)
        if operation is None:
            raise InternalError(f"The catalogue lists {route.method} {route.template} but does not hold it.")
        return operation
