"""The attempts of one request, as retry.py has them: how often, how far apart, until when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, NetworkError
from ovh_api_mcp.ovh.retry import attempts_at_most, may_be_repeated, wait_s

T = TypeVar("T")


class Attempts:
    """Tries one request of `method` until it succeeds, must not be repeated, or `deadline_s` is too near.

    `deadline_s` is in the event loop's time; `made` counts.
    """

    def __init__(
        self, method: Method, deadline_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._method = method
        self._deadline_s = deadline_s
        self._sleep = sleep
        self.made = 0

    async def run(self, send: Callable[[], Awaitable[T]]) -> T:
        """Return the first success; *Raises* the last error, which says how often it was tried."""
        from tenacity import AsyncRetrying, RetryCallState, retry_if_exception  # late: 7 ms of every start

        async def once() -> T:
            self.made += 1
            return await send()

        def error_of(state: RetryCallState) -> BaseException | None:
            return state.outcome.exception() if state.outcome else None

        def wait(state: RetryCallState) -> float:
            error = error_of(state)
            return wait_s(error, state.attempt_number) if error else 0.0

        def stop(state: RetryCallState) -> bool:
            ends_at_s = asyncio.get_running_loop().time() + state.upcoming_sleep
            error = error_of(state)
            most = attempts_at_most(error) if error else 1
            return state.attempt_number >= most or ends_at_s >= self._deadline_s

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: may_be_repeated(error, self._method)),
            wait=wait,
            stop=stop,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(once)
        except (ApiError, NetworkError) as error:
            error.note_attempts(self.made)
            raise
