"""Access tokens of a service account: discovery, client credentials, renewal.

Contract: the client secret goes to `Endpoint.oauth2_origins` and nowhere else, whatever the discovery
document says; a document that names another place is an error, and nothing is sent.
"""

from __future__ import annotations

import base64
import logging
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus, urlencode

import msgspec

from ovh_api_mcp.errors import NetworkError, cut_foreign
from ovh_api_mcp.limits import (
    DISCOVERY_MAX_AGE_S,
    TOKEN_ANSWER_BYTES,
    TOKEN_CHARS,
    TOKEN_FORCED_RENEWAL_S,
    TOKEN_LIFETIME_DEFAULT_S,
    TOKEN_LIFETIME_MAX_S,
    TOKEN_REJECTED_S,
    TOKEN_RENEWAL_MARGIN_S,
    TOKEN_REVOKED_RENEWAL_S,
)
from ovh_api_mcp.ovh.credentials import ServiceAccountCredentials
from ovh_api_mcp.ovh.endpoints import Endpoint, origin_of
from ovh_api_mcp.ovh.failures import CHECK_ENDPOINT_LATER, authentication_unavailable
from ovh_api_mcp.ovh.shared_call import SharedCall
from ovh_api_mcp.ovh.transport import HttpRequest, HttpResponse, Transport
from ovh_api_mcp.secret import Redactor, Secret

_log = logging.getLogger(__name__)

_TOKEN: Final = re.compile(rf"[!-~]{{1,{TOKEN_CHARS}}}")
_CHECK_BETWEEN: Final = "Check the endpoint, and what stands between it and here."
_OUTAGES: Final = frozenset({"server_error", "temporarily_unavailable"})  # RFC 6749, section 4.1.2.1


class _Discovery(msgspec.Struct, frozen=True):
    """Source: OpenID Connect Discovery 1.0, section 3."""

    token_endpoint: str


class _TokenAnswer(msgspec.Struct, frozen=True):
    """Source: RFC 6749, sections 5.1 and 5.2; OVHcloud sends errors with status 200 too."""

    access_token: str = ""
    expires_in: float | None = None
    error: str = ""
    error_description: str = ""


@dataclass(slots=True)
class _Held:
    """A token, and when it was got; `was_taken` once the API has let a request with it through."""

    token: Secret[str]
    got_at: float
    renew_at: float
    was_taken: bool = False


@dataclass(frozen=True, slots=True)
class _Rejection:
    reason: str
    until: float


