"""From the types and models of one service to JSON Schema 2020-12.

References are kept as the names that the service itself uses; which component they become is
decided by components.py, once all services are known. Generic models are instantiated for the
arguments they are used with; the templates themselves are no components.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ovh_api_mcp.catalog.native import EnumValue, NativeModel, NativeParameter, NativeProperty
from ovh_api_mcp.catalog.type_expression import (
    Alias,
    Array,
    Map,
    Named,
    TypeExpression,
    TypeSyntaxError,
    parse_type,
    substitute,
)
from ovh_api_mcp.errors import CatalogError, cut_foreign
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import GENERIC_MODELS

# The length of a block's prefix may be left out: the API takes an address for a block of one.
_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4_BLOCK: Final = rf"{_OCTET}(\.{_OCTET}){{3}}(/(3[0-2]|[12]?[0-9]))?"
_IPV6_BLOCK: Final = "[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"
PRIMITIVES: Final[Mapping[str, JsonObject]] = {
    "any": {},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "double": {"type": "number"},
    "duration": {"type": "string", "format": "duration"},
    "email": {"type": "string", "format": "email"},
    "float": {"type": "number"},
    "internationalPhoneNumber": {"type": "string", "format": "phone-number"},
    "ip": {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    "ipBlock": {"type": "string", "pattern": f"^({_IPV4_BLOCK}|{_IPV6_BLOCK})$"},
    "ipInterface": {"type": "string", "pattern": f"^({_IPV4_BLOCK}|{_IPV6_BLOCK})$"},
    "ipv4": {"type": "string", "format": "ipv4"},
    "ipv4Block": {"type": "string", "pattern": f"^{_IPV4_BLOCK}$"},
    "ipv6": {"type": "string", "format": "ipv6"},
    "ipv6Block": {"type": "string", "pattern": f"^{_IPV6_BLOCK}$"},
    "long": {"type": "integer"},
    "macAddress": {"type": "string", "pattern": "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$"},
    "password": {"type": "string", "format": "password"},
    "phoneNumber": {"type": "string", "format": "phone-number"},
    "string": {"type": "string"},
    "text": {"type": "string"},
    # Not format "time": that wants an offset from UTC, which OVH's times have not.
    "time": {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"},
    "uuid": {"type": "string", "format": "uuid"},
}


@dataclass(slots=True)
class Reference:
    """One `$ref` in a schema; `node["$ref"]` is set once the name of its component is known."""

    model: str
    node: JsonObject


@dataclass(slots=True)
class Component:
    """A model as JSON Schema, with the references in it in a fixed order."""

    schema: JsonObject
    references: list[Reference] = field(default_factory=list)


def is_void(type_text: str | None) -> bool:
    """Tell whether a type says that there is no value."""
    return type_text in (None, "", "void")


def component_name(model: str) -> str:
    """Return a legal component name for a model, in the manner of OVH's exporter: A<long> is A_long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", model.replace("[]", "_array")).strip("_") or "_"


