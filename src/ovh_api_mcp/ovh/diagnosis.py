"""Errors that are about who asks, explained by asking the API on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from ovh_api_mcp.errors import ApiError, NetworkError
from ovh_api_mcp.ovh.causes import NOT_RENEWABLE, NOT_SAID, REFUSED_FOR_ONCE, never_taken
from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.credentials import (
    AccessTokenCredentials,
    ApplicationCredentials,
    Credentials,
    ServiceAccountCredentials,
)
from ovh_api_mcp.ovh.denial import is_about_credentials, parse_denial
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.identity import Ask, CallerIdentity
from ovh_api_mcp.ovh.key_examination import KeyExamination
from ovh_api_mcp.ovh.oauth2 import TokenSource
from ovh_api_mcp.ovh.transport import Transport


class Diagnosis:
    """Knows one set of credentials; `clock` is the one that requests are signed by."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        credentials: Credentials,
        clock: ServerClock,
        ask: Ask,
        *,
        tokens: TokenSource | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._identity = CallerIdentity(ask, monotonic=monotonic)
        self._keys: KeyExamination | None = None
        if isinstance(credentials, ApplicationCredentials):
            self._keys = KeyExamination(
                transport, endpoint, credentials, clock, wall=wall, monotonic=monotonic
            )

    async def explain(self, error: ApiError, *, deadline_s: float) -> None:
        """Give `error` the hint, or the identity, that the API tells; until `deadline_s`, or not at all."""
        with suppress(NetworkError, TimeoutError):
            async with asyncio.timeout_at(deadline_s):
                if is_about_credentials(error):
                    error.explain(await self._cause(error))
                elif parse_denial(error) is not None:
                    error.identity = await self._identity.urn()

    def forget(self) -> None:
        """Take what was found as past: a request of these credentials has succeeded."""
        if self._keys is not None:
            self._keys.forget()

    async def aclose(self) -> None:
        """Stop what is being asked."""
        await self._identity.aclose()
        if self._keys is not None:
            await self._keys.aclose()

    async def _cause(self, error: ApiError) -> str:
        match self._credentials:
            case AccessTokenCredentials():
                return NOT_RENEWABLE
            case ServiceAccountCredentials():
                return _refused_token(self._tokens)
            case _:
                return NOT_SAID if self._keys is None else await self._keys.cause(error)


def _refused_token(tokens: TokenSource | None) -> str:
    if tokens is None:
        return NOT_SAID
    return REFUSED_FOR_ONCE if tokens.was_any_taken else never_taken(tokens.age_s())
