"""JSON Schema as types that a model reads: TypeScript's, two levels deep, in few characters.

Names of models stand where the types below them are not spelled out: at the last level, and where
a model is inside itself. Enums are inlined and long ones cut. Text of OVH's is put on one line and
cut. Pure but for the look-up of components that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.json_value import JsonObject, JsonValue

# The component schema of a name; {} where there is none.
Components = Callable[[str], JsonObject]

_INDENT: Final = "  "
_MORE: Final = " more"
_IDENTIFIER: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")
_EXAMPLES: Final[Mapping[str, str]] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::7",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "name@example.com",
    "duration": "P1D",
}
_EXAMPLE_DEPTH: Final = 8  # of required fields; the deepest real body has 6


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is shown: levels of objects, values of an enum, fields of an object, notes of fields."""

    levels: int
    enum_values: int
    fields: int
    note_chars: int  # 0: none


@dataclass(frozen=True, slots=True)
class Signature:
    """Writes types of one catalogue; `is_request` leaves out what only answers have."""

    components: Components
    detail: Detail
    is_request: bool

    def type_text(self, schema: JsonValue) -> str:
        """Return the type of a schema, on several lines where it has fields."""
        return self._type(schema, self.detail.levels, "", ())

    def fields(self, fields: Mapping[str, tuple[JsonValue, bool]], indent: str = "") -> str:
        """Return an object type of fields: name, schema, whether it is required; required ones first."""
        ordered = sorted(fields.items(), key=lambda field: not field[1][1])
        return self._object(ordered, self.detail.levels - 1, indent, ())

    # --- types ------------------------------------------------------------------------------------

    def _type(self, schema: JsonValue, levels: int, indent: str, inside: tuple[str, ...]) -> str:
        if not isinstance(schema, dict):
            return "any"
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._reference(reference.removeprefix(REFERENCE_PREFIX), levels, indent, inside)
        for word in ("anyOf", "oneOf"):
            choices = schema.get(word)
            # With a type beside it, the choices only say more of that: formats of a text, for example.
            if isinstance(choices, list) and "type" not in schema:
                texts = dict.fromkeys(self._type(each, levels, indent, inside) for each in choices)
                return " | ".join(f"({each})" if each.endswith(_MORE) else each for each in texts)
        values = schema.get("enum")
        if isinstance(values, list):
            return self._enum(values) + _other_kind(schema, values)
        return self._plain(schema, levels, indent, inside)

    def _reference(self, name: str, levels: int, indent: str, inside: tuple[str, ...]) -> str:
        schema = self.components(name)
        if name in inside or (levels <= 0 and _properties(schema)):
            return cut_foreign(name)  # in full: ovh.resolve takes it
        return self._type(schema, levels, indent, (*inside, name)) if schema else cut_foreign(name)

    def _plain(self, schema: JsonObject, levels: int, indent: str, inside: tuple[str, ...]) -> str:
        given = schema.get("type")
        kinds = given if isinstance(given, list) else [given]
        texts = (self._kind(str(kind), schema, levels, indent, inside) for kind in kinds)
        return " | ".join(dict.fromkeys(texts))

    def _kind(self, kind: str, schema: JsonObject, levels: int, indent: str, inside: tuple[str, ...]) -> str:
        match kind:
            case "array":
                item = self._type(schema.get("items"), levels, indent, inside)
                return (
                    f"({item})[]" if " | " in item.partition("{")[0] or item.endswith("null") else f"{item}[]"
                )
            case "object":
                return self._object_type(schema, levels, indent, inside)
            case "string":
                known = schema.get("format") or schema.get("x-ovh-type")
                return f"string<{cut_foreign(str(known), 30)}>" if known else "string"
            case "integer" | "number" | "boolean" | "null":
                return kind
            case _:
                return cut_foreign(str(schema.get("x-ovh-type", "any")), 60)

    def _object_type(self, schema: JsonObject, levels: int, indent: str, inside: tuple[str, ...]) -> str:
        properties = _properties(schema)
        if not properties:
            values = schema.get("additionalProperties")
            return (
                f"{{ [key: string]: {self._type(values, levels, indent, inside)} }}" if values else "object"
            )
        if levels <= 0:
            return "object"
        required = _required(schema)
        shown = {
            name: (each, name in required)
            for name, each in (_writable(schema) if self.is_request else properties).items()
        }
        ordered = sorted(shown.items(), key=lambda field: self.is_request and not field[1][1])
        return self._object(ordered, levels - 1, indent, inside)

    def _object(
        self,
        fields: list[tuple[str, tuple[JsonValue, bool]]],
        levels: int,
        indent: str,
        inside: tuple[str, ...],
    ) -> str:
        if not fields:
            return "{}"
        within = indent + _INDENT
        lines = [
            within + self._field(name, schema, levels, within, inside, is_required=is_required)
            for name, (schema, is_required) in fields[: self.detail.fields]
        ]
        left = len(fields) - len(lines)
        if left:
            lines.append(f"{within}… {left} more fields")
        return "\n".join(["{", *lines, f"{indent}}}"])

    def _field(
        self,
        name: str,
        schema: JsonValue,
        levels: int,
        indent: str,
        inside: tuple[str, ...],
        *,
        is_required: bool,
    ) -> str:
        optional = "?" if self.is_request and not is_required else ""
        text = f"{_field_name(name)}{optional}: {self._type(schema, levels, indent, inside)}"
        note = schema.get("description") if isinstance(schema, dict) else None
        if self.detail.note_chars and isinstance(note, str) and note:
            text += f"  // {cut_foreign(note, self.detail.note_chars)}"
        return text

    def _enum(self, values: list[JsonValue]) -> str:
        shown = [_literal(each) for each in values[: self.detail.enum_values]]
        left = len(values) - len(shown)
        return " | ".join([*shown, f"… {left}{_MORE}"] if left else shown)


