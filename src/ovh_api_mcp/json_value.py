"""The type of a parsed JSON document, and whether a text is one."""

from typing import TypeAlias

import msgspec

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def is_json(data: bytes) -> bool:
    """Tell whether `data` is one JSON value in UTF-8; its values are not built."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
        data.decode()  # the quick look leaves the octets inside strings unchecked
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
