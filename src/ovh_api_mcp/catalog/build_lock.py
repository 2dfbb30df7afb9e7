"""One build at a time among all servers that share a cache directory.

The lock belongs to an open file, so it is free as soon as its holder is gone, however that ended.
The lock file itself stays: removing it would let two servers lock two different files.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

if sys.platform != "win32":
    import fcntl

_POLL_S: Final = 0.1


@asynccontextmanager
async def build_lock(path: Path, *, timeout_s: float, on_wait: Callable[[], None]) -> AsyncIterator[bool]:
    """Hold the lock at `path`; gives False where another process held it for all of `timeout_s`.

    `on_wait` is called once if another process has it. Where the system or the file system has no
    locks, it gives True at once: two builds harm nothing, since each renames a whole file into
    place. Raises OSError where the lock file cannot be made.
    """
    if sys.platform == "win32":
        yield True
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield await _acquire(descriptor, timeout_s, on_wait)
    finally:
        os.close(descriptor)


async def _acquire(descriptor: int, timeout_s: float, on_wait: Callable[[], None]) -> bool:
    try:
        if _try_lock(descriptor):
            return True
        on_wait()
        async with asyncio.timeout(timeout_s):
            while not _try_lock(descriptor):  # noqa: ASYNC110  # nothing tells when a file lock is free
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def _try_lock(descriptor: int) -> bool:
    """Take the lock unless another process has it; tell whether it is taken."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
