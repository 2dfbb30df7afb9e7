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
from typing import Any

JSON_TYPES = {
    **dict.fromkeys(("string", "text", "password", "uuid", "date", "datetime", "time", "duration"), "string"),
    **dict.fromkeys(("ip", "ipv4", "ipv6", "ipBlock", "ipv4Block", "ipv6Block", "ipInterface"), "string"),
    **dict.fromkeys(("macAddress", "phoneNumber", "internationalPhoneNumber"), "string"),
    "long": "integer",
    "double": "number",
    "boolean": "boolean",
}
FORMATS = {"uuid": "uuid", "date": "date", "datetime": "date-time", "password": "password"}
_PREFIX = "#/components/schemas/"


@dataclass(frozen=True)
class NativeOperation:
    service: str
    path: str
    method: str
    native: dict[str, Any]
    models: dict[str, Any] = field(repr=False)


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


class Comparison:
    """Compares native types with schemas of one document; remembers the models it has been through."""

    def __init__(self, components: dict[str, Any]) -> None:
        self.components = components
        self.faults: list[str] = []
        self._seen: set[tuple[str, str, str]] = set()

    def type(
        self, service: str, models: dict[str, Any], native: str, schema: dict[str, Any], at: str
    ) -> None:
        """Compare one native type, such as map[string]X[], with its schema."""
        native = native.partition(":")[2] or native
        schema = {key: value for key, value in schema.items() if key not in ("description", "readOnly")}
        if native.startswith("map["):
            key, _, value = native[4:].partition("]")
            names = schema.get("propertyNames")
            if key == "string":
                self._expect(names is None, at, "keys are free")
            else:
                self.type(service, models, key, names or {}, f"{at} keys")
            self._expect(schema["type"] == "object", at, "is an object")
            self.type(service, models, value, schema["additionalProperties"], f"{at} values")
        elif native.startswith("[]"):
            self._expect(schema["type"] == "array", at, "is an array")
            self.type(service, models, native[2:], schema["items"], f"{at}[]")
        elif native.endswith("[]"):
            self._expect(schema.get("type") == "array", at, "is an array")
            self.type(service, models, native[:-2], schema["items"], f"{at}[]")
        elif native == "any":
            self._expect(schema == {}, at, "may be anything")
        elif native in JSON_TYPES:
            self._expect(schema.get("type") == JSON_TYPES[native], at, f"is {native}: {schema}")
            self._expect(schema.get("format") == FORMATS[native] if native in FORMATS else True, at, native)
        else:
            self._model(service, models, native, schema, at)

    def _model(
        self, service: str, models: dict[str, Any], native: str, schema: dict[str, Any], at: str
    ) -> None:
        reference = schema.get("$ref", "")
        self._expect(reference.startswith(_PREFIX), at, f"refers to {native}, not {schema}")
        name = reference.removeprefix(_PREFIX)
        legal = re.sub(r"[<\[\]>,]+", "_", native).rstrip("_")
        self._expect(name == legal or name.startswith(f"{legal}-v"), at, f"refers to {native}, not {name}")
        if (service, native, name) in self._seen:
            return
        self._seen.add((service, native, name))
        model, variables = self._resolve(models, native)
        component = self.components[name]
        if "enum" in model:
            self._expect(component["enum"] == model["enum"], native, "has the same values in the same order")
            kinds = {type(value).__name__ for value in model["enum"]}
            self._expect(
                {"str": "string", "int": "integer"}[kinds.pop()] == component["type"], native, "type"
            )
            return
        properties = component.get("properties", {})
        self._expect(list(properties) == list(model["properties"]), native, "has the same properties")
        required = [key for key, each in model["properties"].items() if each["required"]]
        self._expect(component.get("required", []) == required, native, f"requires {required}")
        for key, each in model["properties"].items():
            self._property(service, models, each, variables, properties[key], f"{service} {native}.{key}")

    def _property(
        self,
        service: str,
        models: dict[str, Any],
        native: dict[str, Any],
        variables: dict[str, str],
        schema: dict[str, Any],
        at: str,
    ) -> None:
        self._expect(schema.get("readOnly", False) == native["readOnly"], at, "readOnly")
        text = re.sub(r"\b[A-Z]\b", lambda found: variables.get(found[0], found[0]), native["type"])
        bare = dict(schema)
        if native["canBeNull"] and text != "any":
            if "anyOf" in bare and {"type": "null"} in bare["anyOf"]:
                bare = next(each for each in bare["anyOf"] if each != {"type": "null"})
            else:
                self._expect(bare["type"][1:] == ["null"], at, "may be null")
                bare["type"] = bare["type"][0]
        self.type(service, models, text, bare, at)

    def _resolve(self, models: dict[str, Any], native: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Return a model and what its type variables stand for."""
        base, bracket, rest = native.partition("<")
        if not bracket:
            return models[native], {}
        template = models.get(native) or next(models[key] for key in models if key.startswith(f"{base}<"))
        return template, {template["generics"][0]: rest[:-1]}

    def _expect(self, holds: bool, at: str, what: str) -> None:
        if not holds:
            self.faults.append(f"{at}: {what}")
