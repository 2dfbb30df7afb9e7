"""Which services a catalogue holds: a set of roots as the user names them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from ovh_api_mcp.errors import CatalogError, cut_foreign

ALL: Final = ("*",)
_NAMED_AT_MOST: Final = 5  # unknown services, and names near them, in one message


def normalize_selection(services: Sequence[str]) -> tuple[str, ...]:
    """Return roots without slashes around them, sorted and unique; ("*",) for everything."""
    roots = sorted({each.strip().strip("/") for each in services} - {""})
    return ALL if not roots or "*" in roots else tuple(roots)


def is_selected(service: str, root: str) -> bool:
    """Tell whether "v1/dedicated/server" is selected by dedicated/server, dedicated or v1/dedicated."""
    bare = service.partition("/")[2]
    return any(each == root or each.startswith(f"{root}/") for each in (bare, service))


def unknown_services(unknown: Sequence[str], known: Iterable[str]) -> CatalogError:
    """Return the error for roots that no service has; it names the nearest that exist."""
    roots = {name.partition("/")[2].lower(): name.partition("/")[2] for name in sorted(known)}
    near = dict.fromkeys(
        roots[close]
        for root in unknown
        for close in difflib.get_close_matches(root.lower(), roots, n=3, cutoff=0.5)
    )
    names = ", ".join(cut_foreign(root, 60) for root in unknown[:_NAMED_AT_MOST])
    nearest = ", ".join(list(near or dict.fromkeys(roots.values()))[:_NAMED_AT_MOST])
    return CatalogError(
        f"the API has no service {names}; the nearest it has: {nearest}",
        code="service-unknown",
        hint="set --services (OVH_SERVICES) to * or to roots that exist",
    )
