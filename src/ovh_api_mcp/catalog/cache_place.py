"""Where the catalogue file of one endpoint and selection of services lies.

In the cache directory, or, where there is none or it cannot be written, in a private directory that
is removed at the end. Blocking: call it in a thread.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ovh_api_mcp.errors import CatalogError

# A file system in memory, for machines where nothing else can be written.
_LAST_RESORT: Final = "/dev/shm"  # noqa: S108  # a fresh directory of mode 0700 is made in it


@dataclass(frozen=True, slots=True)
class CachePlace:
    """`path` is what builds write; `kept` what is there to begin with, in a directory that may be read-only.

    `private` is the directory to remove at the end, None in a cache. `obstacle` says why a cache
    directory is not used, "" where it is, or where none was wanted.
    """

    path: Path
    kept: Path
    private: Path | None = None
    obstacle: str = ""

    @property
    def lock(self) -> Path:
        """The lock file of builds of this catalogue."""
        return self.path.with_suffix(".lock")

    def remove(self) -> None:
        """Remove a private directory; a cache stays."""
        if self.private is not None:
            shutil.rmtree(self.private, ignore_errors=True)


def prepare_place(
    cache_dir: Path | None, endpoint_root: str, selection: Sequence[str], risk_rules: str = ""
) -> CachePlace:
    """Return where the catalogue lies, its directory made (mode 0700) and known to be writable.

    Raises CatalogError `cache-unusable` where no directory at all can be written.
    """
    name = file_name(endpoint_root, selection, risk_rules)
    if cache_dir is None:
        return _private_place(name, None, "")
    try:
        cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if may_be_changed_by_others(cache_dir.stat()):
            return _private_place(name, None, "other users of this machine can change what lies in it")
        with tempfile.TemporaryFile(dir=cache_dir):
            pass
    except OSError as error:
        return _private_place(name, cache_dir / name, error.strerror or str(error))
    return CachePlace(cache_dir / name, cache_dir / name)


def may_be_changed_by_others(status: os.stat_result) -> bool:
    """Tell whether a user who is neither this one nor root can change a file or directory.

    The catalogue decides which calls may leave, so one that somebody else wrote is not believed.
    """
    if os.name == "nt":
        return False  # its access lists are not in the mode
    return status.st_uid not in (os.geteuid(), 0) or bool(status.st_mode & stat.S_IWOTH)


def file_name(endpoint_root: str, selection: Sequence[str], risk_rules: str = "") -> str:
    """Return a name that no other endpoint, selection or rules have, and that tells which API it is."""
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", endpoint_root.partition("://")[2])[:60].strip("-.")
    digest = hashlib.sha256(
        "\n".join([endpoint_root, *selection, *filter(None, [risk_rules])]).encode()
    ).hexdigest()
    return f"{host or 'api'}-{digest[:16]}.sqlite"


def _private_place(name: str, kept: Path | None, obstacle: str) -> CachePlace:
    reason = ""
    for parent in (None, _LAST_RESORT):
        try:
            private = Path(tempfile.mkdtemp(prefix="ovh-api-mcp-", dir=parent))
        except OSError as error:
            reason = reason or error.strerror or str(error)
        else:
            return CachePlace(private / name, kept or private / name, private, obstacle)
    raise CatalogError(
        f"There is no directory in which the catalogue could be built: {reason}. "
        "Set --cache-dir (OVH_CACHE_DIR) or TMPDIR to a directory that can be written.",
        code="cache-unusable",
        hint="Set --cache-dir (OVH_CACHE_DIR) or TMPDIR to a directory that can be written.",
    )
