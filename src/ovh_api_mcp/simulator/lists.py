"""What can be asked of a list: filters, pages of v2, and v1's expansion of ids to objects."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import unquote_plus

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator.answers import No

T = TypeVar("T")

PAGE_SIZE = 100  # of v2 when the request names none
PAGE_SIZE_MAX = 1_000
EXPANSION = "CachedObjectList-Pages"
_FILTER = re.compile(r"(?P<key>[^:=]+)(?::(?P<operator>eq|ne|like|lt|gt|in))?=(?P<value>.*)", re.S)


def is_expanded(headers: dict[str, str]) -> bool:
    """Tell whether a v1 list is asked for as objects.

    Source: X-Pagination-Mode of the v1 API, undocumented.
    """
    return headers.get("x-pagination-mode", "") == EXPANSION


def matches(item: JsonObject, name: str, wanted: Sequence[str]) -> bool:
    """Tell whether a scalar property has one of the wanted values, as they are written in a query."""
    value = item.get(name)
    if isinstance(value, list | dict):
        return True
    return _as_text(value).lower() in {text.lower() for text in wanted}


def cut_page(rows: Sequence[tuple[str, T]], headers: dict[str, str]) -> tuple[list[T], dict[str, str]]:
    """Return one page of v2 out of (key, row), and the header that leads to the next one.

    The cursor names the last row before the page, so that a page stays right when rows are removed
    behind it.
    """
    size = _parse_count(headers, "x-pagination-size", PAGE_SIZE)
    start = 0
    if cursor := headers.get("x-pagination-cursor"):
        start = _find_after([key for key, _ in rows], cursor)
    page = rows[start : start + size]
    more = start + size < len(rows)
    following = {"X-Pagination-Cursor-Next": _to_cursor(page[-1][0])} if more and page else {}
    return [row for _, row in page], following


def expand(items: list[JsonObject], headers: dict[str, str]) -> tuple[list[JsonObject], dict[str, str]]:
    """Return one page of a v1 list as objects, filtered and sorted, and the header with their total."""
    if pattern := headers.get("x-pagination-filter"):
        tests = [_parse_filter(part) for part in pattern.split("&")]
        items = [item for item in items if all(test(item) for test in tests)]
    if name := headers.get("x-pagination-sort"):
        down = headers.get("x-pagination-sort-order", "ASC").upper() == "DESC"
        items = sorted(items, key=lambda item: _sort_key(item.get(name)), reverse=down)
    size = _parse_count(headers, "x-pagination-size", PAGE_SIZE)
    start = (_parse_count(headers, "x-pagination-number", 1) - 1) * size
    return items[start : start + size], {"X-Pagination-Elements": str(len(items))}


def _parse_count(headers: dict[str, str], name: str, default: int) -> int:
    text = headers.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise No(400, f"[{name.title()}] Given data is not a positive integer")
    return min(int(text), PAGE_SIZE_MAX) if name.endswith("size") else int(text)


def _to_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _find_after(keys: list[str], cursor: str) -> int:
    try:
        return keys.index(base64.urlsafe_b64decode(cursor).decode()) + 1
    except (binascii.Error, ValueError):
        raise No(400, "[X-Pagination-Cursor] Invalid cursor") from None


def _parse_filter(part: str) -> Callable[[JsonObject], bool]:
    """Read `key:operator=value` of X-Pagination-Filter."""
    found = _FILTER.fullmatch(unquote_plus(part))
    if found is None:
        raise No(400, "[X-Pagination-Filter] Expected key:operator=value")
    key, operator, wanted = found["key"], found["operator"] or "eq", found["value"]
    test = _OPERATORS[operator]
    return lambda item: test(_as_text(item.get(key)), wanted)


def _compare(left: str, right: str) -> int:
    """Compare as numbers where both are, else as text."""
    try:
        first, second = float(left), float(right)
    except ValueError:
        return (left > right) - (left < right)
    return (first > second) - (first < second)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value != wanted,
    "like": lambda value, wanted: wanted.strip("%").lower() in value.lower(),
    "lt": lambda value, wanted: _compare(value, wanted) < 0,
    "gt": lambda value, wanted: _compare(value, wanted) > 0,
    "in": lambda value, wanted: value in wanted.split(","),
}


def _as_text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _sort_key(value: JsonValue) -> tuple[int, float, str]:
    """Order numbers by size before texts by letter."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, value, "")
    return (1, 0.0, _as_text(value))
