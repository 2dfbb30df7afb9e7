"""From an endpoint to converted services: the indexes of both branches, then every selected schema.

One service that is missing or broken never fails the rest: it is named in `failed`, and its last
good copy is used where there is one. A schema of which there is a copy is asked for on condition that
it has changed. Only failures that asking again may help are asked again.
The network is given as a `Fetch`; nothing here knows HTTP.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Protocol

import stamina

from ovh_api_mcp.catalog.model import BuildProgress
from ovh_api_mcp.catalog.native import BRANCHES, Branch, IndexEntry, parse_index, parse_service
from ovh_api_mcp.catalog.openapi import ServiceDocument, convert_service
from ovh_api_mcp.catalog.selection import ALL, is_selected, normalize_selection, unknown_services
from ovh_api_mcp.catalog.store import NativeCopy
from ovh_api_mcp.catalog.validators import NO_VALIDATORS, Fetched, Validators
from ovh_api_mcp.errors import CatalogError, OvhMcpError, cut_foreign, is_transient
from ovh_api_mcp.limits import (
    BUILD_TIMEOUT_S,
    FETCH_ATTEMPTS,
    FETCH_CONCURRENCY,
    FETCH_WAIT_JITTER_S,
    FETCH_WAIT_MAX_S,
    FETCH_WAIT_S,
    INDEX_BYTES,
    SCHEMA_BYTES,
    SCHEMA_FETCH_TIMEOUT_S,
    SCHEMAS_BYTES,
)

# Contract: paths from the index become URLs and names of services. Only plain segments pass: no
# dots, so neither "..", nor a host; no "%", "?", "#", "\", "@" or ":".
_SERVICE_PATH: Final = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,99}){1,8}")
_SCHEMA_PATH: Final = re.compile(rf"{_SERVICE_PATH.pattern}\.json")


class Fetch(Protocol):
    """Gets a URL: the body of an answer below 300; else ApiError, NetworkError.

    Where `known` says which version is here already, a newer one, or no body if there is none.
    """

    async def __call__(self, url: str, *, limit_bytes: int, known: Validators) -> Fetched: ...


OnProgress = Callable[[BuildProgress], None]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a download may take, in seconds: one schema with its retries, and all of them."""

    schema_s: float = SCHEMA_FETCH_TIMEOUT_S
    total_s: float = BUILD_TIMEOUT_S


@dataclass(slots=True)
class Download:
    """What came: converted services, their schemas as they came, what failed by service or branch.

    `left_out` are the services of the indexes that were not asked for.
    """

    services: dict[str, ServiceDocument] = field(default_factory=dict)
    natives: dict[str, NativeCopy] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


async def download_services(
    fetch: Fetch,
    *,
    endpoint_root: str,
    selection: Sequence[str],
    copies: Mapping[str, NativeCopy],
    now_s: float,
    on_progress: OnProgress,
    timeouts: Timeouts,
) -> Download:
    """Download and convert the selected services of both branches.

    Raises CatalogError: `service-unknown` for a root that is in no index, `catalog-unavailable`
    where nothing at all could be had, with the first reason.
    """
    download = _Downloader(fetch, endpoint_root, copies, now_s, on_progress, timeouts)
    return await download.run(normalize_selection(selection))


