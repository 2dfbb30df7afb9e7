"""Single values of a call as the text that goes into a path, a query or a header."""

from __future__ import annotations

import math
from typing import Final

from ovh_api_mcp.json_value import JsonValue

_INTEGER_BITS: Final = 4_096  # far beyond any id, within what Python turns into digits without a limit


def scalar_text(value: JsonValue) -> str | None:
    """Return the text of a string, number or boolean, an integer with all its digits; else None.

    None also for NaN, an infinity and an integer of more than a thousand digits.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() <= _INTEGER_BITS else None
        case float():
            return repr(value) if math.isfinite(value) else None
        case _:
            return None


def kind_of(value: object) -> str:
    """Return what a value out of JSON is, in JavaScript's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
