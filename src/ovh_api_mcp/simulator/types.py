"""Type expressions of the native format, resolved against the models of one service.

    string   coreTypes.AccountId:string   X[]   map[K]X   map[string][]X   complexType.UnitAndValue<long>

Nothing is guessed: a name without a model is `Anything`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.native import Model

INTEGER = "long"
_ADDRESSES = frozenset(
    {"ip", "ipv4", "ipv6", "ipInterface", "ipBlock", "ipv4Block", "ipv6Block", "macAddress"}
)
_TIMES = frozenset({"date", "datetime", "time", "duration"})
_WORDS = frozenset({"string", "text", "password", "uuid", "phoneNumber", "internationalPhoneNumber"})
SCALARS = _ADDRESSES | _TIMES | _WORDS | {INTEGER, "double", "boolean", "void"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts; `name` is one of `SCALARS`."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed set of values, in the type they travel in."""

    values: tuple[JsonValue, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array."""

    item: str


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with any keys, or those of an enumeration."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """A property of a model with its type parameters put in."""

    type_text: str
    is_nullable: bool
    is_read_only: bool
    is_required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known properties."""

    fields: dict[str, Field]


@dataclass(frozen=True, slots=True)
class Anything:
    """`any`, and names without a model."""


Type: TypeAlias = Scalar | Choice | ListOf | MapOf | Record | Anything


class Types:
    """The types of one service; each expression is resolved once."""

    def __init__(self, models: dict[str, Model]) -> None:
        self._models = models
        self._known: dict[str, Type] = {}

    def resolve(self, text: str) -> Type:
        """Return the type that `text` names."""
        if text not in self._known:
            self._known[text] = self._parse(text)
        return self._known[text]

    def record(self, text: str) -> Record | None:
        """Return the type that `text` names where it is an object with known properties."""
        found = self.resolve(text)
        return found if isinstance(found, Record) else None

    def _parse(self, text: str) -> Type:
        text = _without_alias(text)
        if text.startswith("map["):
            key, value = _split_map(text)
            return MapOf(key, value)
        if text.endswith("[]"):
            return ListOf(text[:-2])
        if text.startswith("[]"):
            return ListOf(text[2:])
        return Scalar(text) if text in SCALARS else self._named(text)

    def _named(self, name: str) -> Type:
        model, arguments = self._model(name)
        if model is None:
            return Anything()
        if model.enum is not None:
            as_number = model.enum_type == INTEGER
            return Choice(tuple(int(str(v)) if as_number else v for v in model.enum))
        return Record(
            {
                key: Field(_substitute(p.type_text, arguments), p.can_be_null, p.read_only, p.required)
                for key, p in (model.properties or {}).items()
            }
        )

    def _model(self, name: str) -> tuple[Model | None, dict[str, str]]:
        """Find a model and what its type parameters stand for; `X<long>` falls back to `X<T>`."""
        base, bracket, rest = name.partition("<")
        model = self._models.get(name)
        if model is None and bracket:
            model = next((m for key, m in self._models.items() if key.startswith(base + "<")), None)
        if model is None or not bracket:
            return model, {}
        return model, dict(zip(model.generics, _split_arguments(rest[:-1]), strict=False))


def _without_alias(text: str) -> str:
    """Cut `coreTypes.AccountId:` off `coreTypes.AccountId:string`."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] in "]>") - (text[at] in "[<")
        if text[at] == ":" and depth == 0:
            return text[at + 1 :]
    return text


def _split_map(text: str) -> tuple[str, str]:
    """Split `map[K]V` at the bracket that closes the key."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if char == "]" and depth == 0:
            return text[4:at], text[at + 1 :]
    return "string", "any"


def _split_arguments(text: str) -> list[str]:
    """Split `A,map[X,Y]B` at its outer commas."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "<[") - (char in ">]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _substitute(text: str, arguments: dict[str, str]) -> str:
    for parameter, argument in arguments.items():
        whole_word = rf"(?<![\w.]){re.escape(parameter)}(?![\w.])"
        text = re.sub(whole_word, argument.replace("\\", r"\\"), text)
    return text