class ServiceSchemas:
    """Converts the types that the operations of one service use, then its models.

    `references` holds those in operations; each component holds its own. Methods raise
    CatalogError `schema-invalid`.
    """

    def __init__(self, service: str, models: Mapping[str, NativeModel]) -> None:
        self.service = service
        self.components: dict[str, Component] = {}
        self.references: list[Reference] = []
        self._models = models
        self._templates = _templates(models)
        self._pending: list[str] = []
        self._instances = 0
        self._sink = self.references

    def complete(self) -> None:
        """Convert every model of the service, and the generic ones that are in use; call it last."""
        for name, model in self._models.items():
            if "<" not in name:
                self._convert(name, model, {})
            elif not _is_template(name, model):
                self._pending.append(name)
        while self._pending:
            name = self._pending.pop()
            if name not in self.components:
                self._instantiate(name)

    def schema(self, type_text: str) -> JsonObject:
        """Return the schema of a type that an operation uses."""
        self._sink = self.references
        return self._schema(self._parse(type_text))

    def parameter(self, parameter: NativeParameter) -> JsonObject:
        """Return the schema of a parameter's or a whole body's type."""
        return self.schema(parameter.full_type or parameter.data_type)

    def body(self, fields: list[NativeParameter]) -> JsonObject:
        """Return the object that named body parameters make."""
        properties: JsonObject = {}
        for each in fields:
            properties[each.name or ""] = _described(self.parameter(each), each.description)
        return _object(properties, [each.name or "" for each in fields if each.required])

    def _convert(self, name: str, model: NativeModel, variables: Mapping[str, TypeExpression]) -> None:
        component = self.components[name] = Component({})
        self._sink = component.references
        is_enum = model.enum is not None
        schema = _enum(model) if is_enum else self._object(model.properties or {}, variables)
        if model.description and model.description != name:
            schema["description"] = model.description
        component.schema = schema

    def _object(
        self, properties: Mapping[str, NativeProperty], variables: Mapping[str, TypeExpression]
    ) -> JsonObject:
        converted: JsonObject = {}
        for name, each in properties.items():
            converted[name] = self._property(each, variables)
        return _object(converted, [name for name, each in properties.items() if each.required])

    def _property(self, native: NativeProperty, variables: Mapping[str, TypeExpression]) -> JsonObject:
        expression = self._parse(native.full_type or native.type)
        if variables:
            expression = self._substituted(expression, variables)
        schema = self._schema(expression)
        if native.can_be_null:
            schema = _nullable(schema)
        schema = _described(schema, native.description)
        if native.read_only:
            schema["readOnly"] = True
        return schema

    def _instantiate(self, name: str) -> None:
        self._instances += 1
        if self._instances > GENERIC_MODELS:
            raise self._invalid(name, f"more than {GENERIC_MODELS:,} generic models are in use")
        expression = self._parse(name)
        if not isinstance(expression, Named):
            raise self._invalid(name, "a generic model is a name with arguments")
        model = self._models.get(name) or self._templates[expression.name]
        generics = model.generics or ["T"]
        if len(generics) != len(expression.arguments):
            raise self._invalid(name, f"it has {len(generics)} type variables")
        self._convert(name, model, dict(zip(generics, expression.arguments, strict=True)))

    def _schema(self, expression: TypeExpression) -> JsonObject:
        match expression:
            case Named():
                return self._named(expression)
            case Array(item):
                return {"type": "array", "items": self._schema(item)}
            case Map(key, value):
                return self._map(key, value)
            case Alias(meaning, _) if meaning in PRIMITIVES:
                return dict(PRIMITIVES[meaning])
            case Alias(meaning, base):
                # In place: a copy of a reference would never learn its component.
                schema = self._schema(base)
                schema["x-ovh-type"] = meaning
                return schema

    def _named(self, expression: Named) -> JsonObject:
        name = str(expression)
        if name in PRIMITIVES and name not in self._models:
            return dict(PRIMITIVES[name])
        if not self._knows(expression):
            return {"x-ovh-type": name}
        if expression.arguments and name not in self.components:
            self._pending.append(name)
        node: JsonObject = {"$ref": component_name(name)}
        self._sink.append(Reference(name, node))
        return node

    def _knows(self, expression: Named) -> bool:
        if expression.arguments:
            return expression.name in self._templates
        return expression.name in self._models

    def _map(self, key: TypeExpression, value: TypeExpression) -> JsonObject:
        schema: JsonObject = {"type": "object"}
        if key == Named("long"):
            schema["propertyNames"] = {"pattern": "^-?[0-9]+$"}
        elif key != Named("string"):
            schema["propertyNames"] = self._schema(key)
        schema["additionalProperties"] = self._schema(value)
        return schema

    def _parse(self, type_text: str) -> TypeExpression:
        try:
            return parse_type(type_text)
        except TypeSyntaxError as error:
            raise self._invalid(type_text, str(error)) from error

    def _substituted(
        self, expression: TypeExpression, variables: Mapping[str, TypeExpression]
    ) -> TypeExpression:
        try:
            return substitute(expression, variables)
        except TypeSyntaxError as error:
            raise self._invalid(str(expression), str(error)) from error

    def _invalid(self, type_text: str, reason: str) -> CatalogError:
        return CatalogError(
            f"The schema of {self.service} has the type {cut_foreign(type_text, 80)!r}: {reason}.",
            code="schema-invalid",
        )


def _templates(models: Mapping[str, NativeModel]) -> dict[str, NativeModel]:
    """Return the generic models by name without arguments; A<T> goes before A<long>, which still says T."""
    generic = [(name, model) for name, model in models.items() if "<" in name]
    generic.sort(key=lambda each: not _is_template(*each))
    found: dict[str, NativeModel] = {}
    for name, model in generic:
        found.setdefault(name.partition("<")[0], model)
    return found


def _is_template(name: str, model: NativeModel) -> bool:
    return name.partition("<")[2] == f"{','.join(model.generics or ['T'])}>"


def _object(properties: JsonObject, required: list[str]) -> JsonObject:
    schema: JsonObject = {"type": "object"}
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = [*required]
    return schema


def _enum(model: NativeModel) -> JsonObject:
    """Return an enum with its values as they are; the type is theirs, since "3600" is found under long.

    Where OVH gives another type, it stands beside: the API then speaks of numbers.
    """
    values = model.enum or []
    names: list[JsonValue] = list(dict.fromkeys(map(_type_name, values)))
    unique: list[JsonValue] = list(_unique(values))
    if not unique:
        return {}
    schema: JsonObject = {"type": names[0] if len(names) == 1 else names, "enum": unique}
    declared = model.enum_type or ""
    if declared in PRIMITIVES and PRIMITIVES[declared].get("type") not in names:
        schema["x-ovh-type"] = declared
    return schema


def _unique(values: list[EnumValue]) -> Iterator[EnumValue]:
    seen: set[tuple[type, EnumValue]] = set()
    for value in values:
        if (type(value), value) not in seen:
            seen.add((type(value), value))
            yield value


def _type_name(value: EnumValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"


def _nullable(schema: JsonObject) -> JsonObject:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return schema


def _described(schema: JsonObject, description: str | None) -> JsonObject:
    if description:
        schema["description"] = description
    return schema
