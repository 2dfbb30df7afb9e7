"""What a request of one operation may hold, as one JSON Schema to compile.

    {"path": {…}, "query": {…}, "header": {…}, "body": …}

The document describes answers and requests by the same models. Here they are read as requests:

- an object takes the fields that it declares and no others;
- a read-only field may be there and hold anything: scripts write back what they have read, and the
  API ignores it; so may one that only the model which a GET of the same path answers has. Where all
  fields of an object are said to be that, and it cannot have been read before, none is;
- numbers that OVHcloud writes as text in an enum pass as numbers too;
- a choice with null is written as a condition, so that a fault is told of the value, not the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.catalog.model import Method, Operation, Parameter
from ovh_api_mcp.gate.formats import ASSERTED
from ovh_api_mcp.json_value import JsonObject, JsonValue

Components = Callable[[str], JsonObject]
"""Returns the component schema of a name as it stands in the document; {} where there is none."""

PLACES: Final = ("path", "query", "header")
_REFERENCES: Final = 8  # that follow each other without anything between; the real catalogue has 1
_NULL: Final[JsonObject] = {"type": "null"}


@dataclass(frozen=True, slots=True)
class RequestSchema:
    """The schema, whether there are read-only fields in it, and which of those only a GET declares."""

    schema: JsonObject
    has_read_only: bool
    answered: frozenset[str]


def request_schema(
    operation: Operation, components: Components, answered: JsonObject | None = None
) -> RequestSchema:
    """Return the schema of an operation's requests, with the components that it leads to.

    `answered` is the schema of what a GET answers where the operation is the PUT of the same path.
    """
    converter = _Converter(components, is_written_back=operation.method is Method.PUT)
    properties: JsonObject = {place: converter.parameters(operation, place) for place in PLACES}
    beyond: frozenset[str] = frozenset()
    if operation.has_body:
        beyond = _answered_alone(operation, answered, components) if answered else beyond
        properties["body"] = converter.body(operation.body_schema, beyond)
    schema: JsonObject = {"type": "object", "properties": properties}
    if operation.is_body_required:
        schema["required"] = ["body"]
    schema["components"] = {"schemas": converter.closure()}
    return RequestSchema(schema, converter.has_read_only or bool(beyond), beyond)


def _answered_alone(operation: Operation, answer: JsonObject, components: Components) -> frozenset[str]:
    """Return the read-only fields of an answer that the model which is written back does not have."""
    if "$ref" not in operation.body_schema:
        return frozenset()  # fields by name are no model, and the API refuses others
    taken = properties_of(resolved(operation.body_schema, components))
    answered = properties_of(resolved(answer, components)) if taken else {}
    return frozenset(name for name, each in answered.items() if name not in taken and is_read_only(each))


def place_of(parameter: Parameter) -> tuple[str, str]:
    """Return where in a request a parameter stands; names of headers are in lower case."""
    name = parameter.name.lower() if parameter.place == "header" else parameter.name
    return parameter.place, name


def resolved(schema: JsonValue, components: Components) -> JsonObject:
    """Return the schema behind references and a choice with null; {} where that does not end."""
    for _ in range(_REFERENCES):
        if not isinstance(schema, dict):
            return {}
        reference, choices = schema.get("$ref"), schema.get("anyOf")
        if isinstance(reference, str):
            schema = components(reference.removeprefix(REFERENCE_PREFIX))
        elif isinstance(choices, list) and "type" not in schema:
            schema = next((each for each in choices if each != _NULL), None)
        else:
            return schema
    return {}


def kinds_of(schema: JsonObject) -> frozenset[str]:
    """Return the JSON types that a schema takes; empty where it takes any."""
    kinds = schema.get("type")
    return frozenset(
        each for each in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(each, str)
    )


def properties_of(schema: JsonObject) -> JsonObject:
    """Return the declared fields of an object."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def is_read_only(schema: JsonValue) -> bool:
    """Tell whether a field is only ever answered."""
    return isinstance(schema, dict) and schema.get("readOnly") is True


