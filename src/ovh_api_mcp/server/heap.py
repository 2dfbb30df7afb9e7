"""Gives memory back to the system after large results, bodies and answers have passed through.

glibc keeps what was freed for the next time, after a burst several hundred megabytes.
Source: malloc_trim(3), mallopt(3). Elsewhere the allocator does as it likes.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import Callable
from typing import Final

from ovh_api_mcp import limits


def _find_trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


_TRIM: Final = _find_trim()


class Heap:
    """Counts what passes through, and trims the heap once in a while where that was much."""

    def __init__(self) -> None:
        self._passed_bytes = 0
        self._is_due = False

    def note(self, size_bytes: int) -> None:
        """Take note of bytes that were held and are about to be freed."""
        self._passed_bytes += size_bytes
        if _TRIM is not None and not self._is_due and self._passed_bytes >= limits.TRIM_BYTES:
            self._is_due = True
            asyncio.get_running_loop().call_later(limits.TRIM_DELAY_S, self._trim)

    def _trim(self) -> None:
        self._is_due = False
        self._passed_bytes = 0
        if _TRIM is not None:
            asyncio.get_running_loop().run_in_executor(None, _TRIM, 0)  # some milliseconds
