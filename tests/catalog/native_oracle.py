"""A second opinion on what OVH's schemas say, which shares no code with the conversion.

It reads the native files as plain JSON and compares, place by place, what an OpenAPI schema makes
of each native type. What it finds wrong it returns as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Native = dict[str, Any]
Schema = dict[str, Any]

JSON_TYPES = {
    **dict.fromkeys(("string", "text", "password", "uuid", "date", "datetime", "time", "duration"), "string"),
    **dict.fromkeys(("ip", "ipv4", "ipv6", "ipBlock", "ipv4Block", "ipv6Block", "ipInterface"), "string"),
    **dict.fromkeys(("macAddress", "phoneNumber", "internationalPhoneNumber"), "string"),
    "long": "integer",
    "double": "number",
    "boolean": "boolean",
}
FORMATS = {
    "uuid": "uuid",
    "date": "date",
    "datetime": "date-time",
    "duration": "duration",
    "password": "password",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "phoneNumber": "phone-number",
    "internationalPhoneNumber": "phone-number",
}
PATTERNS = frozenset({"ipBlock", "ipv4Block", "ipv6Block", "ipInterface", "macAddress", "time"})
_PREFIX = "#/components/schemas/"
_ANNOTATIONS = frozenset({"description", "readOnly"})


@dataclass(frozen=True)
class NativeOperation:
    service: str
    path: str
    method: str
    native: Native
    models: dict[str, Any] = field(repr=False)

    def parameters(self) -> dict[str, Native]:
        """What does not go into the body, as "query page"."""
        given = self.native["parameters"]
        return {f"{each['paramType']} {each['name']}": each for each in given if each["paramType"] != "body"}

    def body(self) -> list[Native]:
        return [each for each in self.native["parameters"] if each["paramType"] == "body"]

    def undeclared(self) -> set[str]:
        in_path = {f"path {name}" for name in re.findall(r"\{(.*?)\}", self.path)}
        return in_path - self.parameters().keys()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class NativeCatalog:
    services: dict[str, dict[str, Any]]

    @classmethod
    def load(cls, directory: Path) -> NativeCatalog:
        services = {}
        for branch in ("v1", "v2"):
            for entry in json.loads((directory / branch / "index.json").read_bytes())["apis"]:
                path = directory / f"{branch}{entry['path']}.json"
                services[f"{branch}{entry['path']}"] = json.loads(path.read_bytes())
        return cls(services)

    def operations(self) -> Iterator[NativeOperation]:
        for service, schema in self.services.items():
            for api in schema.get("apis", []):
                for each in api["operations"]:
                    path = f"/{service[:2]}{api['path']}"
                    yield NativeOperation(service, path, each["httpMethod"], each, schema["models"])


@dataclass(frozen=True)
class NativeType:
    """One native type taken apart: a map of key and item, a list of item, or something with a name.

    `alias` is what a value means where the name does not say it, as in coreTypes.AccountId:string.
    """

    kind: Literal["map", "list", "name"]
    name: str = ""
    key: str = ""
    item: str = ""
    alias: str = ""

    @classmethod
    def of(cls, text: str) -> NativeType:
        alias, colon, base = text.partition(":")
        if colon:
            text, alias = (alias, "") if alias in JSON_TYPES else (base, alias)
        else:
            alias = ""
        if text.startswith("map["):
            key, _, value = text[4:].partition("]")
            return cls("map", key=key, item=value, alias=alias)
        if text.startswith("[]"):
            return cls("list", item=text[2:], alias=alias)
        if text.endswith("[]"):
            return cls("list", item=text[:-2], alias=alias)
        return cls("name", name=text, alias=alias)


def type_of(native: Native) -> str:
    """The type of a parameter or a property: the full one where it is given."""
    given: str = native.get("fullType") or native.get("dataType") or native["type"]
    return given


def find_model(models: dict[str, Any], name: str) -> tuple[Native, dict[str, str]]:
    """Return a model and what its type variables stand for."""
    base, bracket, rest = name.partition("<")
    if not bracket:
        return models[name], {}
    template = models.get(name) or next(models[key] for key in models if key.startswith(f"{base}<"))
    return template, {template["generics"][0]: rest[:-1]}


def with_variables(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\b[A-Z]\b", lambda found: variables.get(found[0], found[0]), text) if variables else text


class Comparison:
    """Compares native types with schemas of one document; remembers the models it has been through."""

    def __init__(self, components: dict[str, Any]) -> None:
        self.components = components
        self.faults: list[str] = []
        self.models: set[tuple[str, str, str]] = set()  # service, its model, the component that it is

    def type(self, service: str, models: dict[str, Any], text: str, schema: Schema, at: str) -> None:
        """Compare one native type, such as map[string]X[], with its schema."""
        native = NativeType.of(text)
        bare = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
        self._expect(bare.pop("x-ovh-type", "") == native.alias, at, f"means {native.alias or 'itself'}")
        match native.kind:
            case "map":
                self._map(service, models, native, bare, at)
            case "list":
                self._expect(bare.keys() == {"type", "items"} and bare["type"] == "array", at, "is an array")
                self.type(service, models, native.item, bare.get("items", {}), f"{at}[]")
            case "name" if native.name in JSON_TYPES:
                self._primitive(native.name, bare, at)
            case "name" if native.name == "any":
                self._expect(bare == {}, at, "may be anything")
            case "name":
                self._model(service, models, native.name, bare, at)

    def _map(self, service: str, models: dict[str, Any], native: NativeType, schema: Schema, at: str) -> None:
        keys = {"type", "additionalProperties"} | ({"propertyNames"} if native.key != "string" else set())
        self._expect(schema.keys() == keys and schema["type"] == "object", at, f"is a map of {native.key}")
        if native.key != "string":
            self.type(service, models, native.key, schema.get("propertyNames", {}), f"{at} keys")
        self.type(service, models, native.item, schema.get("additionalProperties", {}), f"{at} values")

    def _primitive(self, name: str, schema: Schema, at: str) -> None:
        expected: Schema = {"type": JSON_TYPES[name]}
        if name in FORMATS:
            expected["format"] = FORMATS[name]
        elif name == "ip":
            expected["anyOf"] = [{"format": "ipv4"}, {"format": "ipv6"}]
        elif name in PATTERNS:  # what they let through is for examples to show
            expected["pattern"] = schema.get("pattern")
        self._expect(schema == expected, at, f"is {name}: {schema}")

    def _model(self, service: str, models: dict[str, Any], native: str, schema: Schema, at: str) -> None:
        reference = schema.get("$ref", "")
        self._expect(
            schema.keys() == {"$ref"} and reference.startswith(_PREFIX),
            at,
            f"refers to {native}, not {schema}",
        )
        name = reference.removeprefix(_PREFIX)
        legal = re.sub(r"[<\[\]>,]+", "_", native).rstrip("_")
        self._expect(name == legal or name.startswith(f"{legal}-v"), at, f"refers to {native}, not {name}")
        if (service, native, name) in self.models or name not in self.components:
            return
        self.models.add((service, native, name))
        model, variables = find_model(models, native)
        component = self.components[name]
        text = model.get("description", "")
        said = component.get("description", "")
        self._expect(said == (text if text != native else ""), f"{service} {native}", "has the same text")
        if "enum" in model:
            self._enum(model, component, native)
        else:
            self._object(service, models, (model, variables), component, native)

    def _enum(self, model: Native, component: Schema, native: str) -> None:
        self._expect(component.get("enum") == model["enum"], native, "has the same values in the same order")
        kinds = {type(value).__name__ for value in model["enum"]}
        kind = {"str": "string", "int": "integer"}[kinds.pop()]
        self._expect(component.get("type") == kind and not kinds, native, f"is of type {kind}")
        declared = "" if JSON_TYPES[model["enumType"]] == kind else model["enumType"]
        self._expect(component.get("x-ovh-type", "") == declared, native, f"is declared {declared}")

    def _object(
        self,
        service: str,
        models: dict[str, Any],
        model: tuple[Native, dict[str, str]],
        component: Schema,
        native: str,
    ) -> None:
        given, variables = model[0]["properties"], model[1]
        properties = component.get("properties", {})
        self._expect(
            component.keys() <= {"type", "properties", "required", "description"}, native, "has nothing else"
        )
        self._expect(component.get("type") == "object", native, "is an object")
        self._expect(list(properties) == list(given), native, "has the same properties")
        required = [key for key, each in given.items() if each["required"]]
        self._expect(component.get("required", []) == required, native, f"requires {required}")
        for key, each in given.items():
            if key in properties:
                at = f"{service} {native}.{key}"
                self._property(service, models, each, variables, properties[key], at)

    def _property(
        self,
        service: str,
        models: dict[str, Any],
        native: Native,
        variables: dict[str, str],
        schema: Schema,
        at: str,
    ) -> None:
        self._expect(schema.get("readOnly", False) == native["readOnly"], at, "readOnly")
        self._expect(schema.get("description", "") == native.get("description", ""), at, "the same text")
        text = with_variables(type_of(native), variables)
        bare = dict(schema)
        if native["canBeNull"] and text != "any":
            if "anyOf" in bare and {"type": "null"} in bare["anyOf"]:
                bare = next(each for each in bare["anyOf"] if each != {"type": "null"})
            else:
                self._expect(
                    isinstance(bare["type"], list) and bare["type"][1:] == ["null"], at, "may be null"
                )
                bare["type"] = bare["type"][0] if isinstance(bare["type"], list) else bare["type"]
        self.type(service, models, text, bare, at)

    def _expect(self, holds: bool, at: str, what: str) -> None:
        if not holds:
            self.faults.append(f"{at}: {what}")
