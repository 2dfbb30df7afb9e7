"""What a script gave to `ovh.list`, parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.gate.refusal import refusal
from ovh_api_mcp.gate.scalar import kind_of
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.server.errand import parse_options
from ovh_api_mcp.server.list_filter import Filter, parse_filter

_OF_EACH_REQUEST: Final = ("params", "query", "headers", "validate")
_NAMES: Final = (*_OF_EACH_REQUEST, "expand", "limit", "filter", "after")
_EXAMPLE: Final = 'ovh.list("/v1/vps", { expand: true })'
_OTHER_NAMES: Final = {
    "max": "limit", "count": "limit", "top": "limit", "size": "limit", "take": "limit", "where": "filter",
    "parameters": "params", "pathparams": "params", "queryparams": "query", "searchparams": "query",
    "details": "expand", "full": "expand", "objects": "expand", "skip": "after", "offset": "after",
    "cursor": "after", "start": "after", "from": "after", "pagesize": "limit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListOptions:
    """`call` is what each request has in common; `after` is where another list ended, 0 for the beginning.

    It is a count of items in v1, and a cursor in v2.
    """

    call: JsonObject
    wants_objects: bool
    limit: int
    filter: Filter
    after: int | str

    @property
    def path(self) -> str:
        """The path as the script wrote it."""
        return str(self.call["path"])

    @property
    def skip(self) -> int:
        """How many items of a v1 list are left out; *Raises* RefusedError for a cursor."""
        if isinstance(self.after, int):
            return self.after
        raise _wrong("after is a cursor, as lists of v2 have them; here it is a number of items")


def parse_list_options(arguments: JsonObject) -> ListOptions:
    """Return what a script asks for; *Raises* RefusedError."""
    path = arguments.get("path")
    given = parse_options("ovh.list", arguments.get("options"), _NAMES, _OTHER_NAMES, _EXAMPLE)
    if isinstance(path, dict) and not given:  # ovh.list({ path, … }), as with ovh.request
        rest = {name: value for name, value in path.items() if name not in ("path", "method")}
        given, path = parse_options("ovh.list", rest, _NAMES, _OTHER_NAMES, _EXAMPLE), path.get("path")
    if not isinstance(path, str):
        fact = "was given no path" if path is None else f"was given {kind_of(path)} as its path"
        raise _wrong(f"ovh.list {fact}; it takes a path and options")
    call: JsonObject = {"path": path}
    call |= {name: given[name] for name in _OF_EACH_REQUEST if given.get(name) is not None}
    conditions = parse_filter(given.get("filter"))
    return ListOptions(
        call=call,
        wants_objects=_parse_expand(given.get("expand")) or bool(conditions.conditions),
        limit=_parse_limit(given.get("limit")),
        filter=conditions,
        after=_parse_after(given.get("after")),
    )


def _parse_expand(value: JsonValue) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise _wrong(f"expand is {kind_of(value)}; it must be true or false")


def _parse_limit(value: JsonValue) -> int:
    if value is None:
        return limits.LIST_LIMIT_MAX
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= limits.LIST_LIMIT_MAX:
        return value
    fact = str(value)[:20] if isinstance(value, int | float) else kind_of(value)
    raise _wrong(f"limit is {fact}; it must be a whole number from 1 to {limits.LIST_LIMIT_MAX:,}")


def _parse_after(value: JsonValue) -> int | str:
    if value is None:
        return 0
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53:
        return value
    raise _wrong("after must be what `incomplete.after` of another list was")


def _wrong(fact: str) -> Exception:
    return refusal("invalid-call", f"{fact}: {_EXAMPLE}.", hint=f"Options: {', '.join(_NAMES)}.")
