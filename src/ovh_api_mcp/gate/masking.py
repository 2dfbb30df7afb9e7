"""Values that are secrets by name or schema, in bodies that people are shown or that are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.gate.request_schema import Components
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.secret import MASK

_SECRET_NAME: Final = re.compile(
    r"pass(word|phrase|wd)|secret|token|credential|otp|pin.?code|(private|api|access|consumer|shared|security).?key",
    re.IGNORECASE,
)
_NONE: Final[frozenset[str]] = frozenset()


def is_secret_name(name: str, hidden: frozenset[str] = _NONE) -> bool:
    """Tell whether a field of this name, or one of `hidden`, holds what nobody should see."""
    return name in hidden or _SECRET_NAME.search(name) is not None


def masked(value: JsonValue, hidden: frozenset[str] = _NONE) -> JsonValue:
    """Return a value in which those of such fields are masked."""
    match value:
        case dict():
            return {
                name: MASK if is_secret_name(name, hidden) else masked(each, hidden)
                for name, each in value.items()
            }
        case list():
            return [masked(each, hidden) for each in value]
    return value


def secret_fields(schemas: Iterable[JsonObject], components: Components) -> frozenset[str]:
    """Return the names of the fields whose format is a password, in schemas and all that they lead to."""
    names: set[str] = set()
    seen: set[str] = set()
    pending: list[JsonValue] = [*schemas]
    while pending:
        schema = pending.pop()
        if isinstance(schema, list):
            pending += schema
        if not isinstance(schema, dict):
            continue
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            pending.append(components(reference.removeprefix(REFERENCE_PREFIX)))
        properties = schema.get("properties")
        if isinstance(properties, dict):
            names |= {name for name, each in properties.items() if any(map(_is_password, _forms(each)))}
            pending += properties.values()
        pending += [each for name, each in schema.items() if name in _LEADS_ON]
    return frozenset(names)


_LEADS_ON: Final = frozenset({"items", "additionalProperties", "anyOf", "oneOf", "allOf"})


def _forms(schema: JsonValue) -> Iterator[JsonObject]:
    """Yield a field's schema, its choices, and those of what it lists or maps to."""
    pending = [schema]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            yield each
            pending += [part for name, part in each.items() if name in _LEADS_ON]
        elif isinstance(each, list):
            pending += each


def _is_password(schema: JsonObject) -> bool:
    return schema.get("format") == "password"
