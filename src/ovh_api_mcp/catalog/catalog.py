"""The catalogue of a running server: opened, built, refreshed, always the newest that there is.

The story: `start` returns at once. A file in the cache is used, an expired one too while a new one
is built beside it. With none, `ready` waits for the first build, and says how far it is when it
takes too long. A build that failed is tried again by a later `ready`. A file that somebody else put
into the cache, another server or `ovh-api-mcp catalog refresh`, is taken up by the next one.

Invariants: at most one update runs at a time; a CatalogFile that was given out stays usable when a
newer one replaces it; nothing here blocks the event loop for longer than a row takes to read.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ovh_api_mcp.catalog.build_lock import build_lock
from ovh_api_mcp.catalog.builder import builder_arguments, run_builder
from ovh_api_mcp.catalog.cache_place import CachePlace, prepare_place
from ovh_api_mcp.catalog.model import BuildProgress, CatalogInfo
from ovh_api_mcp.catalog.selection import normalize_selection
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import CatalogError, cut_foreign
from ovh_api_mcp.limits import (
    BUILD_RETRY_S,
    BUILD_TIMEOUT_S,
    CATALOG_TTL_S_DEFAULT,
    FIRST_BUILD_WAIT_S,
    GRACE_S,
    RENEWAL_PAUSE_S,
    RETRY_FAILED_SERVICES_S,
)

_log = logging.getLogger(__name__)

ProgressCallback = Callable[[BuildProgress], Awaitable[None]]
_Identity = tuple[int, int, int]
_REASON_CHARS: Final = 360  # of a message, so that there is room for the next step
_WITHOUT_CACHE: Final = "working without a cache"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds: for the first build, for a whole one, before a failed one is repeated."""

    first_build_s: float = FIRST_BUILD_WAIT_S
    build_s: float = BUILD_TIMEOUT_S + 2 * GRACE_S  # the child's own bound comes first
    retry_s: float = BUILD_RETRY_S
    retry_failed_services_s: float = RETRY_FAILED_SERVICES_S


