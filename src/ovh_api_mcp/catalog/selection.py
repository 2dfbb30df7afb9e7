"""Which services a catalogue holds: a set of roots as the user names them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from ovh_api_mcp.errors import CatalogError, cut_foreign

ALL: Final = ("*",)
_NAMED_AT_MOST: Final = 4  # unknown services, and names near them, in one message
_NAME_CHARS: Final = 30  # of each of them; the longest real one has 30


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
    names = _listed(unknown)
    nearest = _listed(list(near or dict.fromkeys(roots.values())))
    hint = "Set --services (OVH_SERVICES) to * or to roots that exist."
    return CatalogError(
        f"The API has no service {names}. The nearest it has: {nearest}. {hint}",
        code="service-unknown",
        hint=hint,
    )


def _listed(roots: Sequence[str]) -> str:
    more = ", …" if len(roots) > _NAMED_AT_MOST else ""
    return ", ".join(cut_foreign(root, _NAME_CHARS) for root in roots[:_NAMED_AT_MOST]) + more