def writable_names(schema: JsonObject) -> list[str]:
    """Return the fields of an object that a request may set; all of them where every one is read-only."""
    properties = properties_of(schema)
    return [name for name, each in properties.items() if not is_read_only(each)] or [*properties]


class _Converter:
    def __init__(self, components: Components, *, is_written_back: bool) -> None:
        self.has_read_only = False
        self._is_written_back = is_written_back
        self._components = components
        self._seen: set[str] = set()
        self._pending: list[str] = []

    def parameters(self, operation: Operation, place: str) -> JsonObject:
        """Return the object of an operation's parameters in one place."""
        declared = {place_of(each)[1]: each for each in operation.parameters if each.place == place}
        schema: JsonObject = {
            "type": "object",
            "properties": {name: self.schema(each.schema) for name, each in declared.items()},
            "required": [name for name, each in declared.items() if each.required],
        }
        if place == "query":
            schema["additionalProperties"] = False
        return schema

    def body(self, schema: JsonObject, beyond: frozenset[str]) -> JsonObject:
        """Return the schema of a body, which may hold the fields `beyond` its model."""
        if not beyond:
            return self.schema(schema)
        model = self.schema(resolved(schema, self._components))
        return {**model, "properties": {**properties_of(model), **{name: {} for name in sorted(beyond)}}}

    def closure(self) -> JsonObject:
        """Return the components that everything so far leads to."""
        converted: JsonObject = {}
        while self._pending:
            name = self._pending.pop()
            converted[name] = self.schema(self._components(name))
        return converted

    def schema(self, schema: JsonValue) -> JsonObject:
        if not isinstance(schema, dict):
            return {}
        reference, choices, values = schema.get("$ref"), schema.get("anyOf"), schema.get("enum")
        if isinstance(reference, str):
            return self._reference(reference)
        if isinstance(choices, list):
            return self._choice(schema, choices)
        if isinstance(values, list):
            return _enum(schema, values)
        return self._plain(schema)

    def _reference(self, reference: str) -> JsonObject:
        name = reference.removeprefix(REFERENCE_PREFIX)
        if name not in self._seen:
            self._seen.add(name)
            self._pending.append(name)
        return {"$ref": reference}

    def _choice(self, schema: JsonObject, choices: list[JsonValue]) -> JsonObject:
        if "type" in schema:  # the formats of a text
            return {"type": schema["type"], "format": "ip"}
        others = [each for each in choices if each != _NULL]
        if len(others) == len(choices) or len(others) != 1:
            return {"anyOf": [self.schema(each) for each in choices]}
        return {"if": _NULL, "else": self.schema(others[0])}

    def _plain(self, schema: JsonObject) -> JsonObject:
        converted: JsonObject = {
            word: schema[word] for word in ("type", "pattern") if isinstance(schema.get(word), str | list)
        }
        if schema.get("format") in ASSERTED:
            converted["format"] = schema["format"]
        for word in ("items", "additionalProperties", "propertyNames"):
            if word in schema:
                converted[word] = self.schema(schema[word])
        properties = properties_of(schema)
        if properties:
            converted.update(self._object(schema, properties))
        return converted

    def _object(self, schema: JsonObject, properties: JsonObject) -> JsonObject:
        read_only = {name for name, each in properties.items() if is_read_only(each)}
        if len(read_only) == len(properties) and not self._is_written_back:
            read_only = set()
        self.has_read_only = self.has_read_only or bool(read_only)
        required = schema.get("required")
        return {
            "properties": {
                name: {} if name in read_only else self.schema(each) for name, each in properties.items()
            },
            "required": [
                name
                for name in dict.fromkeys(map(str, required if isinstance(required, list) else []))
                if name not in read_only
            ],
            "additionalProperties": False,
        }


def _enum(schema: JsonObject, values: list[JsonValue]) -> JsonObject:
    """Return an enum without its type: a value of another type would be told of twice."""
    return {"enum": [*values, *_numbers(values)] if schema.get("x-ovh-type") == "long" else values}


def _numbers(values: list[JsonValue]) -> Iterator[int]:
    for value in values:
        if isinstance(value, str) and value.removeprefix("-").isdecimal():
            yield int(value)
