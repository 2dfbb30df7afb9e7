"""The wall time of one script: it stands still while the script only waits for its turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ovh_api_mcp import limits


class ScriptClock:
    """Runs from `deadline` on, and stands still for limits.STANDSTILL_S in all at most, but for a person."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._deadline = asyncio.timeout(None)
        self._is_running = False
        self._started = 0.0
        self._stopped_at: float | None = None
        self._is_for_person = False
        self._stood_s = 0.0
        self._asked_s = 0.0

    @property
    def stood_s(self) -> float:
        """The seconds for which it has stood still, up to now."""
        return self._in_turn_s + self._with_person_s

    @property
    def _since_s(self) -> float:
        return 0.0 if self._stopped_at is None else time.monotonic() - self._stopped_at

    @property
    def _in_turn_s(self) -> float:
        return min(self._stood_s + (0.0 if self._is_for_person else self._since_s), limits.STANDSTILL_S)

    @property
    def _with_person_s(self) -> float:
        return self._asked_s + (self._since_s if self._is_for_person else 0.0)

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

    def stop(self, *, for_person: bool = False) -> None:
        """Stand still; as long as a person takes, where it is for one."""
        if self._stopped_at is not None and self._is_for_person != for_person:
            self.go_on()
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._is_for_person = for_person
            self._reschedule()

    def go_on(self) -> None:
        """Run again."""
        if self._stopped_at is not None:
            self._stood_s, self._asked_s = self._in_turn_s, self._with_person_s
            self._stopped_at = None
            self._is_for_person = False
            self._reschedule()

    def _reschedule(self) -> None:
        if not self._is_running or self._deadline.expired():
            return
        if self._is_for_person:
            self._deadline.reschedule(None)
            return
        may_stand_s = limits.STANDSTILL_S - self._in_turn_s if self._stopped_at is not None else 0.0
        left_s = self._limit_s + self.stood_s - self.elapsed_s + may_stand_s
        self._deadline.reschedule(asyncio.get_running_loop().time() + left_s)
