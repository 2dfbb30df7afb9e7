"""Tells whether a JSON value satisfies a type, in words for the person who sent it."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import assert_never

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.types import Anything, Choice, ListOf, MapOf, Record, Scalar, Types


def find_fault(types: Types, type_text: str, value: JsonValue, where: str) -> str | None:
    """Return what is wrong with `value` as a `type_text`, None for nothing; `where` names it in the words.

    Read-only properties are not looked at: the API ignores them in what it is sent.
    """
    match types.resolve(type_text):
        case Scalar(name=name):
            return _scalar_fault(name, value, where)
        case Choice(values=values):
            # An enumeration of numbers is accepted as text too, as OVH's schemas write it.
            known = value in values or (isinstance(value, str) and value in map(str, values))
            return None if known and not isinstance(value, bool) else _choice_fault(values, value, where)
        case ListOf(item=item):
            if not isinstance(value, list):
                return _wrong_kind("an array", value, where)
            faults = (find_fault(types, item, v, f"{where}[{i}]") for i, v in enumerate(value))
            return next(filter(None, faults), None)
        case MapOf(value=item):
            if not isinstance(value, dict):
                return _wrong_kind("an object", value, where)
            faults = (find_fault(types, item, v, f"{where}.{k}") for k, v in value.items())
            return next(filter(None, faults), None)
        case Record() as record:
            return _record_fault(types, record, value, where)
        case Anything():
            return None
        case unexpected:
            assert_never(unexpected)


def _record_fault(types: Types, record: Record, value: JsonValue, where: str) -> str | None:
    if not isinstance(value, dict):
        return _wrong_kind("an object", value, where)
    for name, field in record.fields.items():
        inner = f"{where}.{name}"
        if field.is_read_only:
            continue
        if name not in value:
            if field.is_required:
                return f"[{inner}] Missing required property"
        elif value[name] is None:
            if not field.is_nullable and field.is_required:
                return f"[{inner}] Null given where a value is required"
        elif fault := find_fault(types, field.type_text, value[name], inner):
            return fault
    return None


def _choice_fault(values: tuple[JsonValue, ...], value: JsonValue, where: str) -> str:
    known = ", ".join(str(v) for v in values[:20])
    return f"[{where}] Given data ({_show(value)}) does not belong to the enumeration: {known}"


def _wrong_kind(expected: str, value: JsonValue, where: str) -> str:
    return f"[{where}] Given data ({_show(value)}) is not {expected}"


def _show(value: JsonValue) -> str:
    return cut_foreign(str(value), 60)


def _scalar_fault(name: str, value: JsonValue, where: str) -> str | None:
    if name == "void":
        return None
    if name in _PLAIN:
        kinds, words = _PLAIN[name]
        fits = isinstance(value, kinds) and (name == "boolean" or not isinstance(value, bool))
        return None if fits else _wrong_kind(words, value, where)
    if not isinstance(value, str):
        return _wrong_kind("a string", value, where)
    try:
        _PARSERS.get(name, str)(value)
    except ValueError:
        return _wrong_kind(f"valid for type {name}", value, where)
    return None


_PLAIN: dict[str, tuple[tuple[type, ...], str]] = {
    "long": ((int,), "an integer"),
    "double": ((int, float), "a number"),
    "boolean": ((bool,), "a boolean"),
}
_PARSERS: dict[str, Callable[[str], object]] = {
    "uuid": uuid.UUID,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "ip": ipaddress.ip_address,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "ipInterface": ipaddress.ip_interface,
    "ipBlock": lambda text: ipaddress.ip_network(text, strict=False),
    "ipv4Block": lambda text: ipaddress.IPv4Network(text, strict=False),
    "ipv6Block": lambda text: ipaddress.IPv6Network(text, strict=False),
}