def _other_kind(schema: JsonObject, values: list[JsonValue]) -> str:
    """Return what OVH calls the values of an enum that are texts, and meant as something else: long."""
    kind = schema.get("x-ovh-type")
    is_told = isinstance(kind, str) and kind not in ("string", "") and all(isinstance(v, str) for v in values)
    return f" /* {cut_foreign(str(kind), 30)} */" if is_told else ""


# --- examples -------------------------------------------------------------------------------------


def example_value(schema: JsonValue, components: Components, depth: int = _EXAMPLE_DEPTH) -> JsonValue:
    """Return a made-up value of the type, with the fields that are required, or else with one."""
    schema = _resolved(schema, components)
    values = schema.get("enum")
    if isinstance(values, list) and values:
        return values[0]
    match next(iter(_kinds(schema)), ""):
        case "object":
            writable, required = _writable(schema), _required(schema)
            needed = [name for name in writable if name in required] or [*writable][:1]
            return {
                name: example_value(writable[name], components, depth - 1) for name in needed if depth > 0
            }
        case "array":
            return [example_value(schema.get("items"), components, depth - 1)] if depth > 0 else []
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return _EXAMPLES.get(str(schema.get("format", "")), "…")


def _resolved(schema: JsonValue, components: Components) -> JsonObject:
    """Return the schema behind references and a choice with null; {} where that does not end."""
    for _ in range(_EXAMPLE_DEPTH + 1):
        if not isinstance(schema, dict):
            return {}
        choices = schema.get("anyOf", schema.get("oneOf"))
        if isinstance(choices, list) and choices:
            schema = choices[0]
        elif isinstance(schema.get("$ref"), str):
            schema = components(str(schema["$ref"]).removeprefix(REFERENCE_PREFIX))
        else:
            return schema
    return {}


def _kinds(schema: JsonObject) -> Iterator[str]:
    kinds = schema.get("type")
    yield from (each for each in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(each, str))


def _properties(schema: JsonObject) -> JsonObject:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _writable(schema: JsonObject) -> JsonObject:
    """Return the fields that a request may set; all of them where every one is said to be read only."""
    properties = _properties(schema)
    writable = {
        name: each
        for name, each in properties.items()
        if not (isinstance(each, dict) and each.get("readOnly"))
    }
    return writable or properties


def _required(schema: JsonObject) -> list[JsonValue]:
    required = schema.get("required")
    return required if isinstance(required, list) else []


def _field_name(name: str) -> str:
    plain = bool(name) and not name[0].isdigit() and _IDENTIFIER.issuperset(name)
    return name if plain else _literal(cut_foreign(name, 80))


def _literal(value: JsonValue) -> str:
    return cut_foreign(msgspec.json.encode(value).decode(), 80)
