"""What the rules on risk look at, out of an operation object and the components it leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.catalog.risk import Facts
from ovh_api_mcp.json_value import JsonObject, JsonValue

_BODY_DEPTH: Final = 2
_ANSWER_DEPTH: Final = 3
_NESTED: Final = ("items", "additionalProperties")
_NESTED_LISTS: Final = ("anyOf", "allOf", "oneOf")
_LEADING_ON: Final = frozenset(("$ref", "properties", *_NESTED, *_NESTED_LISTS))


class FactFinder:
    """Finds the facts of operations of one document; the names in a component are found once."""

    def __init__(self, components: Mapping[str, JsonObject], paths: Iterable[str]) -> None:
        self._components = components
        self._known: dict[tuple[str, int, bool], frozenset[str]] = {}
        above = (path.rpartition("/") for path in paths)
        self._collections = {parent for parent, _, last in above if last.startswith("{")}

    def facts(self, method: str, path: str, operation: JsonObject) -> Facts:
        """Return the facts of an operation."""
        body = _schema_of(operation.get("requestBody"))
        answer = _answer_schema(operation)
        return Facts(
            method=method,
            path=path.lower(),
            text=f"{operation.get('summary', '')} {operation.get('description', '')}".lower(),
            body=self._names(body, _BODY_DEPTH, may_be_set=True),
            fields=self._names(answer, _ANSWER_DEPTH),
            answer=_type_name(answer),
            is_collection=path in self._collections,
        )

    def _names(self, schema: JsonObject, depth: int, *, may_be_set: bool = False) -> frozenset[str]:
        names: set[str] = set()
        self._collect(names, schema, depth, may_be_set=may_be_set)
        return frozenset(names)

    def _collect(self, names: set[str], schema: JsonObject, depth: int, *, may_be_set: bool) -> None:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            component = reference.removeprefix(REFERENCE_PREFIX)
            names |= self._of_component(component, depth, may_be_set=may_be_set)
        properties = schema.get("properties")
        if isinstance(properties, dict) and depth:
            for name, each in properties.items():
                if isinstance(each, dict) and not (may_be_set and each.get("readOnly")):
                    names.add(name.lower())
                    if _is_password(each):
                        names |= {f"{name.lower()}:password", "*:password"}
                    if not _LEADING_ON.isdisjoint(each):
                        self._collect(names, each, depth - 1, may_be_set=may_be_set)
        for nested in _nested(schema):
            self._collect(names, nested, depth, may_be_set=may_be_set)

    def _of_component(self, name: str, depth: int, *, may_be_set: bool) -> frozenset[str]:
        key = (name, depth, may_be_set)
        if key not in self._known:
            self._known[key] = frozenset()  # a component within itself adds nothing
            schema = self._components.get(name, {})
            self._known[key] = self._names(schema, depth, may_be_set=may_be_set)
        return self._known[key]


def _nested(schema: JsonObject) -> list[JsonObject]:
    if _LEADING_ON.isdisjoint(schema):
        return []
    found: list[JsonValue] = [schema[key] for key in _NESTED if key in schema]
    for key in _NESTED_LISTS:
        if isinstance(several := schema.get(key), list):
            found += several
    return [each for each in found if isinstance(each, dict)]


def _is_password(schema: JsonObject) -> bool:
    return schema.get("format") == "password" or any(map(_is_password, _nested(schema)))


def _answer_schema(operation: JsonObject) -> JsonObject:
    responses = operation.get("responses")
    if isinstance(responses, dict):
        for status, response in responses.items():
            if status.startswith("2") and (schema := _schema_of(response)):
                return schema
    return {}


def _schema_of(holder: JsonValue) -> JsonObject:
    match holder:
        case {"content": {"application/json": {"schema": dict() as schema}}}:
            return schema
    return {}


def _type_name(schema: JsonObject) -> str:
    match schema:
        case {"$ref": str() as reference}:
            return reference.removeprefix(REFERENCE_PREFIX).lower()
        case {"type": "array", "items": dict() as items}:
            return f"{_type_name(items)}[]"
        case {"format": "password"}:
            return "password"
        case {"type": str() as name}:
            return name
    return "any" if schema else "void"
