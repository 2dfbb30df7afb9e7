"""What the served schemas know: for paths, actions and states that a person wrote, and may have misspelt.

Nothing here changes anything. What is not known is refused with the nearest that is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final
from urllib.parse import unquote

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.simulator.answers import No, not_found
from ovh_api_mcp.simulator.auth_operations import VALIDATION_PATH
from ovh_api_mcp.simulator.collection import Collection, find_collection
from ovh_api_mcp.simulator.library import BRANCHES, Library, Service
from ovh_api_mcp.simulator.oauth2 import DISCOVERY_PATH, TOKEN_PATH
from ovh_api_mcp.simulator.routing import Route, parameter_name, split_path
from ovh_api_mcp.simulator.saved import SavedState, UnderWay
from ovh_api_mcp.simulator.state import own_state
from ovh_api_mcp.simulator.types import Choice

_BESIDE: Final = (DISCOVERY_PATH, TOKEN_PATH, VALIDATION_PATH)
_ACTION: Final = re.compile(rb'"([A-Za-z0-9]+:[a-z]+:[^"\\ ]+)"')
_CUTOFF: Final = 0.5
_SHOWN: Final = 100
_COMPARED: Final = 200  # characters


class Known:
    """Answers from a library; services are parsed as they are asked for."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def fault_path(self, method: str, path: str) -> str:
        """Return the path of a fault as `Fault` takes it; a `*` at its end is the same as leaving it out.

        Raises `No` where no request of that method could meet it.
        """
        path = path.removesuffix("*")
        if path.startswith("/auth"):
            if any(each.startswith(path) for each in _BESIDE):
                return path
            path = f"/v1{path}"
        _, branch, *wanted = path.split("/")
        if not wanted or ("{" not in path and method in ("*", "GET") and self._is_schema(branch, path)):
            return path
        methods: set[str] = set()
        for service in await self._begun(branch, wanted):
            for route in service.router.routes():
                methods |= (
                    route.operations.keys()
                    if _fits(wanted, route.segments, is_template="{" in path)
                    else set()
                )
        if method in methods or (methods and method == "*"):
            return path
        if methods:
            raise No(400, f"No operation is {method} {_cut(path)}; there is {', '.join(sorted(methods))}")
        how = "; with {…} it is a whole path" if "{" in path else ", and none begins with it"
        raise not_found(f"No operation is at {_cut(path)}{how}{await self._near(path)}")

    async def collection(self, path: str) -> tuple[Service, Route, Collection]:
        """Return the list at a path of the API or a template; *Raises* `No` where there is none."""
        service, route = await self._route(path)
        found = find_collection(service, route)
        if found is None:
            raise No(400, f"{_cut(path)} is no list whose items have a path of their own")
        return service, route, found

    async def check_actions(self, names: Iterable[str]) -> None:
        """Raise `No` for the name of an action of IAM that no operation needs."""
        wanted = set(names)
        known = await self._actions() if wanted else frozenset()
        if strangers := sorted(wanted - known):
            near = _nearest(strangers[0], known)
            raise No(400, f"No operation needs the action {_cut(strangers[0])}; each is named whole{near}")

    async def check_state(self, state: SavedState) -> None:
        """Raise `No` for a path in a state that no schema knows, those of the practice account excepted."""
        own = own_state()
        for path in state.collections:
            if path not in own.collections:
                await self.collection(path)
        for path in (*state.objects, *state.created):
            if path not in own.objects:
                await self._route(path)
        for path, each in state.under_way.items():
            await self._check_under_way(path, each)

    async def _check_under_way(self, path: str, each: UnderWay) -> None:
        service, route = await self._route(path)
        get = route.operations.get("GET")
        record = service.types.record(get.response_type) if get else None
        if record is None:
            raise No(400, f"Nothing can be under way at {_cut(path)}: a GET there answers no object")
        if each.field not in record.fields:
            near = _nearest(each.field, record.fields)
            raise No(400, f"What is at {_cut(path)} has no field {_cut(each.field)}{near}")
        kind = service.types.resolve(record.fields[each.field].type_text)
        for value in each.left if isinstance(kind, Choice) else ():
            if isinstance(kind, Choice) and value not in kind.values:
                values = ", ".join(map(str, kind.values))
                raise No(
                    400, f"{each.field} of {_cut(path)} is never {_cut(str(value))}; it is one of {values}"
                )

    async def _route(self, path: str) -> tuple[Service, Route]:
        """Return what is at a path of the API, or at a template; *Raises* `No` where nothing is."""
        branch, _, rest = path.strip("/").partition("/")
        segments = split_path(rest) if branch in BRANCHES else None
        if segments is not None and "{" in path:
            for service in await self._begun(branch, segments):
                if (route := service.router.at(segments)) is not None:
                    return service, route
        elif segments is not None and (found := await self._library.find(branch, segments)) is not None:
            return found
        raise not_found(f"The schemas have no {_cut(path)}{await self._near(path)}")

    async def _begun(self, branch: str, wanted: Sequence[str]) -> list[Service]:
        """Return the services that a path, or the beginning of one, may be in."""
        roots = self._library.roots(branch) if branch in BRANCHES else ()
        return await self._open(branch, [r for r in roots if _is_along(wanted, r.strip("/").split("/"))])

    async def _open(self, branch: str, roots: Iterable[str]) -> list[Service]:
        services = [await self._library.service(branch, root) for root in roots]
        return [service for service in services if service is not None]

    def _is_schema(self, branch: str, path: str) -> bool:
        schemas = [f"/{branch}{root}.json" for root in self._library.roots(branch)]
        return path == f"/{branch}/" or any(each.startswith(path) for each in schemas)

    async def _actions(self) -> frozenset[str]:
        """Return all actions that stand in the schemas, without parsing them: there may be thousands."""
        found: set[str] = set()
        for branch in BRANCHES:
            for root in self._library.roots(branch):
                if (schema := await self._library.read_schema(branch, root)) is not None:
                    names = await asyncio.to_thread(_ACTION.findall, schema.text.replace(rb"\/", b"/"))
                    found |= {name.decode() for name in names}
        return frozenset(found)

    async def _near(self, path: str) -> str:
        """Return the nearest path as the end of a message, with the values that were given in it."""
        if len(path) > _COMPARED:
            return ""
        _, branch, *given = path.split("/")
        roots = self._library.roots(branch) if branch in BRANCHES else ()
        firsts = {root.split("/")[1] for root in roots}
        near = _close(given[0] if given else "", firsts, 2)
        services = await self._open(branch, [root for root in roots if root.split("/")[1] in near])
        routes = [route for service in services for route in service.router.routes()]
        return _nearest(path, [f"/{branch}/{_filled(route.segments, given)}" for route in routes])


