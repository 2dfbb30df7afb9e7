"""What a script is told of operations that OVH is to take away."""

from __future__ import annotations

import re
from typing import Final

from ovh_api_mcp.catalog.model import Deprecation, Operation
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.gate.match import Router

_BRANCH: Final = re.compile(r"/(?:v1|v2)(?=/)")
_OLD_BRANCH: Final = re.compile(r"/1\.0(?=/)")
_SHOWN_CHARS: Final = 160


def deprecation_note(operation: Operation, router: Router) -> str:
    """Return what to know of an operation that was called, "" where it is to stay."""
    end = operation.deprecation
    if end is None:
        return ""
    instead = replacement_of(operation, router)
    advice = f"Use {instead} instead." if instead else "OVHcloud names no replacement; ovh.find may know one."
    return f"{operation.method} {operation.path} is DEPRECATED{_dates(end)}. {advice}"


def replacement_of(operation: Operation, router: Router) -> str:
    """Return what OVH names in place of an operation, as it is called here; "" where it names nothing.

    A path gets its branch, and the methods it has: often another than that of the operation.
    """
    given = operation.deprecation.replacement if operation.deprecation else ""
    path = given.partition(" ")[2] if given.partition(" ")[0].isupper() else given
    path = path.rstrip("/")
    if not path.startswith("/"):
        return cut_foreign(given, _SHOWN_CHARS)
    branch = operation.path[: len("/v1")]
    full = _OLD_BRANCH.sub("/v1", path, count=1)
    if not _BRANCH.match(full):
        full = branch + full
    methods = router.methods(full)
    if operation.method in methods:
        return cut_foreign(f"{operation.method} {full}", _SHOWN_CHARS)
    listed = f" ({', '.join(methods)})" if methods else ""
    return cut_foreign(f"{full}{listed}", _SHOWN_CHARS)


def _dates(end: Deprecation) -> str:
    since, until = _day(end.since), _day(end.until)
    end_text = f", its end is set for {until}" if until else ", without a date for its end"
    return (f" since {since}" if since else "") + end_text


def _day(date: str) -> str:
    """Return the day of a date; "" for none, and for the year 1, which stands for none."""
    return "" if date.startswith("0001") else cut_foreign(date.partition("T")[0], 30)
