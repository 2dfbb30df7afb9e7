"""The pages of OVHcloud that people are led to: what each is for there, and what to use here instead.

Contract: no page holds a key or a secret, and what comes from an address is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from ovh_api_mcp.limits import SIMULATOR_PAGE_RULES
from ovh_api_mcp.simulator.answers import Answer
from ovh_api_mcp.simulator.recording import RecordedRequest

_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
# A page that quotes its address runs and loads nothing, whatever is in there.
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Page:
    title: str
    there: str
    here: str


_PAGES: Final[Mapping[str, _Page]] = {
    "createApp": _Page(
        "Create an application",
        "At OVHcloud, this page creates an application and shows its key and its secret.",
        "The simulator has one application. Its key and secret are those that ovh-api-mcp simulate prints at "
        "its start.",
    ),
    "createToken": _Page(
        "Create keys",
        "At OVHcloud, this page creates an application and a consumer key with the rights that the address "
        "asks for, and shows all three.",
        "In the simulator, use the application key, application secret and consumer key that ovh-api-mcp "
        "simulate prints at its start; that consumer key may do everything.",
    ),
    "console": _Page(
        "Console",
        "At OVHcloud, this page lists the operations of the API and sends calls as whoever is logged in.",
        "The simulator has no console. Send the calls with ovh-api-mcp execute, or any other client, and the "
        "keys that ovh-api-mcp simulate prints at its start.",
    ),
}


def answer_page(request: RecordedRequest) -> Answer | None:
    """Answer with a page that a person was led to; None for any other address."""
    page = _PAGES.get(request.raw_path.removeprefix("/").removesuffix("/"))
    if page is None or request.method != "GET":
        return None
    rights = _rights(request.raw_query) if page.title == "Create keys" else ""
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated OVH: {page.title}</title>'
        f"<h1>{page.title}</h1><p>{page.there}</p><p>{page.here} They open nothing else.</p>{rights}</html>"
    )
    return Answer(200, text.encode(), dict(_HEADERS), content_type="text/html; charset=utf-8")


def _rights(raw_query: str) -> str:
    """Return the rights that an address asks for, `?GET=/me&GET=/domain/*`, as a list; "" for none."""
    asked = [(method, path) for method, path in parse_qsl(raw_query) if method in _METHODS]
    rows = [f"<li>{method} {html.escape(path)}</li>" for method, path in asked[:SIMULATOR_PAGE_RULES]]
    if len(asked) > len(rows):
        rows.append(f"<li>and {len(asked) - len(rows):,} more</li>")
    return f"<p>The rights that were asked for:</p><ul>{''.join(rows)}</ul>" if rows else ""
