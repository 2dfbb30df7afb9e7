"""Conditions on the items of a list: { field: value | [values] | { gt: value } }.

The server judges them itself, so that they mean the same for every list; what v1 can judge, too, is
sent along so that less comes back. Source: X-Pagination-Filter of the v1 API, undocumented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.gate.refusal import quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of
from ovh_api_mcp.json_value import JsonValue

_NUMBER_CHARS: Final = 40
_Scalar = str | int | float | bool | None
_EXAMPLE: Final = 'filter: { fieldType: "A", ttl: { gt: 300 } }'


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them; `field` may be a way into an object: "currentState.status"."""

    field: str
    operator: str
    wanted: tuple[_Scalar, ...]

    def holds(self, item: Mapping[str, JsonValue]) -> bool:
        """Tell whether an item meets it; one without the field is as one with null."""
        value: JsonValue = item.get(self.field)
        if value is None and "." in self.field:
            value = _value_at(item, self.field)
        return _OPERATORS[self.operator](value, self.wanted)


@dataclass(frozen=True, slots=True)
class Filter:
    """All of them have to hold."""

    conditions: tuple[Condition, ...] = ()

    def lets_through(self, item: bytes) -> bool:
        """Tell whether an item, JSON text, meets every condition; what is no object meets none."""
        if not self.conditions:
            return True
        value: JsonValue = msgspec.json.decode(item)
        return isinstance(value, dict) and all(each.holds(value) for each in self.conditions)

    def header(self) -> str:
        """Return the conditions that v1 judges alike, as X-Pagination-Filter takes them; "" for none."""
        return "&".join(
            f"{quote(each.field, safe='')}:{each.operator}="
            + ",".join(quote(_as_text(wanted), safe="") for wanted in each.wanted)
            for each in self.conditions
            if each.operator in ("eq", "in") and "." not in each.field and _is_plain(each.wanted)
        )


def parse_filter(value: JsonValue) -> Filter:
    """Return the conditions that a script gave; *Raises* RefusedError."""
    if value is None:
        return Filter()
    if not isinstance(value, dict):
        raise _wrong(f"filter is {kind_of(value)}; it must be an object")
    if len(value) > limits.FILTER_FIELDS:
        raise _wrong(f"filter has {len(value)} fields; at most {limits.FILTER_FIELDS} are compared")
    conditions: list[Condition] = []
    for field, wanted in value.items():
        if isinstance(wanted, dict):
            conditions += [_condition(field, operator, each) for operator, each in wanted.items()]
        else:
            conditions.append(_condition(field, "in" if isinstance(wanted, list) else "eq", wanted))
    return Filter(tuple(conditions))


def _condition(field: str, operator: str, wanted: JsonValue) -> Condition:
    if operator not in _OPERATORS:
        known = ", ".join(_OPERATORS)
        raise _wrong(f"filter.{field[:60]} has the operator {quoted(operator)}; there are {known}")
    values = wanted if isinstance(wanted, list) and operator == "in" else [wanted]
    if not values or len(values) > limits.FILTER_FIELDS or any(isinstance(v, dict | list) for v in values):
        raise _wrong(
            f"filter.{field[:60]} must be a plain value, or 1 to {limits.FILTER_FIELDS} of them in an array"
        )
    return Condition(field, operator, tuple(v for v in values if not isinstance(v, dict | list)))


def _value_at(item: Mapping[str, JsonValue], way: str) -> JsonValue:
    value: JsonValue = dict(item)
    for name in way.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_equal(value: JsonValue, wanted: _Scalar) -> bool:
    """Compare as a person would: 300 is "300", but true is not 1."""
    if isinstance(value, dict | list):
        return False
    if isinstance(value, bool) or isinstance(wanted, bool) or value is None or wanted is None:
        return value is wanted or (value is not None and wanted is not None and _as_text(value) == wanted)
    return value == wanted or _as_text(value) == _as_text(wanted)


def _compared(value: JsonValue, wanted: _Scalar) -> int | None:
    """Return how two values are ordered, numbers by size and texts by letter; None where they are not."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return None
    if isinstance(value, int | float) != isinstance(wanted, int | float):  # 300 is "300"
        value = _number(value) if isinstance(value, str) else value
        wanted = _number(wanted) if isinstance(wanted, str) else wanted
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return (value > wanted) - (value < wanted)
    if isinstance(value, str) and isinstance(wanted, str):
        return (value > wanted) - (value < wanted)
    return None


def _number(text: str) -> float | None:
    try:
        return float(text) if len(text) <= _NUMBER_CHARS else None
    except ValueError:
        return None


def _is_like(value: JsonValue, wanted: _Scalar) -> bool:
    """Compare as LIKE of SQL does, upper and lower case alike; without a % it is enough to hold the text."""
    if isinstance(value, dict | list) or value is None:
        return False
    text, pattern = _as_text(value).casefold(), _as_text(wanted).casefold()
    if "%" not in pattern:
        return pattern in text
    first, *inner, last = pattern.split("%")
    if not text.startswith(first):
        return False
    at = len(first)
    for part in inner:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.endswith(last) and len(text) - len(last) >= at


_OPERATORS: Final[Mapping[str, Callable[[JsonValue, tuple[_Scalar, ...]], bool]]] = {
    "eq": lambda value, wanted: _is_equal(value, wanted[0]),
    "ne": lambda value, wanted: not _is_equal(value, wanted[0]),
    "gt": lambda value, wanted: (_compared(value, wanted[0]) or 0) > 0,
    "lt": lambda value, wanted: (_compared(value, wanted[0]) or 0) < 0,
    "in": lambda value, wanted: any(_is_equal(value, each) for each in wanted),
    "like": lambda value, wanted: _is_like(value, wanted[0]),
}


def _is_plain(wanted: tuple[_Scalar, ...]) -> bool:
    """Tell whether v1 cannot take the values for anything else."""
    return all(isinstance(each, bool | int) or (isinstance(each, str) and "," not in each) for each in wanted)


def _as_text(value: _Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _wrong(fact: str) -> Exception:
    return refusal("invalid-call", f"{fact}: {_EXAMPLE}.", hint=f"Give {_EXAMPLE}.")
