"""Values that are secrets by their names, in bodies that people are shown or that are kept."""

from __future__ import annotations

import re
from typing import Final

from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.secret import MASK

_SECRET_NAME: Final = re.compile(
    r"pass(word|phrase|wd)|secret|token|credential|otp|pin.?code|(private|api|access|consumer).?key",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds what nobody should see."""
    return _SECRET_NAME.search(name) is not None


def masked(value: JsonValue) -> JsonValue:
    """Return a value in which those of such fields are masked."""
    match value:
        case dict():
            return {name: MASK if is_secret_name(name) else masked(each) for name, each in value.items()}
        case list():
            return [masked(each) for each in value]
    return value
