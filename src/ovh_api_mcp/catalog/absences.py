"""What a catalogue lacks, and why: services that could not be loaded, and those that --services leaves out.

Who looks for an operation that is not there has to be told of it, or takes the API for smaller than
it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.catalog.model import CatalogInfo
from ovh_api_mcp.catalog.selection import is_selected
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.limits import LOOKED_AT_CHARS

_REASON_CHARS: Final = 130
_SELECTION_CHARS: Final = 60
_NAME_CHARS: Final = 60
_BRANCHES: Final = ("v1", "v2")
_VERSION: Final = re.compile(r"v\d+")
# What a script has in quotes. Each alternative is linear.
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\]|\\.)*`')


@dataclass(frozen=True, slots=True)
class Absence:
    """A service ("v1/vps"), or a whole branch, that is not there: why in a sentence, and the next step."""

    service: str
    why: str
    hint: str

    def __str__(self) -> str:
        return f"{self.why} {self.hint}"


class Absences:
    """All that one catalogue lacks; without one, nothing."""

    def __init__(self, info: CatalogInfo | None = None) -> None:
        self._failed = {name: info.failed[name] for name in info.absent} if info else {}
        self._left_out = info.left_out if info else ()
        self._selection = info.services if info else ()

    @property
    def failed(self) -> list[str]:
        """The services that could not be loaded and of which there is no copy either."""
        return list(self._failed)

    @property
    def selection(self) -> tuple[str, ...]:
        """The roots that were asked for, where something was left out because of them."""
        return self._selection if self._left_out else ()

    def of_path(self, path: str) -> Absence | None:
        """Return the absent service that a path belongs to, with or without its branch in front."""
        bare = path.strip("/")
        has_branch = _VERSION.fullmatch(bare.partition("/")[0]) is not None
        spellings = [bare] if has_branch else [f"{branch}/{bare}" for branch in _BRANCHES]
        for name in self._names():
            if any(_is_below(spelling, name) for spelling in spellings):
                return self._absence(name)
        return None

    def of_service(self, root: str) -> Absence | None:
        """Return the first absent service that a root selects, such as "vps", "v1/vps" or "dedicated"."""
        found = (name for name in self._names() if is_selected(name, root.strip("/")))
        name = next(found, None)
        return None if name is None else self._absence(name)

    def named_in(self, code: str) -> list[Absence]:
        """Return the absent services that a script names in a string, a path or a regular expression."""
        if not self._failed and not self._left_out:
            return []
        looked_at = code[:LOOKED_AT_CHARS]
        strings = "\n".join(_STRING.findall(looked_at))
        return [self._absence(name) for name in self._names() if _is_named(name, looked_at, strings)]

    def _names(self) -> Iterator[str]:
        yield from self._failed
        yield from self._left_out

    def _absence(self, name: str) -> Absence:
        shown = cut_foreign(name, _NAME_CHARS)
        if name in self._failed:
            what = f"The index of {shown}" if name in _BRANCHES else f"Service {shown}"
            return Absence(
                name,
                f"{what} could not be loaded: {cut_foreign(self._failed[name], _REASON_CHARS)}",
                "The server tries again in the background: try later.",
            )
        selection = cut_foreign(",".join(self._selection), _SELECTION_CHARS)
        return Absence(
            name,
            f"Service {shown} is not loaded, because the server runs with --services {selection}.",
            f"Tell the user to add {shown.partition('/')[2]} to --services (OVH_SERVICES).",
        )


def _is_below(path: str, name: str) -> bool:
    """Tell whether a path lies below a service, a branch, or a root that may be of either branch."""
    return any(f"{each}/".startswith(f"{name}/") for each in (path, path.partition("/")[2]))


def _is_named(name: str, code: str, strings: str) -> bool:
    """Tell whether a service is named: by its root, or by what its root begins with and nothing behind."""
    if name in _BRANCHES:
        return f"/{name}" in code
    first, _, rest = name.partition("/")
    segments = (rest if first in _BRANCHES else name).split("/")
    if segments[0].lower() not in code.lower():
        return False
    pattern = r"\\?/".join(map(re.escape, segments))
    if len(segments) > 1:
        pattern += rf"|{re.escape(segments[0])}(?!\\?/[\w{{])"
    word = re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)
    in_path = re.compile(rf"/(?:{pattern})(?![\w-])", re.IGNORECASE)
    return bool(word.search(strings) or in_path.search(code))