class _Downloader:
    """One download, from the indexes to the last service."""

    def __init__(
        self,
        fetch: Fetch,
        endpoint_root: str,
        copies: Mapping[str, NativeCopy],
        now_s: float,
        on_progress: OnProgress,
        timeouts: Timeouts,
    ) -> None:
        self._fetch = fetch
        self._root = endpoint_root
        self._copies = copies
        self._now_s = now_s
        self._on_progress = on_progress
        self._timeouts = timeouts
        self._deadline_s = asyncio.get_running_loop().time() + timeouts.total_s
        self._gate = asyncio.Semaphore(FETCH_CONCURRENCY)
        self._result = Download()
        self._bytes = 0

    async def run(self, selection: tuple[str, ...]) -> Download:
        self._report(0, 0, "reading the index")
        known: dict[str, str | None] = {}
        for schemas in await asyncio.gather(*map(self._index, BRANCHES)):
            known |= schemas
        wanted = self._select(known, selection)
        self._result.left_out = known.keys() - set(wanted)
        self._report(0, len(wanted), "loading services")
        await asyncio.gather(*(self._service(name, known[name], len(wanted)) for name in wanted))
        if not self._result.services:
            raise self._nothing()
        return self._result

    async def _index(self, branch: Branch) -> dict[str, str | None]:
        """Return the services of a branch with the URLs of their schemas; None for copies of a lost index."""
        try:
            fetched = await self._get(f"{self._root}/{branch}/", INDEX_BYTES, f"The index of {branch}")
            entries = parse_index(_whole(fetched), branch)
        except OvhMcpError as error:
            kept = {name: None for name in self._copies if name.startswith(f"{branch}/")}
            self._fail(
                branch, error.message, "The last good copies of its services are used." if kept else ""
            )
            return dict(kept)
        return self._schema_urls(branch, entries)

    def _schema_urls(self, branch: Branch, entries: list[IndexEntry]) -> dict[str, str | None]:
        urls: dict[str, str | None] = {}
        for entry in entries:
            location = entry.schema.replace("{path}", entry.path).replace("{format}", "json")
            if _SERVICE_PATH.fullmatch(entry.path) and _SCHEMA_PATH.fullmatch(location):
                urls[f"{branch}{entry.path}"] = f"{self._root}/{branch}{location}"
            else:
                self._fail(
                    f"{branch}/{cut_foreign(entry.path.strip('/'), 80)}",
                    f"The index of {branch} says that its schema is at {cut_foreign(location, 80)!r}, "
                    "which is no plain path below the index.",
                )
        return urls

    def _select(self, known: Mapping[str, str | None], selection: tuple[str, ...]) -> list[str]:
        if selection == ALL:
            return sorted(known)
        wanted = {root: [name for name in known if is_selected(name, root)] for root in selection}
        unknown = [root for root, names in wanted.items() if not names]
        lost = next((branch for branch in BRANCHES if branch in self._result.failed), None)
        if unknown and lost is None:
            raise unknown_services(unknown, known)
        for root in unknown:
            self._fail(root, f"It is in no index that could be read, and the one of {lost} could not.")
        return sorted({name for names in wanted.values() for name in names})

    async def _service(self, name: str, url: str | None, total: int) -> None:
        async with self._gate:
            if url is None:
                self._use_copy(name)
            else:
                await self._load(name, url)
        self._report(len(self._result.services), total, "loading services")

    async def _load(self, name: str, url: str) -> None:
        what = f"The schema of {name}"
        copy = self._copies.get(name)
        try:
            fetched = await self._get(url, SCHEMA_BYTES, what, copy.validators if copy else NO_VALIDATORS)
            if copy is not None and fetched.body is None:
                if self._is_converted(name, replace(copy, fetched_at=self._now_s)):
                    return
                fetched = await self._get(url, SCHEMA_BYTES, what)  # the copy is damaged
            body = _whole(fetched)
            self._convert(name, body)
        except OvhMcpError as error:
            used = self._use_copy(name)
            self._fail(name, error.message, f"The copy of {used} is used." if used else "")
        else:
            self._result.natives[name] = NativeCopy.of(body, self._now_s, fetched.validators)

    def _convert(self, name: str, body: bytes) -> None:
        """Add a service to the result; raises CatalogError."""
        self._count(name, len(body))
        self._result.services[name] = convert_service(name, parse_service(body, name))

    def _is_converted(self, name: str, copy: NativeCopy) -> bool:
        """Use the copy that is still the newest; tell whether that was possible."""
        try:
            self._convert(name, copy.body())
        except CatalogError:
            return False
        self._result.natives[name] = copy
        return True

    def _use_copy(self, name: str) -> str:
        """Use the last good copy of a service; return its date, or "" where there is none that is usable."""
        copy = self._copies.get(name)
        if copy is None:
            return ""
        try:
            self._convert(name, copy.body())
        except CatalogError as error:
            self._fail(name, error.message)
            return ""
        self._result.natives[name] = copy
        return datetime.fromtimestamp(copy.fetched_at, UTC).strftime("%Y-%m-%d %H:%M UTC")

    async def _get(self, url: str, limit_bytes: int, name: str, known: Validators = NO_VALIDATORS) -> Fetched:
        """Fetch `url`, again after failures that may pass; raises CatalogError when the time is up."""
        left_s = self._deadline_s - asyncio.get_running_loop().time()
        timeout_s = max(0.0, min(self._timeouts.schema_s, left_s))
        fetched = Fetched(b"")
        try:
            async with asyncio.timeout(timeout_s):
                async for attempt in stamina.retry_context(
                    on=_may_pass,
                    attempts=FETCH_ATTEMPTS,
                    timeout=None,
                    wait_initial=FETCH_WAIT_S,
                    wait_max=FETCH_WAIT_MAX_S,
                    wait_jitter=FETCH_WAIT_JITTER_S,
                ):
                    with attempt:
                        fetched = await self._fetch(url, limit_bytes=limit_bytes, known=known)
        except TimeoutError as error:
            raise CatalogError(
                f"{name} did not come within {timeout_s:.0f} s.", code="catalog-unavailable"
            ) from error
        return fetched

    def _count(self, name: str, size_bytes: int) -> None:
        self._bytes += size_bytes
        if self._bytes > SCHEMAS_BYTES:
            raise CatalogError(
                f"The schema of {name} brings all schemas over {SCHEMAS_BYTES:,} bytes.",
                code="schema-too-large",
            )

    def _fail(self, name: str, reason: str, remedy: str = "") -> None:
        self._result.failed[name] = f"{reason} {remedy}".rstrip()

    def _nothing(self) -> CatalogError:
        first = next(iter(self._result.failed.values()), "Its indexes name no service.")
        return CatalogError(
            f"There is no catalogue: no service of {cut_foreign(self._root, 80)} could be loaded. {first}",
            code="catalog-unavailable",
            hint="Check the network, the endpoint, HTTPS_PROXY and NO_PROXY.",
        )

    def _report(self, done: int, total: int, step: str) -> None:
        self._on_progress(BuildProgress(done, total, step))


def _whole(fetched: Fetched) -> bytes:
    """Return the body of an answer that was asked for without conditions."""
    if fetched.body is None:
        raise CatalogError(
            "A server says that nothing has changed, but was not asked that.", code="catalog-unavailable"
        )
    return fetched.body


def _may_pass(error: Exception) -> bool:
    return is_transient(error)