def _fits(wanted: Sequence[str], segments: Sequence[str], *, is_template: bool) -> bool:
    """Tell whether a template meets a route, or a path is the beginning of one."""
    if len(wanted) > len(segments) or (is_template and len(wanted) < len(segments)):
        return False
    return _is_along(wanted, segments)


def _is_along(wanted: Sequence[str], segments: Sequence[str]) -> bool:
    """Tell whether two paths are the same as far as both go; the last segment wanted may be cut."""
    ends = len(wanted) - 1
    return all(
        _meets(one, other) or (at == ends and other.startswith(unquote(one)))
        for at, (one, other) in enumerate(zip(wanted, segments, strict=False))
    )


def _meets(wanted: str, segment: str) -> bool:
    """Tell whether a segment that is wanted, `{…}` or a value, may be what a route has there."""
    return parameter_name(segment) is not None or unquote(wanted) == segment


def _filled(segments: Sequence[str], given: Sequence[str]) -> str:
    """Return a template with the segments of a path where it has parameters."""
    values = [*given, *segments[len(given) :]]
    return "/".join(v if parameter_name(s) else s for s, v in zip(segments, values, strict=False))


def _nearest(wanted: str, known: Iterable[str]) -> str:
    near = _close(wanted, known, 1)
    return f". The nearest is {_cut(near[0])}" if near else ""


def _close(wanted: str, known: Iterable[str], count: int) -> list[str]:
    """Return what is close to a text; nothing to a long one, for it would take for ever to compare."""
    return [] if len(wanted) > _COMPARED else get_close_matches(wanted, list(known), n=count, cutoff=_CUTOFF)


def _cut(text: str) -> str:
    return cut_foreign(text, _SHOWN)