class Catalog:
    """Gives the catalogue of one endpoint and selection of services.

    `builder` is the command that builds a file; `environment` is all that it may see. `cache_dir`
    None, or `ttl_s` 0, is no cache. `prepare` is called in a thread with every file before `ready`
    returns it, and what it returns is called in the event loop then; files with the same `info.digest`
    hold the same document. `risk_rules` are a user's own. A catalogue that expires is renewed whether
    somebody asks or not.
    """

    def __init__(
        self,
        *,
        endpoint_root: str,
        services: Sequence[str],
        cache_dir: Path | None,
        ttl_s: float,
        builder: Sequence[str],
        environment: Mapping[str, str],
        prepare: Callable[[CatalogFile], Callable[[], None]] | None = None,
        clock: Callable[[], float] = time.time,
        waits: Waits | None = None,
        risk_rules: str = "",
    ) -> None:
        self._risk_rules = risk_rules
        self._endpoint_root = endpoint_root
        self._selection = normalize_selection(services)
        self._cache_dir = cache_dir if ttl_s > 0 else None
        self._ttl_s = ttl_s if ttl_s > 0 else CATALOG_TTL_S_DEFAULT
        self._builder = tuple(builder)
        self._environment = environment
        self._prepare_new = prepare
        self._clock = clock
        self._waits = waits or Waits()
        self._place: CachePlace | None = None
        self._file: CatalogFile | None = None
        self._update: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failure: CatalogError | None = None
        self._retry_at_s = 0.0  # of the event loop's clock
        self._looked_at: _Identity | None = None
        self._progress = BuildProgress(0, 0, "starting")
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def current(self) -> CatalogFile | None:
        """The newest catalogue that is open, expired or not; None before there is one."""
        return self._file

    def start(self) -> None:
        """Begin to open or build the catalogue in the background; returns at once."""
        self._begin_update()

    async def ready(self, on_progress: ProgressCallback | None = None) -> CatalogFile:
        """Return the catalogue, after the first build if need be; `on_progress` hears of its steps.

        Raises CatalogError: `catalog-building` when the first build takes longer than a call may
        wait, `catalog-unavailable` or `service-unknown` when it failed.
        """
        if self._file is None or not self._is_fresh(self._file.info) or self._is_replaced():
            self._begin_update()
        bound = asyncio.timeout(self._waits.first_build_s)
        try:
            async with bound:
                return await self._wait_file(on_progress)
        except TimeoutError as error:
            if not bound.expired():
                raise
            raise self._still_building() from error

    async def aclose(self) -> None:
        """End a running build and close the catalogue; a cache stays, a private directory goes."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._update is not None:
            self._update.cancel()
            await asyncio.wait([self._update])
        self._notify()
        if self._file is not None:
            self._file.close()
        if self._place is not None:
            await asyncio.to_thread(self._place.remove)

    # --- waiting ---------------------------------------------------------------------------------

    async def _wait_file(self, on_progress: ProgressCallback | None) -> CatalogFile:
        told: BuildProgress | None = None
        while True:
            changed = self._changed
            if self._file is not None:
                return self._file
            if self._update is None or self._update.done() or self._failure is not None:
                raise self._why_not()
            if on_progress is not None and self._progress != told:
                told = self._progress
                await on_progress(told)
            await changed.wait()

    def _still_building(self) -> CatalogError:
        progress = self._progress
        far = f"{progress.done} of {progress.total} services" if progress.total else "no service yet"
        return CatalogError(
            f"The API's catalogue is still being built ({progress.step}: {far}), and nothing was run. "
            "Call again in a few seconds.",
            code="catalog-building",
            hint="Call again in a few seconds.",
        )

    def _why_not(self) -> CatalogError:
        if self._is_closed or self._failure is None:
            return CatalogError(
                "The server is stopping.", code="catalog-unavailable", hint="Tell the user to start it again."
            )
        left_s = max(1, math.ceil(self._retry_at_s - asyncio.get_running_loop().time()))
        return CatalogError(
            f"{cut_foreign(self._failure.message, _REASON_CHARS)} Try again after {left_s} s.",
            code="service-unknown" if self._failure.code == "service-unknown" else "catalog-unavailable",
            hint=self._failure.hint or f"Try again after {left_s} s; if it stays, tell the user.",
        )

    # --- updating --------------------------------------------------------------------------------

    def _begin_update(self) -> None:
        """Start an update, unless one runs, or the last one failed a moment ago and no new file is there."""
        loop = asyncio.get_running_loop()
        is_running = self._update is not None and not self._update.done()
        if not is_running and not self._is_closed and (self._may_build() or self._is_replaced()):
            self._failure = None
            self._progress = BuildProgress(0, 0, "starting")
            self._update = loop.create_task(self._run_update())

    def _may_build(self) -> bool:
        return asyncio.get_running_loop().time() >= self._retry_at_s

    def _plan_renewal(self) -> None:
        """Look again when the catalogue expires; where there is none, calls ask for it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_closed or self._file is None:
            return
        loop, info = asyncio.get_running_loop(), self._file.info
        lifetime_s = fresh_for_s(info, self._ttl_s, self._waits.retry_failed_services_s)
        left_s = max(lifetime_s - (self._clock() - info.built_at), self._retry_at_s - loop.time())
        self._timer = loop.call_later(max(left_s, RENEWAL_PAUSE_S), self._renew)

    def _renew(self) -> None:
        if self._file is None or not self._is_fresh(self._file.info):
            self._begin_update()
        if self._update is None or self._update.done():
            self._plan_renewal()

    async def _run_update(self) -> None:
        try:
            await self._try_update()
        finally:
            self._plan_renewal()

    async def _try_update(self) -> None:
        try:
            await self._load_or_build()
        except CatalogError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  # the outermost handler of this task
            _log.exception("event=bug in=catalog")
            self._fail(
                CatalogError(
                    f"The catalogue could not be updated: a fault of this program ({type(error).__name__}).",
                    code="catalog-unavailable",
                )
            )

    async def _load_or_build(self) -> None:
        if self._place is None:
            self._place = await self._prepare(self._cache_dir)
        if self._file is None or self._is_replaced():
            await self._load(self._place.kept)
        if self._file is not None and (self._is_fresh(self._file.info) or not self._may_build()):
            return
        try:
            await self._build_once(self._place)
        except CatalogError as error:
            if error.code != "cache-unusable" or self._place.private is not None:
                raise
            _log.warning("event=cache-unusable reason=%r next=%r", error.message, _WITHOUT_CACHE)
            self._place = await self._prepare(None)
            await self._build_once(self._place)

    async def _prepare(self, cache_dir: Path | None) -> CachePlace:
        place = await asyncio.to_thread(
            prepare_place, cache_dir, self._endpoint_root, self._selection, self._risk_rules
        )
        if place.obstacle:
            reason = f"The cache directory {cache_dir} is not used: {place.obstacle}."
            _log.warning("event=cache-unusable reason=%r next=%r", reason, _WITHOUT_CACHE)
        return place

    async def _build_once(self, place: CachePlace) -> None:
        """Build the file, unless another server that shares the directory has just built it."""
        try:
            async with build_lock(place.lock, timeout_s=self._waits.build_s, on_wait=self._say_waiting):
                if not await self._load(place.path):
                    await self._build(place)
        except OSError as error:
            raise CatalogError(
                f"The lock file {place.lock} cannot be made: {error.strerror or error}.",
                code="cache-unusable",
            ) from error

    async def _load(self, path: Path) -> bool:
        """Open the file at `path` if it is ours and newer than what there is; tell whether that is fresh."""
        self._looked_at = _identity(path)
        try:
            file = await asyncio.to_thread(open_verified, path)
        except CatalogError as error:
            _log.debug("event=catalog-not-opened reason=%r", error.message)
            return False
        is_ours = (file.info.endpoint_root, file.info.services) == (self._endpoint_root, self._selection)
        if not is_ours or (self._file is not None and file.info.built_at <= self._file.info.built_at):
            file.close()
            return False
        await self._publish(file)
        return self._is_fresh(file.info)

    async def _build(self, place: CachePlace) -> None:
        previous = self._file.path if self._file is not None else place.kept
        await run_builder(
            [
                *self._builder,
                *builder_arguments(
                    endpoint_root=self._endpoint_root,
                    selection=self._selection,
                    out=place.path,
                    previous=previous,
                    risk_rules=self._risk_rules,
                ),
            ],
            environment=self._environment,
            on_progress=self._say,
            timeout_s=self._waits.build_s,
        )
        self._looked_at = _identity(place.path)
        await self._publish(await asyncio.to_thread(CatalogFile.open, place.path))

    async def _publish(self, file: CatalogFile) -> None:
        info = file.info
        _log.info(
            "event=catalog-open services=%d operations=%d failed=%d age_s=%d",
            info.service_count,
            info.operation_count,
            len(info.failed),
            self._clock() - info.built_at,
        )
        for name, reason in info.failed.items():
            _log.warning("event=service-failed service=%s reason=%r", name, reason)
        if self._prepare_new is not None:
            (await asyncio.to_thread(self._prepare_new, file))()
        # The one before is closed when the last script that uses it lets go of it.
        self._file = file
        self._notify()

    def _is_replaced(self) -> bool:
        """Tell whether the file in the cache is another one than when it was looked at last; one stat."""
        place = self._place
        if place is None or place.private is not None:
            return False
        return _identity(place.path) not in (self._looked_at, None)

    def _is_fresh(self, info: CatalogInfo) -> bool:
        lifetime_s = fresh_for_s(info, self._ttl_s, self._waits.retry_failed_services_s)
        return 0 <= self._clock() - info.built_at < lifetime_s

    def _fail(self, error: CatalogError) -> None:
        _log.warning("event=catalog-build-failed code=%s reason=%r", error.code, error.message)
        wait_s = self._waits.retry_s if self._file is None else self._waits.retry_failed_services_s
        self._retry_at_s = asyncio.get_running_loop().time() + wait_s
        self._failure = error
        self._notify()

    def _say_waiting(self) -> None:
        self._say(BuildProgress(0, 0, "waiting for another server's build"))

    def _say(self, progress: BuildProgress) -> None:
        self._progress = progress
        self._notify()

    def _notify(self) -> None:
        """Wake everybody who waits, once."""
        self._changed.set()
        self._changed = asyncio.Event()


def fresh_for_s(
    info: CatalogInfo, ttl_s: float, retry_failed_services_s: float = RETRY_FAILED_SERVICES_S
) -> float:
    """Return how long after it was built a catalogue counts as fresh: less where services failed."""
    return min(ttl_s, retry_failed_services_s) if info.failed else ttl_s


def open_verified(path: Path) -> CatalogFile:
    """Open a catalogue file and read it through once; raises CatalogError `cache-unusable`."""
    file = CatalogFile.open(path)
    try:
        file.verify()
    except CatalogError:
        file.close()
        raise
    return file


def _identity(path: Path) -> _Identity | None:
    """Return what tells a file from the one that takes its name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns
