"""Makes a value for a type: the same seed gives the same value, and every value satisfies its type."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import assert_never

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator.conformance import find_fault
from ovh_api_mcp.simulator.types import Anything, Choice, Field, ListOf, MapOf, Record, Scalar, Types

_FULL_DEPTH = 3  # objects inside objects that are filled as if they were the outermost
_HEALTHY = frozenset({"ok", "ready", "active", "available", "enabled", "up", "running", "done", "validated"})
_DEPTH = 6  # below it only what a type cannot do without: models may hold themselves


class ValueMaker:
    """Makes values for the types of one service."""

    def __init__(self, types: Types) -> None:
        self._types = types

    def make(self, type_text: str, seed: str, name: str = "", depth: int = 0) -> JsonValue:
        """Return a value of `type_text`; `name` is that of the property it is for, a hint for words."""
        number = _number(seed)
        match self._types.resolve(type_text):
            case Scalar(name=scalar):
                return _scalar(scalar, name, number)
            case Choice(values=values):
                return _choose(values, number)
            case ListOf(item=item):
                seeds = [f"{seed}/{i}" for i in range(_length(number, depth))]
                return [self.make(item, each, name, depth + 1) for each in seeds]
            case MapOf(key=key, value=value):
                return self._map(key, value, seed, depth)
            case Record(fields=fields):
                return self._record(fields, seed, depth)
            case Anything():
                return f"{name or 'value'}-{number % 1000}"
            case unexpected:
                assert_never(unexpected)

    def complete(
        self, type_text: str, given: JsonValue, seed: str, name: str = "", *, is_made_up: bool = False
    ) -> JsonValue:
        """Return `given` with all that `type_text` needs beside it; what does not fit the type is made anew.

        Properties that `given` lacks are null or empty where they may be; with `is_made_up` they
        hold what `make` would have put there.
        """
        match self._types.resolve(type_text), given:
            case Record(fields=fields), dict():
                return self._complete_record(fields, given, seed, is_made_up=is_made_up)
            case ListOf(item=item), list():
                return [self.complete(item, each, f"{seed}/{i}", name) for i, each in enumerate(given)]
            case MapOf(value=value), dict():
                return {k: self.complete(value, each, f"{seed}/{k}", k) for k, each in given.items()}
            case Choice(values=values), _:
                return next((v for v in values if str(v) == str(given)), self.make(type_text, seed, name))
            case Anything(), _:
                return given
            case _:
                fits = find_fault(self._types, type_text, given, name) is None
                return given if fits else self.make(type_text, seed, name)

    def _complete_record(
        self, fields: dict[str, Field], given: JsonObject, seed: str, *, is_made_up: bool
    ) -> JsonObject:
        completed: JsonObject = {}
        for name, field in fields.items():
            inner = f"{seed}/{name}"
            value = given.get(name)
            if value is not None:
                completed[name] = self.complete(field.type_text, value, inner, name)
            elif is_made_up and name not in given:
                completed[name] = self._field(field, inner, name, 0)
            else:
                completed[name] = self._blank(field, inner, name)
        return completed

    def _blank(self, field: Field, seed: str, name: str) -> JsonValue:
        if field.is_nullable:
            return None
        match self._types.resolve(field.type_text):
            case ListOf():
                return []
            case MapOf():
                return {}
            case _:
                return self.make(field.type_text, seed, name, 1)

    def _field(self, field: Field, seed: str, name: str, depth: int) -> JsonValue:
        if field.is_nullable and (depth > _FULL_DEPTH or _number(seed) % 8 == 0):
            return None
        return self.make(field.type_text, seed, name, depth + 1)

    def _record(self, fields: dict[str, Field], seed: str, depth: int) -> JsonObject:
        made: JsonObject = {}
        for name, field in fields.items():
            if depth <= _DEPTH or field.is_required:
                made[name] = self._field(field, f"{seed}/{name}", name, depth)
        return made

    def _map(self, key: str, value: str, seed: str, depth: int) -> JsonObject:
        if depth > _DEPTH:
            return {}
        found = self._types.resolve(key)
        keys = [str(v) for v in found.values[:2]] if isinstance(found, Choice) else ["practice"]
        return {k: self.make(value, f"{seed}/{k}", k, depth + 1) for k in keys}


def _choose(values: tuple[JsonValue, ...], number: int) -> JsonValue:
    """Return a value of an enumeration: that of a healthy thing, where there is one."""
    healthy = next((value for value in values if str(value).lower() in _HEALTHY), None)
    return healthy if healthy is not None or not values else values[number % len(values)]


def _length(number: int, depth: int) -> int:
    if depth == 0:
        return 2 + number % 2
    return 1 if depth <= _FULL_DEPTH else 0


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=6).digest())


def _scalar(scalar: str, name: str, number: int) -> JsonValue:
    maker = _SCALARS.get(scalar)
    return _word(name, number) if maker is None else maker(number)


_SCALARS: dict[str, Callable[[int], JsonValue]] = {
    "void": lambda n: None,
    "long": lambda n: 1 + n % 10_000,
    "double": lambda n: (n % 10_000) / 100,
    "boolean": lambda n: n % 2 == 0,
    "uuid": lambda n: str(uuid.uuid5(uuid.NAMESPACE_OID, str(n))),
    "date": lambda n: f"2026-{1 + n % 12:02d}-{1 + n // 12 % 28:02d}",
    "datetime": lambda n: f"2026-{1 + n % 12:02d}-{1 + n // 12 % 28:02d}T{n // 336 % 24:02d}:30:00+00:00",
    "time": lambda n: f"{n % 24:02d}:30:00",
    "duration": lambda n: f"P{1 + n % 30}D",
    "ip": lambda n: f"203.0.113.{1 + n % 254}",
    "ipv4": lambda n: f"203.0.113.{1 + n % 254}",
    "ipv6": lambda n: f"2001:db8::{1 + n % 65_000:x}",
    "ipInterface": lambda n: f"203.0.113.{1 + n % 254}/24",
    "ipBlock": lambda n: f"198.51.100.{16 * (n % 16)}/28",
    "ipv4Block": lambda n: f"198.51.100.{16 * (n % 16)}/28",
    "ipv6Block": lambda n: f"2001:db8:{n % 65_000:x}::/48",
    "macAddress": lambda n: f"02:00:00:00:{n % 256:02x}:{n // 256 % 256:02x}",
    "phoneNumber": lambda n: f"+3319900{n % 10_000:04d}",
    "internationalPhoneNumber": lambda n: f"+3319900{n % 10_000:04d}",
    "password": lambda n: f"practice-{n % 10_000}",
}

_WORDS: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("email", lambda n: f"person-{n % 1000}@example.com"),
    ("url", lambda n: f"https://www.example.com/practice/{n % 1000}"),
    ("urn", lambda n: f"urn:v1:eu:resource:simulated:practice-{n % 1000}"),
    ("region", lambda n: ("GRA11", "SBG5", "BHS5", "WAW1")[n % 4]),
    ("version", lambda n: f"{1 + n % 4}.{n % 10}"),
    ("servicename", lambda n: f"service-{n % 1000}.example.net"),
    ("id", lambda n: hashlib.blake2b(str(n).encode(), digest_size=16).hexdigest()),
)


def _word(name: str, number: int) -> str:
    """Return a text that looks like what a property of that name holds."""
    lower = name.lower()
    maker = next((make for ending, make in _WORDS if lower.endswith(ending)), None)
    return f"{name or 'text'}-{number % 1000}" if maker is None else maker(number)
