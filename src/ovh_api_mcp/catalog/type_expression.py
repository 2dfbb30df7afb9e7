"""The language of types in OVH's schemas, such as `map[string][]iam.resource.TagFilter`.

    type      = "map[" type "]" type | "[]" type | reference *"[]" | type ":" type
    reference = name ["<" type *("," type) ">"]

`left:right` is an alias: what a value means, and what it is made of. No I/O, no models: what a
name stands for is for schemas.py to know. Expressions are hostile, so their length, their depth
and what a substitution may grow to are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from ovh_api_mcp.limits import TYPE_CHARS, TYPE_DEPTH, TYPE_PARTS, TYPES_CACHED

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


class TypeSyntaxError(ValueError):
    """A text is no type expression; the message says where."""


@dataclass(frozen=True, slots=True)
class Named:
    """A primitive, a model, a type variable, or a generic model with its arguments."""

    name: str
    arguments: tuple[TypeExpression, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}<{','.join(map(str, self.arguments))}>" if self.arguments else self.name


@dataclass(frozen=True, slots=True)
class Array:
    """A list of `item`."""

    item: TypeExpression

    def __str__(self) -> str:
        item = self.item
        while isinstance(item, Array):
            item = item.item
        return f"{self.item}[]" if isinstance(item, Named) else f"[]{self.item}"


@dataclass(frozen=True, slots=True)
class Map:
    """An object with keys and values of given types."""

    key: TypeExpression
    value: TypeExpression

    def __str__(self) -> str:
        return f"map[{self.key}]{self.value}"


@dataclass(frozen=True, slots=True)
class Alias:
    """A `base` that goes by the name of `meaning`: coreTypes.AccountId:string."""

    meaning: str
    base: TypeExpression

    def __str__(self) -> str:
        return f"{self.meaning}:{self.base}"


TypeExpression: TypeAlias = Named | Array | Map | Alias


@lru_cache(maxsize=TYPES_CACHED)
def parse_type(text: str) -> TypeExpression:
    """Return what `text` says; raises TypeSyntaxError."""
    if len(text) > TYPE_CHARS:
        raise TypeSyntaxError(f"it has {len(text):,} characters, at most {TYPE_CHARS} are read")
    reader = _Reader(text)
    expression = reader.type()
    if reader.position != len(text):
        raise TypeSyntaxError(f"nothing is expected at character {reader.position + 1}")
    return expression


def substitute(expression: TypeExpression, variables: Mapping[str, TypeExpression]) -> TypeExpression:
    """Return `expression` with type variables replaced; raises TypeSyntaxError when it grows too large."""
    replaced = _substitute(expression, variables)
    if _size(replaced) > TYPE_PARTS:
        raise TypeSyntaxError(f"with its variables replaced it has more than {TYPE_PARTS} parts")
    return replaced


def _substitute(expression: TypeExpression, variables: Mapping[str, TypeExpression]) -> TypeExpression:
    match expression:
        case Named(name, ()):
            return variables.get(name, expression)
        case Named(name, arguments):
            return Named(name, tuple(_substitute(each, variables) for each in arguments))
        case Array(item):
            return Array(_substitute(item, variables))
        case Map(key, value):
            return Map(_substitute(key, variables), _substitute(value, variables))
        case Alias(meaning, base):
            return Alias(meaning, _substitute(base, variables))


def _size(expression: TypeExpression) -> int:
    match expression:
        case Named(_, arguments):
            return 1 + sum(map(_size, arguments))
        case Array(item):
            return 1 + _size(item)
        case Map(key, value):
            return 1 + _size(key) + _size(value)
        case Alias(_, base):
            return 1 + _size(base)


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.position = 0
        self._text = text
        self._depth = 0

    def type(self) -> TypeExpression:
        self._depth += 1
        if self._depth > TYPE_DEPTH:
            raise TypeSyntaxError(f"it is nested more than {TYPE_DEPTH} deep")
        start = self.position
        expression = self._unaliased()
        if self._take(":"):
            expression = Alias(self._text[start : self.position - 1], self.type())
        self._depth -= 1
        return expression

    def _unaliased(self) -> TypeExpression:
        if self._take("map["):
            key = self.type()
            self._expect("]")
            return Map(key, self.type())
        if self._take("[]"):
            return Array(self.type())
        expression: TypeExpression = self._reference()
        arrays = 0
        while self._take("[]"):
            expression = Array(expression)
            arrays += 1
            if arrays > TYPE_DEPTH:
                raise TypeSyntaxError(f"it is nested more than {TYPE_DEPTH} deep")
        return expression

    def _reference(self) -> Named:
        found = _NAME.match(self._text, self.position)
        if found is None:
            raise TypeSyntaxError(f"a name is expected at character {self.position + 1}")
        self.position = found.end()
        if not self._take("<"):
            return Named(found[0])
        arguments = [self.type()]
        while self._take(","):
            arguments.append(self.type())
        self._expect(">")
        return Named(found[0], tuple(arguments))

    def _take(self, token: str) -> bool:
        if not self._text.startswith(token, self.position):
            return False
        self.position += len(token)
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise TypeSyntaxError(f"{token!r} is expected at character {self.position + 1}")
