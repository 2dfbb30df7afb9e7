"""The schemas a simulator serves: bytes of files, parsed when an operation of a service is first called."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ovh_api_mcp.errors import CatalogError, SettingsError, cut_foreign
from ovh_api_mcp.limits import INDEX_BYTES, SCHEMA_BYTES, SIMULATOR_PARSE_S
from ovh_api_mcp.simulator.native import Index, NativeSchema
from ovh_api_mcp.simulator.routing import Route, Router
from ovh_api_mcp.simulator.types import Types
from ovh_api_mcp.simulator.values import ValueMaker

OWN_SCHEMAS = Path(__file__).parent / "schemas"
BRANCHES = ("v1", "v2")


@dataclass(frozen=True, slots=True)
class Service:
    """A parsed service: its routes and what is needed to make values for them."""

    router: Router
    types: Types
    values: ValueMaker


@dataclass(frozen=True, slots=True)
class SchemaText:
    """The text of a schema, and when its file was changed last, in Unix seconds."""

    text: bytes
    modified_s: float


@dataclass(slots=True)
class _Shelf:
    """One service's file; `service` is there once an operation was called."""

    path: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    service: Service | None = None


class Library:
    """The index and the services of both branches in a directory `v1/index.json`, `v1/domain.json`, ….

    Raises SettingsError when the directory is not such a one. A service /auth always exists: where
    the directory has none, the simulator's own stands in without being in the index.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._shelves: dict[str, dict[str, _Shelf]] = {b: _read_shelves(directory, b) for b in BRANCHES}
        if not any(self._shelves.values()):
            raise SettingsError(
                f"--schemas {directory} holds neither v1/index.json nor v2/index.json; "
                "give a directory of native OVH schemas.",
                code="setting-invalid",
            )
        self._shelves["v1"].setdefault("/auth", _Shelf(OWN_SCHEMAS / "v1" / "auth.json"))

    async def read_index(self, branch: str) -> bytes | None:
        """Return the index of a branch as it is on disk."""
        return await asyncio.to_thread(_read_file, self._directory / branch / "index.json", INDEX_BYTES)

    async def read_schema(self, branch: str, root: str) -> SchemaText | None:
        """Return the schema of a service ("/dedicated/server") as it is on disk; None where there is none."""
        shelf = self._shelves[branch].get(root)
        return None if shelf is None else await asyncio.to_thread(_read_schema, shelf.path)

    def roots(self, branch: str) -> tuple[str, ...]:
        """Return the roots of the services of a branch, such as /dedicated/server."""
        return tuple(self._shelves[branch])

    async def service(self, branch: str, root: str) -> Service | None:
        """Return the service of a root; None where there is none, or none that can be read."""
        shelf = self._shelves[branch].get(root)
        try:
            return None if shelf is None else await _open(shelf)
        except (CatalogError, TimeoutError):
            return None

    async def find(self, branch: str, segments: tuple[str, ...]) -> tuple[Service, Route] | None:
        """Return the service and the route of a decoded path without its branch.

        The service with the longest root in front of the path is asked first.
        """
        for length in range(len(segments), 0, -1):
            shelf = self._shelves[branch].get("/" + "/".join(segments[:length]))
            service = None if shelf is None else await _open(shelf)
            route = None if service is None else service.router.find(segments)
            if service is not None and route is not None:
                return service, route
        return None


async def _open(shelf: _Shelf) -> Service:
    """Parse a service once, off the event loop, however many calls wait for it."""
    async with shelf.lock:
        if shelf.service is None:
            async with asyncio.timeout(SIMULATOR_PARSE_S):
                shelf.service = await asyncio.to_thread(_parse, shelf.path)
    return shelf.service


def _parse(path: Path) -> Service:
    text = _read_file(path, SCHEMA_BYTES)
    try:
        schema = msgspec.json.decode(text or b"{}", type=NativeSchema)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CatalogError(
            f"The schema file {path} is not in OVH's native format: {cut_foreign(str(error))}.",
            code="schema-invalid",
        ) from error
    types = Types(schema.models)
    return Service(Router(schema.apis), types, ValueMaker(types))


def _read_shelves(directory: Path, branch: str) -> dict[str, _Shelf]:
    text = _read_file(directory / branch / "index.json", INDEX_BYTES)
    if text is None:
        return {}
    try:
        index = msgspec.json.decode(text, type=Index)
    except (msgspec.MsgspecError, ValueError) as error:
        raise SettingsError(
            f"--schemas {directory}: {branch}/index.json is no index of services: {cut_foreign(str(error))}.",
            code="setting-invalid",
        ) from error
    base = (directory / branch).resolve()
    files = {entry.path: (base / (entry.path.strip("/") + ".json")) for entry in index.apis}
    # An index that names a service outside the directory is not followed.
    return {root: _Shelf(file) for root, file in files.items() if file.resolve().is_relative_to(base)}


def _read_schema(path: Path) -> SchemaText | None:
    text = _read_file(path, SCHEMA_BYTES)
    try:
        return None if text is None else SchemaText(text, path.stat().st_mtime)
    except OSError:  # it has gone in the meantime
        return None


def _read_file(path: Path, limit_bytes: int) -> bytes | None:
    """Return a file's bytes; None when it is not there or larger than the limit."""
    try:
        with path.open("rb") as file:
            text = file.read(limit_bytes + 1)
    except OSError:
        return None
    return text if len(text) <= limit_bytes else None
