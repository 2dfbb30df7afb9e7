"""A JSON value as YAML: block style, strings in double quotes, which YAML reads as JSON does.

Only names that no reader of YAML 1.1 or 1.2 takes for anything but a string stand without quotes.
Source: YAML 1.2.2, sections 5.1 (what has to be escaped) and 10.2; YAML 1.1's type repository for
the words that mean true, false and null there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from ovh_api_mcp.json_value import JsonValue

_STEP: Final = "  "
_PLAIN: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# Neither printable for YAML, nor escaped by JSON.
_UNPRINTABLE: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def yaml_lines(value: JsonValue, indent: str = "") -> Iterator[str]:
    """Yield the lines of a value, without their ends."""
    match value:
        case dict() if value:
            for name, each in value.items():
                yield from _entry(f"{indent}{_name(name)}:", each, indent + _STEP)
        case list() if value:
            for each in value:
                yield from _entry(f"{indent}-", each, indent + _STEP)
        case _:
            yield indent + _scalar(value)


def _entry(head: str, value: JsonValue, indent: str) -> Iterator[str]:
    """Yield what follows "name:" or "-": on the same line where it has one line only."""
    if isinstance(value, dict | list) and value:
        yield head
        yield from yaml_lines(value, indent)
    else:
        yield f"{head} {_scalar(value)}"


def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name.lower() not in _WORDS else _scalar(name)


def _scalar(value: JsonValue) -> str:
    """Return what JSON and YAML have in common."""
    text = msgspec.json.encode(value).decode()
    if isinstance(value, str):
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return _number(text) if isinstance(value, float) else text


def _number(text: str) -> str:
    """Return a float with a point and a signed exponent; YAML 1.1 takes 1e16 for a text."""
    mantissa, e, exponent = text.partition("e")
    point = "" if "." in mantissa else ".0"
    sign = "+" if exponent and exponent[0].isdigit() else ""
    return f"{mantissa}{point}{e}{sign}{exponent}"
