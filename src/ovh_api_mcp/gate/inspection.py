"""A request and the schema of its operation: refused with all its faults, or let through with notes.

What is noted: values that were taken as another type, read-only fields in a body, and, where the
caller knows better than the schema (`validate: "warn"`), the faults that would have been refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.catalog.signature import Detail, Signature
from ovh_api_mcp.errors import InvalidRequestError, cut_foreign
from ovh_api_mcp.gate.call import Call
from ovh_api_mcp.gate.fault import Fault, fault, place
from ovh_api_mcp.gate.given import given_parameters
from ovh_api_mcp.gate.parameters import paging_hint
from ovh_api_mcp.gate.path import CallPath
from ovh_api_mcp.gate.refusal import listed
from ovh_api_mcp.gate.remarks import Remarks
from ovh_api_mcp.gate.request_schema import Components
from ovh_api_mcp.gate.validation import Validation, on_one_line
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import ALL_FAULTS_BYTES, FAULTS_FOUND, MESSAGE_CHARS, SIGNATURE_CHARS
from ovh_api_mcp.ovh.messages import ApiRequest

_DETAILS: Final = (Detail(1, 6, 24, 0), Detail(1, 2, 16, 0), Detail(1, 1, 8, 0))
_PLACES_CHARS: Final = 160
_SENT_FAULTS_CHARS: Final = 600
_UNREADABLE: Final = fault("body", "a number or a depth beyond all bounds", "JSON that can be read")
_UNDECLARED: Final = fault("body", "a body", "none: the operation declares none")
_HINT: Final = 'Correct it and call again. Only if the schema is known to be wrong: validate: "warn".'


class Inspection:
    """Compares requests with the document; its components and what GETs answer are given."""

    def __init__(self, components: Components, answers: Callable[[str], JsonObject]) -> None:
        self._components = components
        self._validation = Validation(components, answers)

    def inspect(
        self,
        operation: Operation,
        call: Call,
        path: CallPath,
        request: ApiRequest,
        remarks: Remarks,
        *,
        is_strict: bool,
    ) -> None:
        """Note what is worth telling of a request; where it has faults and `is_strict`, raise.

        *Raises* InvalidRequestError.
        """
        # What was parsed of a body stays in there: an error's traceback would keep it, 70 MB at worst.
        faults, notes = self._compare(operation, call, path, request, remarks)
        if faults and is_strict:
            is_cut = len(request.body or b"") > ALL_FAULTS_BYTES
            raise self._refusal(operation, faults, is_cut=is_cut)
        if faults:
            told = listed(map(str, faults), _SENT_FAULTS_CHARS)
            notes.insert(0, f" was sent though it does not fit its schema. {told}")
        for note in notes:
            remarks.add(f"{operation.method} {operation.path}{note}")

    def _compare(
        self, operation: Operation, call: Call, path: CallPath, request: ApiRequest, remarks: Remarks
    ) -> tuple[tuple[Fault, ...], list[str]]:
        """Return the faults of a request, and what is to be noted of it after its name."""
        given = given_parameters(operation, call, path, self._components)
        notes = [f": {text}." for text in given.coerced]
        size = len(request.body or b"")
        if request.body is not None:
            try:
                given.values["body"] = msgspec.json.decode(request.body)
            except (msgspec.DecodeError, RecursionError):
                return (_UNREADABLE,), notes
        faults = self._validation.faults(operation, given.values, size)
        if request.body is not None and not operation.has_body:
            faults = (_UNDECLARED, *faults)
        elif size <= ALL_FAULTS_BYTES and "body" in given.values:
            notes += self._read_only_notes(operation, request, given.values["body"], remarks)
        return faults, notes

    def _read_only_notes(
        self, operation: Operation, request: ApiRequest, body: JsonValue, remarks: Remarks
    ) -> Iterator[str]:
        """Yield the read-only fields of a body, only those that were changed where the run has read it."""
        fields = self._validation.read_only_fields(operation, body)
        before = _decoded(remarks.read(request.target)) if operation.method is Method.PUT else None
        changed = [each for each in fields if before is None or not _is_same(body, before, each)]
        if changed:
            names = listed((place(("body", *each)) for each in changed), _PLACES_CHARS)
            what = "" if before is None else ", which you changed since you read it"
            yield f" ignores what is read-only{what}: {names}."

    def _refusal(self, operation: Operation, faults: Sequence[Fault], *, is_cut: bool) -> InvalidRequestError:
        fact = f"{operation.method} {cut_foreign(operation.path, 120)} was not sent."
        unknown = [each.where.partition(".")[2] for each in faults if each.where.startswith("query.")]
        if paging := paging_hint(operation, unknown):
            fact = f"{fact} {paging}"
        more = "There may be more" if len(faults) >= FAULTS_FOUND else ""
        if is_cut:
            more = "The body is long: there may be more"
        return InvalidRequestError(
            _message(fact, faults, more),
            faults=tuple(each.fields() for each in faults),
            signature=self.signature(operation),
            hint=_HINT,
        )

    def signature(self, operation: Operation) -> str:
        """Return what an operation takes, on one line, in as much detail as fits."""
        text = ""
        for detail in _DETAILS:
            text = _signature(operation, Signature(self._components, detail, is_request=True))
            if len(text) <= SIGNATURE_CHARS:
                return text
        return cut_foreign(text, SIGNATURE_CHARS)


def _signature(operation: Operation, types: Signature) -> str:
    parts = [f"{operation.method} {operation.path}"]
    for where in ("path", "query", "header"):
        fields: dict[str, tuple[JsonValue, bool]] = {
            each.name: (each.schema, each.required) for each in operation.parameters if each.place == where
        }
        if fields:
            parts.append(f"{where}: {on_one_line(types.fields(fields))}")
    if operation.has_body:
        optional = "" if operation.is_body_required else "?"
        parts.append(f"body{optional}: {on_one_line(types.type_text(operation.body_schema))}")
    return " ".join(parts)


def _message(fact: str, faults: Sequence[Fault], more: str) -> str:
    """Return the fact with as many faults as fit; the rest is counted."""
    text = f"{fact} {_sentence(faults[0])}"
    told = 1
    for each in faults[1:]:
        longer = f"{text} {_sentence(each)}"
        if len(longer) > MESSAGE_CHARS - 60:
            break
        text, told = longer, told + 1
    left = len(faults) - told
    if left:
        text += f" And {left} more, in faults."
    return f"{text} {more}." if more else text


def _sentence(each: Fault) -> str:
    text = str(each)
    return text if text.endswith(("?", "…")) else f"{text}."


def _decoded(answer: bytes | None) -> JsonValue:
    if answer is None:
        return None
    try:
        decoded: JsonValue = msgspec.json.decode(answer)
    except (msgspec.DecodeError, RecursionError):
        return None
    return decoded


def _is_same(body: JsonValue, before: JsonValue, path: Sequence[str | int]) -> bool:
    """Tell whether a place holds the same in both; absent in one of them it does not."""
    return _pick(body, path) == _pick(before, path)


def _pick(value: JsonValue, path: Sequence[str | int]) -> list[JsonValue]:
    """Return what stands in a place, [] where nothing does."""
    for step in path:
        held = _held(value, step)
        if not held:
            return []
        value = held[0]
    return [value]


def _held(value: JsonValue, step: str | int) -> list[JsonValue]:
    if isinstance(value, dict) and isinstance(step, str):
        return [value[step]] if step in value else []
    if isinstance(value, list) and isinstance(step, int):
        return value[step : step + 1]
    return []
