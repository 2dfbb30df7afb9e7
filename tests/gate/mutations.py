"""Calls of every operation made from OVH's native schemas, and the same with one thing wrong.

Nothing of the program is used to make them: types and models are read as the oracle of the
conversion reads them. The same random source gives the same calls.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from tests.catalog.native_examples import Examples
from tests.catalog.native_oracle import (
    JSON_TYPES,
    NativeOperation,
    NativeType,
    find_model,
    type_of,
    with_variables,
)

Kind = Literal["required field dropped", "wrong type", "misspelt name", "outside the enum"]
KINDS: tuple[Kind, ...] = ("required field dropped", "wrong type", "misspelt name", "outside the enum")
TEXTS = frozenset({"string", "text", "password", "phoneNumber", "internationalPhoneNumber"})
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class NativeCall:
    """What a script would give to ovh.request, its body apart as it arrives at the gate."""

    arguments: dict[str, Any]
    body: bytes | None

    @classmethod
    def of(cls, arguments: dict[str, Any], body: object) -> NativeCall:
        return cls(arguments, json.dumps(body).encode())


@dataclass(frozen=True)
class Mutation:
    """A call with one thing wrong in the place `name`; `right` are the words one of which must be told."""

    kind: Kind
    name: str
    right: tuple[str, ...]
    call: NativeCall


@dataclass(frozen=True)
class Place:
    """One value of a call: where, its native type, and what the schema says of its name there."""

    steps: Steps
    text: str
    is_named: bool  # a declared field or query parameter, not an element of a list or a map
    is_required: bool
    is_nullable: bool


class NativeCalls:
    """Makes right and wrong calls of one operation."""

    def __init__(self, operation: NativeOperation, random: Random) -> None:
        self._operation = operation
        self._random = random
        self._examples = Examples(operation.models, random)

    def right(self) -> NativeCall:
        return _call(self._operation, self._request())

    def wrong(self, each_kind: int = 1) -> Iterator[Mutation]:
        """Yield up to so many mutations of each kind, each of an example of its own."""
        for kind in KINDS:
            for _ in range(each_kind):
                request = self._request()
                places = [place for place in self._places(request) if self._can(kind, place)]
                if places:
                    yield self._mutation(kind, self._random.choice(places), copy.deepcopy(request))

    # --- right ----------------------------------------------------------------------------------

    def _request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"path": {}, "query": {}}
        for name in self._operation.undeclared():
            request["path"][name.removeprefix("path ")] = "x"
        for key, native in self._operation.parameters().items():
            place, _, name = key.partition(" ")
            if place == "path":
                request["path"][name] = self._path_value(type_of(native))
            elif place == "query" and (native["required"] or self._random.random() < 0.8):
                request["query"][name] = self._examples.right(type_of(native))
        if self._operation.body():
            request["body"] = self._examples.body(self._operation.body())
        return request

    def _path_value(self, text: str) -> object:
        while True:
            value = self._examples.right(text)
            if value != "":
                return value

    # --- places ---------------------------------------------------------------------------------

    def _places(self, request: dict[str, Any]) -> list[Place]:
        found: list[Place] = []
        for key, native in self._operation.parameters().items():
            where, _, name = key.partition(" ")
            if where in request and name in request[where]:
                is_query = where == "query"
                steps = (where, name)
                found.append(
                    Place(steps, type_of(native), is_query, is_query and native["required"], is_query)
                )
                found += self._inside(type_of(native), request[where][name], steps)
        fields = self._operation.body()
        if fields and "name" not in fields[0]:
            found += self._inside(type_of(fields[0]), request["body"], ("body",))
        for each in fields:
            if "name" in each and each["name"] in request["body"]:
                steps = ("body", each["name"])
                found.append(Place(steps, type_of(each), True, each["required"], False))
                found += self._inside(type_of(each), request["body"][each["name"]], steps)
        return found

    def _inside(self, text: str, value: object, steps: Steps) -> Iterator[Place]:
        native = NativeType.of(text)
        if isinstance(value, list) and native.kind == "list":
            for number, each in enumerate(value):
                yield Place((*steps, number), native.item, False, False, False)
                yield from self._inside(native.item, each, (*steps, number))
        elif isinstance(value, dict) and native.kind == "map":
            for key, each in value.items():
                yield Place((*steps, key), native.item, False, False, False)
                yield from self._inside(native.item, each, (*steps, key))
        elif isinstance(value, dict) and native.kind == "name" and native.name != "any":
            yield from self._properties(native.name, value, steps)

    def _properties(self, name: str, value: dict[str, Any], steps: Steps) -> Iterator[Place]:
        model, variables = find_model(self._operation.models, name)
        # A field that is only read may hold anything, but in a model of nothing else it is no such field.
        is_mixed = self._operation.method == "PUT" or not all(
            each["readOnly"] for each in model["properties"].values()
        )
        for key, each in model["properties"].items():
            if key in value and not (each["readOnly"] and is_mixed):
                text = with_variables(type_of(each), variables)
                yield Place((*steps, key), text, True, each["required"], each["canBeNull"])
                yield from self._inside(text, value[key], (*steps, key))

    # --- wrong ----------------------------------------------------------------------------------

    def _can(self, kind: Kind, place: Place) -> bool:
        match kind:
            case "required field dropped":
                return place.is_required
            case "misspelt name":
                return place.is_named
            case "outside the enum":
                return bool(self._values(place.text))
            case "wrong type":
                base = self._base(place.text)
                return base != "any" and (place.steps[0] == "body" or base not in TEXTS)

    def _base(self, text: str) -> str:
        native = NativeType.of(text)
        if native.kind != "name":
            return native.kind
        if native.name in JSON_TYPES or native.name == "any":
            return native.name
        return "enum" if self._values(text) else "object"

    def _values(self, text: str) -> list[object]:
        native = NativeType.of(text)
        if native.kind != "name" or native.name in JSON_TYPES or native.name == "any":
            return []
        return list(find_model(self._operation.models, native.name)[0].get("enum", []))

    def _mutation(self, kind: Kind, place: Place, request: dict[str, Any]) -> Mutation:
        holder: Any = request
        for step in place.steps[:-1]:
            holder = holder[step]
        last = place.steps[-1]
        name = next((step for step in reversed(place.steps) if isinstance(step, str)), "")
        right: tuple[str, ...] = (str(name),)
        match kind:
            case "required field dropped":
                del holder[last]
            case "misspelt name":
                misspelt = self._misspelt(str(last), holder)
                holder[misspelt] = holder.pop(last)
            case "outside the enum":
                values = self._values(place.text)
                holder[last] = self._misspelt(str(self._random.choice(values)), [str(one) for one in values])
                right = tuple(str(one) for one in values)
            case "wrong type":
                holder[last] = self._of_another_type(place)
        return Mutation(kind, str(name), right, _call(self._operation, request))

    def _misspelt(self, name: str, taken: Any) -> str:
        """Return a name with a slip of the keyboard, or as another API would call it."""
        at = self._random.randrange(max(1, len(name)))
        ways = [
            name[:at] + name[at + 1 :],
            name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
            name[: at + 1] + name[at:],
            name[:at] + "q" + name[at + 1 :],
            name + "s",
            "".join(f"_{one.lower()}" if one.isupper() else one for one in name),
        ]
        self._random.shuffle(ways)
        return next((one for one in ways if one and one not in taken), f"{name}x")

    def _of_another_type(self, place: Place) -> object:
        is_text = place.steps[0] != "body"
        match self._base(place.text):
            case "long":
                choices: list[object] = ["many", "12 days", 1.5, True] + ([] if is_text else ["12", [], {}])
            case "double":
                choices = ["many", True] + ([] if is_text else ["1.5", []])
            case "boolean":
                choices = ["yes", "oui"] + ([] if is_text else ["true", 1, []])
            case "list":
                choices = [{"a": 1}] if is_text else ["x", 7, {}, True]
            case "map" | "object":
                choices = ["x", 7] if is_text else ["x", 7, [], True]
            case base if base in TEXTS:
                choices = [7, True, [], {}]
            case "enum":
                choices = [[["a"]], {"a": 1}] if not is_text else ["no such value"]
            case _:
                choices = ["x"] if is_text else [7, True, [], "x"]
        if place.steps[0] == "path":
            choices = [one for one in choices if not isinstance(one, list | dict)] or ["no such value"]
        return self._random.choice(choices)


def _call(operation: NativeOperation, request: dict[str, Any]) -> NativeCall:
    arguments = {"method": operation.method, "path": operation.path, "query": request["query"]}
    if request["path"]:
        arguments["params"] = request["path"]
    return NativeCall.of(arguments, request["body"]) if "body" in request else NativeCall(arguments, None)