class TokenSource:
    """The access token of one service account, renewed for all callers at once."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        credentials: ServiceAccountCredentials,
        *,
        redactor: Redactor,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._credentials = credentials
        self._redactor = redactor
        self._monotonic = monotonic
        self._token_url = ""
        self._discovered_at = -math.inf
        self._held: _Held | None = None
        self._rejection: _Rejection | None = None
        self._forced_at = -math.inf
        self._was_any_taken = False
        self._renew_shared = SharedCall(self._renew)
        redactor.add(Secret(_basic(credentials)))

    async def token(self) -> Secret[str]:
        """Return a token that is good for a while yet.

        Raises NetworkError: `credentials-rejected` where the service account was refused, and again
        without asking for TOKEN_REJECTED_S; `authentication-unavailable` where nothing clear came.
        """
        if self._held is not None and self._monotonic() < self._held.renew_at:
            return self._held.token
        if self._rejection is not None and self._monotonic() < self._rejection.until:
            raise self._rejected(self._rejection)
        return await self._renew_shared()

    async def token_after(self, refused: Secret[str]) -> Secret[str] | None:
        """Return another token than `refused`, which the API did not take; None where none would be taken.

        A token that the API never took is renewed for that reason once in TOKEN_FORCED_RENEWAL_S,
        however many callers saw it refused: a new one that is refused too is not to blame. One that it
        took before was probably revoked since; that is believed once in TOKEN_REVOKED_RENEWAL_S, as an
        operation may refuse every token. Raises what `token` raises.
        """
        now = self._monotonic()
        if self._held is not None and self._held.token == refused:
            since_s = TOKEN_REVOKED_RENEWAL_S if self._held.was_taken else TOKEN_FORCED_RENEWAL_S
            if now - self._forced_at < since_s:
                return None
            self._forced_at = now
            self._held = None
        return await self.token()

    def note_taken(self, token: Secret[str]) -> None:
        """Note that the API let a request with a token through."""
        if self._held is not None and self._held.token == token:
            self._held.was_taken = self._was_any_taken = True

    def age_s(self) -> float:
        """Return how long ago the present token was got; infinite without one."""
        return math.inf if self._held is None else self._monotonic() - self._held.got_at

    @property
    def was_any_taken(self) -> bool:
        """Whether the API ever let a request of this account through."""
        return self._was_any_taken

    async def aclose(self) -> None:
        """Stop a running renewal."""
        await self._renew_shared.aclose()

    async def _renew(self) -> Secret[str]:
        asked_at = self._monotonic()
        answer = await self._ask()
        if answer.error and answer.error not in _OUTAGES:
            raise self._reject(answer)
        if not _TOKEN.fullmatch(answer.access_token):
            raise _unusable("The token URL")
        token = Secret(answer.access_token)
        self._redactor.add_token(token)
        lifetime_s = _lifetime_s(answer.expires_in)
        # Half of a short life, so that a token that lives less than the margin is used at all.
        margin_s = min(TOKEN_RENEWAL_MARGIN_S, lifetime_s / 2)
        self._held = _Held(token, asked_at, asked_at + lifetime_s - margin_s)
        self._rejection = None
        _log.info("event=token-renewed lifetime_s=%d", lifetime_s)
        return token

    async def _ask(self) -> _TokenAnswer:
        if not self._token_url or self._monotonic() - self._discovered_at > DISCOVERY_MAX_AGE_S:
            self._token_url = await self._discover()
            self._discovered_at = self._monotonic()
        form = urlencode({"grant_type": "client_credentials", "scope": "all"}).encode()
        headers = (
            ("Authorization", f"Basic {_basic(self._credentials)}"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
        )
        request = HttpRequest("POST", self._token_url, headers, form)
        response = await self._transport.send(request, limit_bytes=TOKEN_ANSWER_BYTES)
        answer = _parse_token_answer(response)
        if answer is not None and (answer.error or response.status < 400):
            return answer
        if response.status == 401:
            return _TokenAnswer(error="invalid_client")
        if response.status >= 400:
            raise authentication_unavailable(response, asked="The token URL")
        raise _unusable("The token URL")

    async def _discover(self) -> str:
        request = HttpRequest("GET", self._endpoint.discovery_url, (("Accept", "application/json"),))
        response = await self._transport.send(request, limit_bytes=TOKEN_ANSWER_BYTES)
        if response.status >= 400:
            raise authentication_unavailable(response, asked="OAuth2 discovery")
        try:
            token_url = msgspec.json.decode(response.body, type=_Discovery).token_endpoint
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _unusable("OAuth2 discovery") from error
        if origin_of(token_url) not in self._endpoint.oauth2_origins:
            raise self._untrusted(token_url)
        return token_url

    def _reject(self, answer: _TokenAnswer) -> NetworkError:
        self._rejection = _Rejection(_error_text(answer), self._monotonic() + TOKEN_REJECTED_S)
        _log.warning("event=service-account-refused error=%r", cut_foreign(answer.error, 60))
        return self._rejected(self._rejection)

    def _rejected(self, rejection: _Rejection) -> NetworkError:
        hint = (
            "Ask the user to check OVH_CLIENT_ID and OVH_CLIENT_SECRET, and that they belong to "
            f"{cut_foreign(self._endpoint.name, 80)} (OVH_ENDPOINT), then to start again."
        )
        return NetworkError(
            f"The service account was refused ({rejection.reason}), and the request was not sent. {hint}",
            code="credentials-rejected",
            hint=hint,
        )

    def _untrusted(self, token_url: str) -> NetworkError:
        known = cut_foreign(", ".join(sorted(self._endpoint.oauth2_origins)), 80)
        return NetworkError(
            f"OAuth2 discovery names a token URL at {_shown_origin(token_url)}. "
            f"The client secret goes to {known} only, and nothing was sent. "
            f"{_CHECK_BETWEEN}",
            code="credentials-rejected",
            hint=_CHECK_BETWEEN,
        )


def _parse_token_answer(response: HttpResponse) -> _TokenAnswer | None:
    try:
        # Not strict: "expires_in" has been seen as a string.
        return msgspec.json.decode(response.body, type=_TokenAnswer, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _lifetime_s(expires_in: float | None) -> float:
    """Return how long a token is good; what no clock can count is not believed."""
    if expires_in is None or not math.isfinite(expires_in):
        return TOKEN_LIFETIME_DEFAULT_S
    return min(max(expires_in, 1.0), TOKEN_LIFETIME_MAX_S)


def _basic(credentials: ServiceAccountCredentials) -> str:
    """Return user and password of HTTP Basic. Source: RFC 6749, section 2.3.1 (form-encoded first)."""
    pair = f"{quote_plus(credentials.client_id)}:{quote_plus(credentials.client_secret.reveal())}"
    return base64.b64encode(pair.encode()).decode()


def _error_text(answer: _TokenAnswer) -> str:
    return cut_foreign(f"{answer.error}: {answer.error_description}".removesuffix(": "), 120)


def _shown_origin(url: str) -> str:
    return cut_foreign(origin_of(url) or "an address that is no plain URL", 80)


def _unusable(asked: str) -> NetworkError:
    return NetworkError(
        f"{asked} did not answer as OAuth2 says, so the request itself was not sent. {CHECK_ENDPOINT_LATER}",
        code="authentication-unavailable",
        hint=CHECK_ENDPOINT_LATER,
    )
