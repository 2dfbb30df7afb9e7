"""One build at a time among all servers that share a cache directory.

The lock belongs to an open file, so it is free as soon as its holder is gone, however that ended.
The lock file itself stays: removing it would let two servers lock two different files.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ovh_api_mcp.limits import BUILD_LOCK_POLL_S

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)


@asynccontextmanager
async def build_lock(path: Path, *, timeout_s: float, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock at `path`, which saves work and is not needed for a right result.

    `on_wait` is called once if another process has it. It goes on without the lock where another
    process holds it for all of `timeout_s`, and where the system or the file system has no locks: two
    builds harm nothing, since each renames a whole file into place. Raises OSError where the lock
    file cannot be made.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        await _acquire(descriptor, timeout_s, on_wait)
        yield
    finally:
        os.close(descriptor)


async def _acquire(descriptor: int, timeout_s: float, on_wait: Callable[[], None]) -> None:
    try:
        if _try_lock(descriptor):
            return
        on_wait()
        async with asyncio.timeout(timeout_s):
            while not _try_lock(descriptor):  # noqa: ASYNC110  # nothing tells when a file lock is free
                await asyncio.sleep(BUILD_LOCK_POLL_S)
    except TimeoutError:  # before OSError, which it is a kind of
        _log.warning("event=build-lock-held waited_s=%d next=%r", timeout_s, "building all the same")
    except OSError:
        pass  # a file system without locks


def _try_lock(descriptor: int) -> bool:
    """Take the lock unless another process has it; tell whether it is taken."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
