"""Builds a catalogue file: download, convert, merge, write."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ovh_api_mcp import __version__
from ovh_api_mcp.catalog.download import (
    Download,
    Fetch,
    OnProgress,
    Timeouts,
    download_services,
)
from ovh_api_mcp.catalog.model import BuildProgress, CatalogInfo
from ovh_api_mcp.catalog.openapi import ApiDocument, merge_services
from ovh_api_mcp.catalog.selection import normalize_selection
from ovh_api_mcp.catalog.store import read_natives, remove_leftovers, write_catalog_file
from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.limits import BUILD_TIMEOUT_S


async def build_catalog(
    fetch: Fetch,
    *,
    endpoint_root: str,
    services: Sequence[str],
    out: Path,
    previous: Path | None = None,
    on_progress: OnProgress = lambda progress: None,
    clock: Callable[[], float] = time.time,
    timeouts: Timeouts | None = None,
    risk_rules: str = "",
) -> CatalogInfo:
    """Build the catalogue of an endpoint and give it the name `out`, whose directory must exist.

    `services` are roots (dedicated/server; a parent root selects what lies below it), or "*".
    `risk_rules` are a user's own, which speak before those of catalog/risk_rules.txt.
    `previous` is a catalogue file, of whatever program version, whose copies stand in for services
    that cannot be had. Two builds of one `out` at a time only waste work: the last to end wins.

    Raises CatalogError: `service-unknown`, `catalog-unavailable`, or `cache-unusable` where the file
    cannot be written. Cost for the whole API: about 1 s of CPU and 200 MB for a moment.
    """
    remove_leftovers(out, older_than_s=BUILD_TIMEOUT_S)
    copies = read_natives(previous, endpoint_root) if previous is not None else {}
    download = await download_services(
        fetch,
        endpoint_root=endpoint_root,
        selection=services,
        copies=copies,
        now_s=clock(),
        on_progress=on_progress,
        timeouts=timeouts or Timeouts(),
    )
    count = len(download.services)
    on_progress(BuildProgress(count, count, "writing the catalogue"))
    document = merge_services(download.services.values(), endpoint_root, risk_rules)
    info = _info(endpoint_root, normalize_selection(services), clock(), download, document)
    try:
        write_catalog_file(out, info, document, download.natives)
    except (OSError, sqlite3.Error) as error:
        raise CatalogError(
            f"The catalogue file {out} cannot be written: {error}.", code="cache-unusable"
        ) from error
    return info


def _is_there(failed: str, download: Download) -> bool:
    """Tell whether copies stand in for a service, or for services of a branch, that failed."""
    return any(f"{name}/".startswith(f"{failed}/") for name in download.services)


def _info(
    endpoint_root: str,
    selection: tuple[str, ...],
    built_at: float,
    download: Download,
    document: ApiDocument,
) -> CatalogInfo:
    return CatalogInfo(
        endpoint_root=endpoint_root,
        services=selection,
        built_at=built_at,
        program_version=__version__,
        service_count=len(download.services),
        path_count=document.path_count,
        operation_count=len(document.operations),
        failed=dict(sorted(download.failed.items())),
        absent=tuple(name for name in sorted(download.failed) if not _is_there(name, download)),
        left_out=tuple(sorted(download.left_out)),
        document_bytes=len(document.text),
        digest=hashlib.sha256(document.text).hexdigest(),
    )
