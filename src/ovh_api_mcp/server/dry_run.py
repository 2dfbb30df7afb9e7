"""A run whose writes are not sent: each answers with what its operation's schema says, made up and marked.

Reads are made, but for those that ask for something made up. What would have been sent is listed in
its order, with its labels, who would be asked, and what is there now.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec

from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.gate.gatekeeper import Gatekeeper, Send
from ovh_api_mcp.gate.question import Question
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import DRY_RUN_LISTED, UNKNOWN, UNKNOWN_DEPTH
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.sandbox.call_room import CallRoom
from ovh_api_mcp.secret import Redactor

_UNKNOWN_ON_WIRE: Final = quote(UNKNOWN, safe="")
_HEAD: Final = "Dry run: nothing was sent. In this order it would have sent:"
_NOTHING: Final = "Dry run: it would have sent nothing."


@dataclass(slots=True)
class _Planned:
    """One request that would have been sent."""

    question: Question
    is_asked: bool = False


class DryRun:
    """Takes the place of sending for one run."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._planned: list[_Planned] = []
        self._asked: set[str] = set()

    async def ask(self, room: CallRoom, question: Question) -> None:
        """Note that a person would be asked, and go on."""
        self._asked.add(question.title)

    async def send(self, gate: Gatekeeper, account: str, request: ApiRequest, send: Send) -> ApiResponse:
        """Send a read; answer a write, and a read of something made up, with what is made up."""
        asks_for_unknown = _UNKNOWN_ON_WIRE in request.target
        if request.method is Method.GET and not asks_for_unknown:
            return await send(request)
        if request.method is not Method.GET:
            self._planned.append(self._plan(account, request))
        await asyncio.sleep(0)  # as any call, it is answered later
        return ApiResponse(200, {}, _made_up(gate, request), "")

    def text(self) -> str:
        """Return what would have been sent."""
        if not self._planned:
            return _NOTHING
        shown = [self._line(number, each) for number, each in enumerate(self._planned[:DRY_RUN_LISTED], 1)]
        left = len(self._planned) - len(shown)
        more = [f"… and {left:,} more"] if left else []
        marked = [f"{UNKNOWN} stands for what only the real answers will tell."]
        return self._redactor.redact("\n".join([_HEAD, *shown, *more, *marked]))

    def _plan(self, account: str, request: ApiRequest) -> _Planned:
        reason = request.reason
        question = Question(
            request.method,
            reason.template,
            request.target,
            account,
            reason.labels,
            reason.why,
            request.body,
            reason.before,
            reason.hidden,
        )
        return _Planned(question, question.title in self._asked)

    def _line(self, number: int, planned: _Planned) -> str:
        asked = "\n  a person would be asked first" if planned.is_asked else ""
        return f"{number}. {planned.question.text.replace(_UNKNOWN_ON_WIRE, UNKNOWN)}{asked}"


def holds_unknown(arguments: JsonObject, body: bytes | None) -> bool:
    """Tell whether a call is made of something that a dry run made up."""
    return UNKNOWN in msgspec.json.encode(arguments).decode() or (
        body is not None and UNKNOWN.encode() in body
    )


def _made_up(gate: Gatekeeper, request: ApiRequest) -> bytes:
    operation = gate.operation(request.method, request.reason.template) if request.reason.template else None
    known: JsonValue = msgspec.json.decode(request.body) if request.body else None
    schema = operation.answer_schema if operation is not None else {}
    return msgspec.json.encode(_value(gate, schema, known if isinstance(known, dict) else {}, UNKNOWN_DEPTH))


def _value(gate: Gatekeeper, schema: JsonObject, known: JsonObject, depth: int) -> JsonValue:
    """Return a value of a schema: what was sent where a field has its name, else the mark."""
    if not schema:
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _value(gate, gate.schema(reference.removeprefix(REFERENCE_PREFIX)), known, depth)
    choices = schema.get("anyOf")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and "type" not in schema:
        return _value(gate, choices[0], known, depth)
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    properties = schema.get("properties")
    if isinstance(properties, dict) and depth > 0:
        return {
            name: known[name] if name in known else _value(gate, each, {}, depth - 1)
            for name, each in properties.items()
            if isinstance(each, dict)
        }
    if "array" in kinds:
        return []
    return {} if "object" in kinds else UNKNOWN
