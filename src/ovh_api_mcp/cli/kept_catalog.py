"""The catalogue as the commands of `catalog` use it: the one in the cache, or one that is built now.

Invariants: nothing that is started here is left when the `async with` ends; the cache is changed by
`refresh`, by `difference` with `keep`, and where there was nothing in it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

from ovh_api_mcp.catalog.build_lock import build_lock
from ovh_api_mcp.catalog.builder import BUILDER, builder_arguments, run_builder
from ovh_api_mcp.catalog.cache_place import CachePlace, prepare_place
from ovh_api_mcp.catalog.catalog import fresh_for_s, open_verified
from ovh_api_mcp.catalog.difference import Difference, compare_catalogs
from ovh_api_mcp.catalog.model import BuildProgress, CatalogInfo
from ovh_api_mcp.catalog.selection import normalize_selection
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.cli.terminal import ProgressBar
from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import BUILD_TIMEOUT_S
from ovh_api_mcp.settings import Settings

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400

State = Literal["fresh", "expired", "absent"]


class KeptCatalog:
    """The catalogue that these settings mean; everything happens within `async with`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._selection = normalize_selection(settings.services)
        self._root = settings.endpoint.root
        self._cleanup = AsyncExitStack()

    async def __aenter__(self) -> KeptCatalog:
        if self._settings.endpoint.is_simulator:
            from ovh_api_mcp.simulator.simulator import Simulator  # late: nobody else needs it

            simulator = await Simulator.start(schemas=self._settings.schemas_dir)
            self._cleanup.push_async_callback(simulator.aclose)
            self._root = simulator.url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._cleanup.aclose()

    async def status(self, progress: ProgressBar) -> CatalogStatus:
        """Return what is known of the catalogue in the cache; builds none, so it needs no `progress`."""
        del progress
        place = self._place()
        try:
            file = self._kept(place)
        except CatalogError as error:
            return CatalogStatus(self._root, place.kept if self._has_cache else None, error.message)
        with closing(file):
            ttl_s = fresh_for_s(file.info, self._settings.cache_ttl_s)
            return CatalogStatus(self._root, file.path, "", file.info, file.info.built_at + ttl_s)

    async def refresh(self, progress: ProgressBar) -> frozenset[str]:
        """Build the catalogue into the cache and return what could not be loaded; raises CatalogError."""
        place = self._writable_place()
        await self._build_into_cache(place, progress)
        with closing(open_verified(place.path)) as file:
            return frozenset(file.info.failed)

    async def opened(self, progress: ProgressBar) -> CatalogFile:
        """Return the catalogue in the cache, else one that is built now; raises CatalogError."""
        place = self._place()
        try:
            return self._kept(place)
        except CatalogError:
            await self._build_into_cache(place, progress)
            return open_verified(place.path)

    async def difference(
        self, progress: ProgressBar, *, keep: bool
    ) -> tuple[Difference, list[tuple[str, str]]]:
        """Compare the catalogue in the cache with a new one; also return the services that failed."""
        place = self._writable_place()
        try:
            old = self._kept(place)
        except CatalogError as error:
            hint = "Build one with: ovh-api-mcp catalog refresh"
            raise CatalogError(
                f"There is no catalogue to compare with. {error.message} {hint}",
                code="cache-unusable",
                hint=hint,
            ) from error
        with closing(old), tempfile.TemporaryDirectory(prefix="ovh-api-mcp-") as directory:
            out = Path(directory) / place.path.name
            await self._build(out, place.kept, progress)
            with closing(open_verified(out)) as new:
                found = await asyncio.to_thread(compare_catalogs, old, new)
                failed = list(new.info.failed.items())
            if keep:
                _put(out, place.path)
        return found, failed

    @property
    def _has_cache(self) -> bool:
        return self._settings.cache_dir is not None and not self._settings.endpoint.is_simulator

    def _place(self) -> CachePlace:
        """Return where the catalogue lies; a private directory lasts as long as the `async with`."""
        cache_dir = self._settings.cache_dir if self._has_cache else None
        place = prepare_place(cache_dir, self._root, self._selection, self._settings.risk_rules)
        self._cleanup.callback(place.remove)
        return place

    def _writable_place(self) -> CachePlace:
        if not self._has_cache:
            why = "the simulator has another address each time" if self._settings.cache_dir else "--no-cache"
            raise CatalogError(f"No catalogue is kept here: {why}.", code="cache-unusable")
        place = self._place()
        if place.obstacle:
            raise CatalogError(
                f"The cache directory {self._settings.cache_dir} is not used: {place.obstacle}. "
                "Set --cache-dir (OVH_CACHE_DIR) to one that can be written.",
                code="cache-unusable",
                hint="Set --cache-dir (OVH_CACHE_DIR) to one that can be written.",
            )
        return place

    def _kept(self, place: CachePlace) -> CatalogFile:
        """Open the file in the cache, of whatever age; raises CatalogError."""
        if not place.kept.exists():
            raise CatalogError("None has been built yet.", code="cache-unusable")
        file = open_verified(place.kept)
        if (file.info.endpoint_root, file.info.services) != (self._root, self._selection):
            file.close()
            raise CatalogError(f"The file {place.kept} is of another API.", code="cache-unusable")
        return file

    async def _build_into_cache(self, place: CachePlace, progress: ProgressBar) -> None:
        def say_waiting() -> None:
            progress.draw(0, 0, "waiting for a server's build")

        try:
            async with build_lock(place.lock, timeout_s=BUILD_TIMEOUT_S, on_wait=say_waiting):
                await self._build(place.path, place.kept, progress)
        except OSError as error:
            raise CatalogError(
                f"The lock file {place.lock} cannot be made: {error.strerror or error}.",
                code="cache-unusable",
            ) from error

    async def _build(self, out: Path, previous: Path, progress: ProgressBar) -> None:
        def say(step: BuildProgress) -> None:
            progress.draw(step.done, step.total, step.step)

        arguments = builder_arguments(
            endpoint_root=self._root,
            selection=self._selection,
            out=out,
            previous=previous,
            risk_rules=self._settings.risk_rules,
        )
        await run_builder(
            [*BUILDER, *arguments],
            environment=self._settings.child_environment,
            on_progress=say,
            timeout_s=BUILD_TIMEOUT_S,
        )


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """What there is in the cache; `why_not` says why there is nothing. Times are Unix seconds."""

    endpoint_root: str
    path: Path | None
    why_not: str = ""
    info: CatalogInfo | None = None
    fresh_until: float = 0.0

    @property
    def state(self) -> State:
        if self.info is None:
            return "absent"
        return "fresh" if self.info.built_at <= time.time() < self.fresh_until else "expired"

    @property
    def failed(self) -> dict[str, str]:
        return self.info.failed if self.info else {}

    def rows(self) -> list[tuple[str, str]]:
        """Return names and values for people."""
        file = str(self.path) if self.path else "none is kept"
        rows = [("endpoint", self.endpoint_root), ("file", file)]
        if self.info is None:
            return [*rows, ("why", self.why_not)]
        built, until = self.info.built_at, self.fresh_until
        failed = f", {len(self.info.failed)} failed" if self.info.failed else ""
        return [
            ("endpoint", self.endpoint_root),
            ("services", f"{self.info.service_count:,} ({', '.join(self.info.services)}){failed}"),
            ("operations", f"{self.info.operation_count:,} on {self.info.path_count:,} paths"),
            ("built", f"{_shown(built)}, {_span(time.time() - built)} ago"),
            ("fresh until", f"{_shown(until)}" + ("" if self.state == "fresh" else ", which is past")),
            ("file", file),
            ("size", f"{self._size_bytes() / 1e6:.1f} MB"),
        ]

    def as_json(self) -> JsonObject:
        """Return the same for programs."""
        told: JsonObject = {"state": self.state, "endpoint": self.endpoint_root}
        if self.path is not None:
            told["file"] = str(self.path)
        if self.info is None:
            return {**told, "why": self.why_not}
        return {
            **told,
            "bytes": self._size_bytes(),
            "selection": list(self.info.services),
            "services": self.info.service_count,
            "paths": self.info.path_count,
            "operations": self.info.operation_count,
            "builtAt": _iso(self.info.built_at),
            "freshUntil": _iso(self.fresh_until),
            "failed": dict(self.info.failed),
            "absent": list(self.info.absent),
        }

    def _size_bytes(self) -> int:
        try:
            return self.path.stat().st_size if self.path else 0
        except OSError:  # somebody has removed it since
            return 0


def _put(new: Path, path: Path) -> None:
    """Give a file of another file system its place, whole or not at all; raises CatalogError."""
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    try:
        shutil.copyfile(new, name)
        Path(name).replace(path)
    except OSError as error:
        raise CatalogError(
            f"The catalogue file {path} cannot be written: {error.strerror or error}.", code="cache-unusable"
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(span_s: float) -> str:
    for unit_s, name in ((_DAY_S, "days"), (_HOUR_S, "hours"), (_MINUTE_S, "minutes")):
        if span_s >= 2 * unit_s:
            return f"{span_s / unit_s:.0f} {name}"
    seconds = round(max(0.0, span_s))
    return f"{seconds} second{'' if seconds == 1 else 's'}"
