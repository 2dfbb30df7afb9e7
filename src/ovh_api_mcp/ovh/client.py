"""One request to the OVH API from end to end: authenticate, send, judge the answer.

Only code behind the gate gets at an OvhClient. Contract: a script has no way to choose a header that
authenticates, frames or routes; the client sets those alone, and refuses a request that brings one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Final, TypeAlias, assert_never

from ovh_api_mcp.errors import ApiError, InternalError, NetworkError, cut_foreign
from ovh_api_mcp.limits import ANSWER_BYTES, SCRIPT_LAST_S, TOTAL_TIMEOUT_S
from ovh_api_mcp.ovh.attempts import Attempts
from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.credentials import (
    AccessTokenCredentials,
    ApplicationCredentials,
    Credentials,
    ServiceAccountCredentials,
    secrets_of,
)
from ovh_api_mcp.ovh.diagnosis import Diagnosis
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.failures import api_error, before_sending, checked_json, is_clock_doubted, query_id
from ovh_api_mcp.ovh.key_names import for_account
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.ovh.oauth2 import TokenSource
from ovh_api_mcp.ovh.pace import Pace
from ovh_api_mcp.ovh.retry import wait_s
from ovh_api_mcp.ovh.signing import signed_headers
from ovh_api_mcp.ovh.transport import HttpRequest, HttpResponse, Transport
from ovh_api_mcp.secret import Redactor, Secret

_log = logging.getLogger(__name__)

_Headers: TypeAlias = tuple[tuple[str, str], ...]
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT"})
_OWN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
        "user-agent",
        "x-ovh-application",
        "x-ovh-consumer",
        "x-ovh-signature",
        "x-ovh-timestamp",
    }
)


class OvhClient:
    """Sends requests to one endpoint with one set of credentials.

    The transport is given and stays its owner's. Secrets that come up on the way, such as access
    tokens, are made known to `redactor`. `place` is the section of ovh.conf that holds the credentials,
    where they were chosen by its name: errors then speak of its keys, not of variables.
    """

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        credentials: Credentials,
        *,
        redactor: Redactor | None = None,
        place: str = "",
        limit_bytes: int = ANSWER_BYTES,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wall = wall
        self._sleep = sleep
        self._pace = Pace(now=monotonic)
        self._open_pace = Pace(now=monotonic)  # of what needs no credentials: no limit of a key holds it up
        self._transport = transport
        self._endpoint = endpoint
        self._section = place
        self._credentials = credentials
        self._limit_bytes = limit_bytes
        self._total_timeout_s = total_timeout_s
        self._monotonic = monotonic
        self._clock = ServerClock(transport, endpoint.root, wall=wall, monotonic=monotonic)
        self._tokens: TokenSource | None = None
        redactor = redactor or Redactor()
        for secret in secrets_of(credentials):
            redactor.add(secret)
        if isinstance(credentials, ServiceAccountCredentials):
            self._tokens = TokenSource(
                transport, endpoint, credentials, redactor=redactor, monotonic=monotonic
            )
        self._diagnosis = Diagnosis(
            transport,
            endpoint,
            credentials,
            self._clock,
            self._ask,
            tokens=self._tokens,
            wall=wall,
            monotonic=monotonic,
        )

    async def send(self, request: ApiRequest) -> ApiResponse:
        """Send `request` and return the answer of a success.

        One deadline covers all it takes: the server's time, a token, the request, and what of that is
        tried again (see retry.py). Raises ApiError for a status of 400 or more, NetworkError where
        no usable answer came.
        """
        _check(request)
        time_s = min(self._total_timeout_s, max(0.0, request.sender.time_left_s() - SCRIPT_LAST_S))
        deadline_s = asyncio.get_running_loop().time() + time_s
        attempts = Attempts(request.method, deadline_s, self._sleep)
        try:
            response = await attempts.run(lambda: self._send_once(request, deadline_s))
            if request.is_authenticated:
                self._diagnosis.forget()
            return response if attempts.made == 1 else replace(response, attempts=attempts.made)
        except (ApiError, NetworkError) as error:
            if isinstance(error, ApiError) and request.is_authenticated:
                await self._diagnosis.explain(error, deadline_s=deadline_s)
            error.reword(lambda text: for_account(text, self._section))
            raise

    async def _send_once(self, request: ApiRequest, deadline_s: float) -> ApiResponse:
        """Send a request in its place among those of these credentials, and judge the answer."""
        began = self._monotonic()
        pace = self._pace if request.is_authenticated else self._open_pace
        async with self._place(pace, request, deadline_s):
            response = await self._send_authenticated(request, deadline_s)
        _log.debug(
            "event=api-answer method=%s status=%d bytes=%d duration_ms=%d query_id=%r",
            request.method,
            response.status,
            len(response.body),
            (self._monotonic() - began) * 1000,
            query_id(response),
        )
        if response.status != HTTPStatus.TOO_MANY_REQUESTS:
            pace.speed_up()
        if response.status >= 400:
            error = api_error(response)
            if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                pace.slow_down(wait_s(error, 1))
            raise error
        return ApiResponse(response.status, response.headers, checked_json(response), query_id(response))

    @asynccontextmanager
    async def _place(self, pace: Pace, request: ApiRequest, deadline_s: float) -> AsyncIterator[None]:
        """Hold a place among the requests of these credentials, once the API takes requests at all."""
        async with AsyncExitStack() as held:
            async with self._before_sending(deadline_s):
                await held.enter_async_context(pace.place(request.sender.name))
                if (pause_s := pace.pause_s()) > 0:
                    self._check_pause(pause_s, deadline_s)
                    await self._sleep(pause_s)
            yield

    def _check_pause(self, pause_s: float, deadline_s: float) -> None:
        """Refuse to wait longer than the call may take."""
        if asyncio.get_running_loop().time() + pause_s < deadline_s:
            return
        hint = f"Call again in {pause_s:.0f} s, with fewer calls at a time."
        error = NetworkError(
            f"The API takes no such requests for {pause_s:.0f} s (429 Too Many Requests). "
            f"The request was not sent. {hint}",
            code="rate-limited",
            hint=hint,
        )
        error.retry_after_s = pause_s
        raise error

    async def aclose(self) -> None:
        """Stop what runs in the background; the transport is left open."""
        await self._diagnosis.aclose()
        await self._clock.aclose()
        if self._tokens is not None:
            await self._tokens.aclose()

    async def _ask(self, request: ApiRequest) -> HttpResponse:
        """Send a request of our own; what it is answered is not explained."""
        deadline_s = asyncio.get_running_loop().time() + self._total_timeout_s
        return await self._send_authenticated(request, deadline_s)

    async def _send_authenticated(self, request: ApiRequest, deadline_s: float) -> HttpResponse:
        if not request.is_authenticated:
            return await self._exchange(request, (), deadline_s)
        match self._credentials:
            case ApplicationCredentials():
                return await self._send_signed(request, self._credentials, deadline_s)
            case ServiceAccountCredentials():
                return await self._send_with_token(request, deadline_s)
            case AccessTokenCredentials():
                return await self._exchange(request, _bearer(self._credentials.access_token), deadline_s)
            case None:
                raise self._credentials_missing(request)
            case _:
                assert_never(self._credentials)

    async def _send_signed(
        self, request: ApiRequest, credentials: ApplicationCredentials, deadline_s: float
    ) -> HttpResponse:
        async with self._before_sending(deadline_s):
            timestamp = await self._clock.now()
        taken_at = self._wall()
        signed = self._signed(request, credentials, timestamp)
        response = await self._exchange(request, signed, deadline_s)
        if response.status < 400 or not is_clock_doubted(api_error(response)):
            return response
        # A request that was refused for its signature was not processed, so a write is safe to repeat.
        async with self._before_sending(deadline_s):
            if not await self._clock.is_other_than(timestamp, taken_at):
                return response
            timestamp = await self._clock.now()
        return await self._exchange(request, self._signed(request, credentials, timestamp), deadline_s)

    def _signed(self, request: ApiRequest, credentials: ApplicationCredentials, timestamp: int) -> _Headers:
        return signed_headers(
            credentials,
            method=request.method,
            url=self._url(request),
            body=request.body,
            timestamp=timestamp,
        )

    async def _send_with_token(self, request: ApiRequest, deadline_s: float) -> HttpResponse:
        if self._tokens is None:
            raise InternalError("There is a service account, but nothing that gets its tokens.")
        async with self._before_sending(deadline_s):
            token = await self._tokens.token()
        response = await self._exchange(request, _bearer(token), deadline_s)
        if response.status != HTTPStatus.UNAUTHORIZED:
            self._tokens.note_taken(token)
            return response
        # A request that was refused for its token was not processed, so a write is safe to repeat.
        async with self._before_sending(deadline_s):
            other = await self._tokens.token_after(token)
        if other is None:
            return response
        response = await self._exchange(request, _bearer(other), deadline_s)
        if response.status != HTTPStatus.UNAUTHORIZED:
            self._tokens.note_taken(other)
        return response

    @asynccontextmanager
    async def _before_sending(self, deadline_s: float) -> AsyncIterator[None]:
        """Bound what is asked first; its errors say that the request itself cannot have happened."""
        try:
            async with asyncio.timeout_at(deadline_s):
                yield
        except NetworkError as error:
            raise before_sending(error) from error
        except TimeoutError as error:
            raise NetworkError(
                f"What a request waits for, such as a token or its turn, did not come within the "
                f"{self._total_timeout_s:g} s that a call may take. The request itself was not sent. "
                "Try again later.",
                code="total-timeout",
                hint="Try again later.",
            ) from error

    async def _exchange(
        self, request: ApiRequest, authentication: _Headers, deadline_s: float
    ) -> HttpResponse:
        headers: _Headers = (("Accept", "application/json"), *request.headers, *authentication)
        if request.body is not None:
            headers = (("Content-Type", "application/json"), *headers)
        http_request = HttpRequest(request.method, self._url(request), headers, request.body)
        return await self._transport.send(http_request, limit_bytes=self._limit_bytes, deadline_s=deadline_s)

    def _url(self, request: ApiRequest) -> str:
        return self._endpoint.root + request.target

    def _credentials_missing(self, request: ApiRequest) -> NetworkError:
        oauth2 = ", or OVH_CLIENT_ID and OVH_CLIENT_SECRET" if self._endpoint.discovery_url else ""
        hint = (
            "Run ovh-api-mcp login, or create keys at "
            f"{cut_foreign(self._endpoint.create_token_url, 80)} and start the server with "
            f"OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY{oauth2}."
        )
        path = cut_foreign(request.target.partition("?")[0], 60)
        return NetworkError(
            f"{request.method} {path} needs credentials, and the server has none. Nothing was sent. {hint}",
            code="credentials-missing",
            hint=hint,
        )


def _check(request: ApiRequest) -> None:
    if request.body is not None and request.method not in _METHODS_WITH_BODY:
        raise InternalError(f"A {request.method} request came with a body.")
    own = [name for name, _ in request.headers if name.lower() in _OWN_HEADERS]
    if own:
        raise InternalError(f"A request came with the header {own[0]}, which only the client sets.")


def _bearer(token: Secret[str]) -> _Headers:
    return (("Authorization", f"Bearer {token.reveal()}"),)
