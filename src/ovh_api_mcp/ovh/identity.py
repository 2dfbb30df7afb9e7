"""Who asks, as OVHcloud's IAM names it."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import NetworkError
from ovh_api_mcp.limits import DIAGNOSIS_TIMEOUT_S, IDENTITY_AGE_S
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.shared_call import SharedCall
from ovh_api_mcp.ovh.transport import HttpResponse

Ask = Callable[[ApiRequest], Awaitable[HttpResponse]]
"""Sends one request as the account and returns whatever is answered; *Raises* NetworkError."""

_DETAILS: Final = ApiRequest(Method.GET, "/v1/auth/details", None, (), is_authenticated=True)
_URN: Final = re.compile(r"urn:v1:[a-z]{2,8}:identity:([a-z]{1,20}):[A-Za-z0-9._@/+:-]{1,200}")
_NARROWEST_FIRST: Final = ("credential", "user", "account")  # a policy for an account would be for all of it


class _Details(msgspec.Struct, frozen=True):
    """Source: auth.Details of OVH's schemas."""

    identities: list[str] | None = None


class CallerIdentity:
    """The URN of the account, user or service account that the credentials stand for.

    It is asked for once in IDENTITY_AGE_S for everybody, also where no answer came.
    """

    def __init__(self, ask: Ask, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._urn = ""
        self._ask_again_at = -math.inf
        self._find_shared = SharedCall(self._find)

    async def urn(self) -> str:
        """Return the URN, "" where the API does not tell."""
        if self._monotonic() >= self._ask_again_at:
            await self._find_shared()
        return self._urn

    async def aclose(self) -> None:
        """Stop asking."""
        await self._find_shared.aclose()

    async def _find(self) -> None:
        try:
            async with asyncio.timeout(DIAGNOSIS_TIMEOUT_S):
                response = await self._ask(_DETAILS)
            self._urn = _narrowest(response)
        except (NetworkError, TimeoutError):
            pass  # it only makes a remedy more complete
        finally:
            self._ask_again_at = self._monotonic() + IDENTITY_AGE_S


def _narrowest(response: HttpResponse) -> str:
    try:
        details = msgspec.json.decode(response.body, type=_Details)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    kinds = {found[1]: urn for urn in details.identities or () if (found := _URN.fullmatch(urn))}
    return next((kinds[kind] for kind in _NARROWEST_FIRST if kind in kinds), "")
