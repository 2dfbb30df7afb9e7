"""What scripts ask of the catalogue: the operations for words, and what there is to know of one.

Contract: arguments come from a script, or from a hostile child in its place. Whatever they are, the
answer is a value or a RefusedError that says what would be right; nothing else of the catalogue
is touched, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.describe import describe_operation
from ovh_api_mcp.catalog.find import Found, find_operations
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.refusal import nearest_names, quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.outcome import ScriptCall

_OPTIONS: Final = ("limit", "service", "method", "status")
_OPTIONS_TEXT: Final = "Options: limit, service, method, status."
_FIND_EXAMPLE: Final = 'ovh.find("reboot a vps", { limit: 5 })'
_DESCRIBE_EXAMPLE: Final = 'ovh.describe("GET /v1/vps/{serviceName}")'
_FIND_LIMIT: Final = 10
# What the option is called elsewhere.
_OTHER_NAMES: Final = {
    "max": "limit", "count": "limit", "top": "limit", "size": "limit", "n": "limit", "maxresults": "limit",
    "pagesize": "limit", "tag": "service", "tags": "service", "root": "service", "api": "service",
    "product": "service", "prefix": "service", "verb": "method", "httpmethod": "method", "type": "method",
    "lifecycle": "status", "state": "status", "stability": "status", "deprecated": "status",
}  # fmt: skip


class UnknownOperation(Protocol):
    """What is needed of a gate: the words for a path that names no operation."""

    def no_operation(self, method: Method, path: str) -> RefusedError:
        """Return the refusal, which names the nearest operations."""
        ...


class Lookups:
    """Answers lookups in one catalogue, in some milliseconds each; may be used by several threads."""

    def __init__(self, file: CatalogFile, gate: UnknownOperation) -> None:
        self._file = file
        self._gate = gate

    def answer(self, call: ScriptCall) -> JsonValue:
        """Return what a lookup gives; *Raises* RefusedError, CatalogError `cache-unusable`."""
        if call.kind == "find":
            return self._find(call.arguments.get("words"), call.arguments.get("options"))
        return self._describe(call.arguments.get("operations"))

    def _find(self, words: JsonValue, options: JsonValue) -> JsonValue:
        given = _parse_options(options)
        if not isinstance(words, str):
            fact = "ovh.find was given no words" if words is None else f"words is {kind_of(words)}"
            raise _wrong(f"{fact}; it takes a text and then options: {_FIND_EXAMPLE}.", _FIND_EXAMPLE)
        filters = {name: _parse_text(name, given.get(name)) for name in ("service", "method", "status")}
        if not words.strip() and not any(filters.values()):
            raise _wrong(
                f"ovh.find was given an empty text: say what you look for, {_FIND_EXAMPLE}.", _FIND_EXAMPLE
            )
        found = find_operations(self._file, words, limit=_parse_limit(given.get("limit")), **filters)
        return [_shown(each) for each in found]

    def _describe(self, operations: JsonValue) -> JsonValue:
        if not isinstance(operations, list):
            return self._described(operations)
        if len(operations) > limits.DESCRIBED_AT_ONCE:
            raise _wrong(
                f"ovh.describe was given {len(operations):,} operations; "
                f"it takes {limits.DESCRIBED_AT_ONCE} at once.",
                "Describe the few that you may call.",
            )
        texts: list[JsonValue] = []
        errors: list[RefusedError] = []
        for each in operations:
            try:
                texts.append(self._described(each))
            except RefusedError as error:
                errors.append(error)
                texts.append(f"Not described: {error.message}")
        if errors and len(errors) == len(operations):
            raise errors[0]
        return texts

    def _described(self, operation: JsonValue) -> str:
        text = _operation_text(operation)
        try:
            return describe_operation(self._file, text)
        except RefusedError as error:
            if error.code != "unknown-operation":
                raise
            method, _, path = text.strip().rpartition(" ")
            known = method.upper() in Method.__members__
            raise self._gate.no_operation(Method(method.upper()) if known else Method.GET, path) from error


def _shown(found: Found) -> JsonObject:
    return {
        "method": found.method.value,
        "path": found.path,
        "summary": found.summary,
        "status": found.status.value,
        "service": found.service,
        "risk": [*found.labels],
    }


def _operation_text(operation: JsonValue) -> str:
    """Return the text of an operation, which may also be what ovh.find gave."""
    match operation:
        case str():
            return operation
        case {"method": str() as method, "path": str() as path}:
            return f"{method} {path}"
        case {"method": _}:
            pass  # of another type, which is not to pass for a path alone
        case {"path": str() as path}:
            return path
    fact = "ovh.describe was given nothing" if operation is None else f"An operation is {kind_of(operation)}"
    raise _wrong(
        f"{fact}; it takes a text, or an array of texts: {_DESCRIBE_EXAMPLE}. What ovh.find gives will do.",
        _DESCRIBE_EXAMPLE,
    )


def _parse_options(options: JsonValue) -> Mapping[str, JsonValue]:
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise _wrong(
            f"The options of ovh.find are {kind_of(options)}; they must be an object: {_FIND_EXAMPLE}.",
            _OPTIONS_TEXT,
        )
    for name in options:
        if name not in _OPTIONS:
            bare = "".join(c for c in name[:32].lower() if c.isalnum())
            meant = _OTHER_NAMES.get(bare) or next(iter(nearest_names(name, _OPTIONS)), "")
            rule = f"here it is called {meant}." if meant else "ovh.find has no such option."
            raise _wrong(f"Unknown option {quoted(name)}: {rule} {_OPTIONS_TEXT}", _OPTIONS_TEXT)
    return options


def _parse_limit(value: JsonValue) -> int:
    """Return how many operations are wanted; find_operations has the most that it gives."""
    if value is None:
        return _FIND_LIMIT
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= limits.FIND_FOUND:
        return value
    fact = (
        str(value)[:20] if isinstance(value, int | float) and not isinstance(value, bool) else kind_of(value)
    )
    raise _wrong(
        f"limit is {fact}; it must be a whole number from 1 to {limits.FIND_FOUND}, such as limit: 5.",
        "Give limit: 5.",
    )


def _parse_text(name: str, value: JsonValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _wrong(f"{name} is {kind_of(value)}; it must be a text.", _OPTIONS_TEXT)


def _wrong(message: str, hint: str) -> RefusedError:
    return refusal("invalid-call", message, hint=hint)
