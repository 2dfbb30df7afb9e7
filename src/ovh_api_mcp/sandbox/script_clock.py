"""The wall time of one script: it stands still while the script only waits for its turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ovh_api_mcp import limits


class ScriptClock:
    """Runs from `deadline` on, and stands still for limits.STANDSTILL_S in all at most."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._deadline = asyncio.timeout(None)
        self._is_running = False
        self._started = 0.0
        self._stopped_at: float | None = None
        self._stood_s = 0.0

    @property
    def stood_s(self) -> float:
        """The seconds for which it has stood still, up to now."""
        since = 0.0 if self._stopped_at is None else time.monotonic() - self._stopped_at
        return min(self._stood_s + since, limits.STANDSTILL_S)

    @property
    def elapsed_s(self) -> float:
        """The seconds since it was started, those of standing still included."""
        return time.monotonic() - self._started

    @property
    def run_s(self) -> float:
        """The seconds that the script has had."""
        return self.elapsed_s - self.stood_s

    def has_run(self, seconds: float) -> bool:
        """Tell whether the script has had so much time."""
        return self.run_s >= seconds

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Start; *Raises* TimeoutError when the time is up."""
        self._started = time.monotonic()
        if self._stopped_at is not None:
            self._stopped_at = self._started
        try:
            async with self._deadline:
                self._is_running = True
                self._reschedule()
                yield
        finally:
            self._is_running = False

    def stop(self) -> None:
        """Stand still."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._reschedule()

    def go_on(self) -> None:
        """Run again."""
        if self._stopped_at is not None:
            self._stood_s = self.stood_s
            self._stopped_at = None
            self._reschedule()

    def _reschedule(self) -> None:
        if not self._is_running or self._deadline.expired():
            return
        may_stand_s = limits.STANDSTILL_S - self.stood_s if self._stopped_at is not None else 0.0
        left_s = self._limit_s + self.stood_s - self.elapsed_s + may_stand_s
        self._deadline.reschedule(asyncio.get_running_loop().time() + left_s)
