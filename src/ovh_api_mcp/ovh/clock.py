"""The time of the API's server, which signatures are checked against."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final

from ovh_api_mcp.errors import NetworkError
from ovh_api_mcp.limits import CLOCK_DOUBTED_S, CLOCK_JUMP_S, CLOCK_MAX_AGE_S, TOKEN_ANSWER_BYTES
from ovh_api_mcp.ovh.failures import authentication_unavailable
from ovh_api_mcp.ovh.shared_call import SharedCall
from ovh_api_mcp.ovh.transport import CHECK_ENDPOINT, HttpRequest, Transport

_log = logging.getLogger(__name__)

_TIME_PATH: Final = "/v1/auth/time"
_UNIX_SECONDS: Final = re.compile(rb"\s*[0-9]{9,11}\s*")


class ServerClock:
    """The server's time, from the local clock and a delta that is asked for when first needed.

    Source: `delta = server - local; timestamp = local + delta`, as in OVHcloud's SDKs.
    """

    def __init__(
        self,
        transport: Transport,
        root: str,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._url = root + _TIME_PATH
        self._wall = wall
        self._monotonic = monotonic
        self._delta_s = 0
        self._measured_at: float | None = None
        self._wall_ahead_s = 0.0  # of the monotonic clock, when it was measured
        self._doubted_at: float | None = None
        self._measure_shared = SharedCall(self._measure)

    async def now(self) -> int:
        """Return the server's time in Unix seconds. Raises NetworkError."""
        if self._measured_at is None or self._monotonic() - self._measured_at > CLOCK_MAX_AGE_S:
            await self._measure_shared()
        elif abs(self._wall() - self._monotonic() - self._wall_ahead_s) > CLOCK_JUMP_S:
            await self._measure_shared()  # the machine slept, or somebody set its clock
        return int(self._wall()) + self._delta_s

    async def is_other_than(self, timestamp: int, sent_at: float) -> bool:
        """Tell whether a timestamp that the API refused was wrong, by measuring once more.

        `sent_at` is the wall time at which it was taken. That it was right counts for all requests of
        limits.CLOCK_DOUBTED_S. *Raises* NetworkError.
        """
        if self._is_off(timestamp, sent_at):
            return True  # measured anew since, for another request
        now = self._monotonic()
        if self._doubted_at is not None and now - self._doubted_at <= CLOCK_DOUBTED_S:
            return False
        self._doubted_at = now
        await self._measure_shared()
        is_off = self._is_off(timestamp, sent_at)
        if is_off:
            self._doubted_at = None
        return is_off

    def _is_off(self, timestamp: int, sent_at: float) -> bool:
        return abs(int(sent_at) + self._delta_s - timestamp) > 1  # a second may have passed between

    async def aclose(self) -> None:
        """Stop a running measurement."""
        await self._measure_shared.aclose()

    async def _measure(self) -> None:
        response = await self._transport.send(HttpRequest("GET", self._url), limit_bytes=TOKEN_ANSWER_BYTES)
        if response.status >= 400:
            raise authentication_unavailable(response, asked=_TIME_PATH)
        if not _UNIX_SECONDS.fullmatch(response.body):
            raise NetworkError(
                f"{_TIME_PATH} did not answer the time in Unix seconds, so the request itself was not sent. "
                f"{CHECK_ENDPOINT}",
                code="authentication-unavailable",
                hint=CHECK_ENDPOINT,
            )
        wall_s = self._wall()
        self._delta_s = int(response.body) - int(wall_s)
        self._measured_at = self._monotonic()
        self._wall_ahead_s = wall_s - self._measured_at
        _log.debug("event=clock-measured delta_s=%d", self._delta_s)
