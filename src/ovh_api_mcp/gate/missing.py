"""Where to look after a 404: another path, a route that is gone, or the list the object is not in."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from ovh_api_mcp.errors import ApiError, cut_foreign
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.deprecation import replacement_of
from ovh_api_mcp.gate.match import Router
from ovh_api_mcp.gate.refusal import quoted

_NO_ROUTE: Final = re.compile(r"(?i)invalid \(or empty\) URL")
_NAMED: Final = re.compile(r"\(\s*([\w.-]{1,60})\s*[=:]")
_PATH_CHARS: Final = 90


def missing_hint(asked: Asked, error: ApiError, router: Router) -> str:
    """Return what a 404 stands for.

    Source: OVH's messages: "Got an invalid (or empty) URL" for a route, "The requested object (…)
    does not exist" or "This service does not exist" for what it names.
    """
    if not (error.said or error.error_code or error.error_class):
        return "This 404 is no answer of OVHcloud's API: ask the user to check the endpoint, and any proxy."
    if _NO_ROUTE.search(error.said):
        return _gone_route(asked, router)
    return _nearer_path(asked, router) or _list_of(asked, error, router)


def _gone_route(asked: Asked, router: Router) -> str:
    fact = (
        "The route itself is missing: the catalogue has it, but this endpoint serves it no more, or not yet."
    )
    instead = replacement_of(asked.operation, router)
    if instead:
        return f"{fact} Use {instead} instead."
    return f'{fact} Look for another one with ovh.find("words").'


def _nearer_path(asked: Asked, router: Router) -> str:
    """Return the path that was meant, where a fixed part with a slip in it was taken for a value."""
    for place in asked.values:
        value = unquote(asked.segments[place])
        near = router.fixed_part_near(asked.route.method, asked.parts, place, value)
        if near:
            path = "/".join(("", *asked.segments[:place], near, *asked.segments[place + 1 :]))
            return (
                f"{quoted(value)} was taken for {asked.parts[place]} of {asked.route.template}, and there is "
                f"none of that name. Did you mean {asked.route.method} {cut_foreign(path, _PATH_CHARS)}?"
            )
    return ""


def _list_of(asked: Asked, error: ApiError, router: Router) -> str:
    if not asked.values:
        above = router.get_above(asked.parts, len(asked.parts) - 1)
        look = f" GET {_path(asked, above)} tells what there is." if above else ""
        return f"The route is right, but this account has nothing there (yet).{look}"
    named = _NAMED.search(error.said)
    places = [place for place in asked.values if named and asked.name(place) == named[1]]
    place = places[0] if places else asked.values[-1]
    value = quoted(unquote(asked.segments[place]))
    fact = f"The route is right, but {asked.parts[place]} {value} does not exist in this account."
    above = router.get_above(asked.parts, place)
    if not above:
        return f"{fact} Ask the user for the right one."
    outer = "" if places else _outer(asked, place, router)
    return f"{fact} Look in GET {_path(asked, above)}.{outer}"


def _outer(asked: Asked, place: int, router: Router) -> str:
    """Return the list of the first value too: which of them is unknown, the API did not say."""
    first = asked.values[0]
    above = router.get_above(asked.parts, first) if first != place else 0
    return f" If that fails as well, in GET {_path(asked, above)}." if above else ""


def _path(asked: Asked, length: int) -> str:
    return cut_foreign("".join(f"/{segment}" for segment in asked.segments[:length]), _PATH_CHARS)
