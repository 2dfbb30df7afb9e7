"""Where the references of an OpenAPI document lead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SCHEMAS = "#/components/schemas/"


def references(value: object) -> Iterator[str]:
    """Yield every `$ref` in a part of a document."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def closure(value: object, components: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that a part of a document leads to, and no more; *Raises* KeyError."""
    found: dict[str, Any] = {}
    pending = [value]
    while pending:
        for reference in references(pending.pop()):
            name = reference.removeprefix(_SCHEMAS)
            if reference.startswith(_SCHEMAS) and name not in found:
                found[name] = components[name]
                pending.append(components[name])
    return found
