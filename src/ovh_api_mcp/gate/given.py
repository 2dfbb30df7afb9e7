"""What a call gives for each parameter, as the value that its operation declares.

Path, query and headers carry text, so a value may come as another JSON type than the declared one
and mean the same: "12" for an integer, 12 or true for a string, one value for a list of one. Such
coercions lose nothing; there are no others, and none in a body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Operation, ParameterPlace
from ovh_api_mcp.gate.call import Call
from ovh_api_mcp.gate.path import CallPath
from ovh_api_mcp.gate.request_schema import Components, kinds_of, place_of, resolved
from ovh_api_mcp.gate.routes import is_parameter
from ovh_api_mcp.gate.scalar import kind_of, scalar_text
from ovh_api_mcp.json_value import JsonObject, JsonValue

_INTEGER: Final = re.compile(r"-?[0-9]{1,1000}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Given:
    """The values of a call by place and name, and what was coerced ("query.x was …")."""

    values: JsonObject
    coerced: list[str] = field(default_factory=list)


def given_parameters(operation: Operation, call: Call, path: CallPath, components: Components) -> Given:
    """Return the parameters of a call, without its body; null in query and headers counts as absent."""
    given = Given({})
    texts: dict[ParameterPlace, Iterator[tuple[str, JsonValue]]] = {
        "path": _path_values(operation.path, call.params, path),
        "query": _present(call.query),
        "header": ((name.lower(), value) for name, value in _present(call.headers)),
    }
    for place, values in texts.items():
        declared = {place_of(each)[1]: each.schema for each in operation.parameters if each.place == place}
        found: JsonObject = {}
        for name, value in values:
            found[name] = value
            if name in declared:
                typed = _typed(value, declared[name], components)
                found[name] = typed
                # A literal path is text, whatever its parameters are: nothing was coerced in it.
                if not (place == "path" and call.params is None) and _differ(value, typed):
                    given.coerced.append(f"{place}.{name} was {_kind(value)}, taken as {_kind(typed)}")
        given.values[place] = found
    return given


def _path_values(
    template: str, params: Mapping[str, JsonValue] | None, path: CallPath
) -> Iterator[tuple[str, JsonValue]]:
    """Yield each parameter of the operation's template with what the call has in its place."""
    for part, segment in zip(template[1:].split("/"), path.segments, strict=True):
        if is_parameter(part):
            is_named = params is not None and segment.parameter in params
            yield part[1:-1], params[segment.parameter] if params and is_named else segment.value


def _present(given: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    for name, value in given.items():
        if isinstance(value, list):
            yield name, [each for each in value if each is not None]
        elif value is not None:
            yield name, value


def _typed(value: JsonValue, schema: JsonValue, components: Components) -> JsonValue:
    """Return a value as the declared type where it can be that without loss, else as it is."""
    declared = resolved(schema, components)
    kinds = kinds_of(declared)
    if "array" in kinds:
        items = declared.get("items")
        elements = value if isinstance(value, list) else [value]
        return [_typed(each, items, components) for each in elements]
    if isinstance(value, str):
        return value if "string" in kinds else _typed_text(value, kinds)
    if kinds == {"string"} and isinstance(value, bool | int | float):
        return scalar_text(value)
    return value


def _differ(value: JsonValue, typed: JsonValue) -> bool:
    """Tell whether a value became another type, or an element of it did."""
    if isinstance(value, list) and isinstance(typed, list):
        return any(map(_differ, value, typed))
    return type(value) is not type(typed)


def _typed_text(text: str, kinds: frozenset[str]) -> JsonValue:
    if "integer" in kinds and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in kinds and _NUMBER.fullmatch(text):
        return float(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return _parsed(text) if "object" in kinds else text


def _parsed(text: str) -> JsonValue:
    """Return the object that a text is JSON of, else the text."""
    try:
        parsed: JsonValue = msgspec.json.decode(text) if text.startswith("{") else text
    except (msgspec.DecodeError, RecursionError):
        return text
    return parsed


def _kind(value: JsonValue) -> str:
    """Return what a value is; of a list that, and what its first element is."""
    if isinstance(value, list):
        return f"a list, its first element {_kind(value[0])}" if value else "a list"
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return "an integer" if is_integer else kind_of(value)
