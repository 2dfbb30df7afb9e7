"""Finds out what is wrong with application keys, by asking the API.

"Invalid signature" stands for a clock that is off, for keys of another endpoint, for a consumer key that
nobody has validated, and for a wrong secret. Three requests tell most of them apart: the API's time,
the key's own record, and the application key without a signature. All of them only read.

Contract: bounded in time; at most one examination of a refusal in DIAGNOSIS_AGE_S, whoever asks, until a
request succeeds; what these requests are answered is never itself examined; no key goes to another
host than the endpoint's.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import aclosing
from typing import TypeAlias

from ovh_api_mcp.errors import ApiError, NetworkError
from ovh_api_mcp.limits import CLOCK_TOLERANCE_S, DIAGNOSIS_AGE_S, DIAGNOSIS_TIMEOUT_S, TOKEN_ANSWER_BYTES
from ovh_api_mcp.ovh.causes import (
    KEY_RECORD_PATH,
    NOT_SAID,
    clock_off,
    foreign_key,
    misplaced_keys,
    told_by_record,
    told_by_refusal,
    wrong_secret,
)
from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.failures import api_error, is_signature_refused
from ovh_api_mcp.ovh.shared_call import SharedCall
from ovh_api_mcp.ovh.signing import signed_headers
from ovh_api_mcp.ovh.transport import HttpRequest, HttpResponse, Transport

_Headers: TypeAlias = tuple[tuple[str, str], ...]


class KeyExamination:
    """Examines one set of application keys; `clock` is the one that requests are signed by."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        credentials: ApplicationCredentials,
        clock: ServerClock,
        *,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._credentials = credentials
        self._clock = clock
        self._wall = wall
        self._monotonic = monotonic
        self._found = NOT_SAID
        self._found_for = ""
        self._examine_again_at = -math.inf
        self._examine_shared = SharedCall(self._examine)

    async def cause(self, error: ApiError) -> str:
        """Return what is wrong and what to do, as a hint; NOT_SAID where it cannot be told.

        What was found for one refusal is not told for another one.
        """
        refused = f"{error.status} {error.error_code} {error.said}"
        if self._monotonic() >= self._examine_again_at or refused != self._found_for:
            self._found_for = refused
            await self._examine_shared()
        return self._found

    def forget(self) -> None:
        """Look again at the next refusal."""
        self._examine_again_at = -math.inf

    async def aclose(self) -> None:
        """Stop examining."""
        await self._examine_shared.aclose()

    async def _examine(self) -> None:
        self._found = misplaced_keys(self._credentials)
        try:
            async with asyncio.timeout(DIAGNOSIS_TIMEOUT_S):
                self._found = self._found or await self._seen_in_clock() or await self._seen_by_api()
        except (NetworkError, TimeoutError):
            pass  # the hint of the tables has to do
        finally:
            self._examine_again_at = self._monotonic() + DIAGNOSIS_AGE_S

    async def _seen_in_clock(self) -> str:
        signed_s = await self._clock.now()
        fresh = ServerClock(self._transport, self._endpoint.root, wall=self._wall, monotonic=self._monotonic)
        async with aclosing(fresh):
            off_s = abs(await fresh.now() - signed_s)
        return clock_off(off_s) if off_s > CLOCK_TOLERANCE_S else NOT_SAID

    async def _seen_by_api(self) -> str:
        url = self._endpoint.root + KEY_RECORD_PATH
        timestamp = await self._clock.now()
        signed = signed_headers(self._credentials, method="GET", url=url, body=None, timestamp=timestamp)
        response = await self._get(url, signed)
        if response.status < 400:
            return told_by_record(response.body)
        error = api_error(response)
        if not is_signature_refused(error):
            return told_by_refusal(error, self._credentials, self._endpoint)
        unsigned = await self._get(url, (("X-Ovh-Application", self._credentials.application_key),))
        if unsigned.status >= 400 and api_error(unsigned).error_code == "INVALID_KEY":
            return foreign_key(self._credentials, self._endpoint)
        return wrong_secret(self._credentials, self._endpoint)

    async def _get(self, url: str, headers: _Headers) -> HttpResponse:
        request = HttpRequest("GET", url, (("Accept", "application/json"), *headers))
        return await self._transport.send(request, limit_bytes=TOKEN_ANSWER_BYTES)
