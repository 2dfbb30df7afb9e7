"""A consumer key from its request to its end: asked for, validated by a person, shown, revoked.

Contract: a key goes to the endpoint alone, in headers; no message holds one. The request is not sent
again where it may have been processed; what waits for a person is bounded.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import (
    ApiError,
    NetworkError,
    SettingsError,
    cut_foreign,
    is_transient,
)
from ovh_api_mcp.limits import (
    LOGIN_POLL_GROWTH,
    LOGIN_POLL_MAX_S,
    LOGIN_POLL_S,
    TOKEN_ANSWER_BYTES,
    TOTAL_TIMEOUT_S,
    VALIDATION_URL_CHARS,
)
from ovh_api_mcp.ovh.access_rules import AccessRule
from ovh_api_mcp.ovh.attempts import Attempts
from ovh_api_mcp.ovh.causes import KEY_RECORD_PATH, foreign_key, wrong_secret
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.failures import api_error, is_signature_refused
from ovh_api_mcp.ovh.holder import Holder, ask_holder
from ovh_api_mcp.ovh.key_record import parse_key_record
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.signing import signed_headers
from ovh_api_mcp.ovh.transport import HttpRequest, HttpResponse, Transport
from ovh_api_mcp.secret import Redactor, Secret

_REQUEST_PATH: Final = "/v1/auth/credential"
_LOGOUT_PATH: Final = "/v1/auth/logout"
_KEY: Final = re.compile(r"[!-~]{4,256}")
_LINK: Final = re.compile(rf"(?P<scheme>https?)://[!-~]{{1,{VALIDATION_URL_CHARS}}}")
_ENDED: Final = re.compile(r"expired|refused|denied|revoked", re.IGNORECASE)

_Seen: TypeAlias = Literal["validated", "pending", "unsigned", "unknown"]
WaitingReport = Callable[[float], None]
"""Is told how many seconds have been waited."""


@dataclass(frozen=True, slots=True)
class PendingKey:
    """A consumer key that is of no use until a person has validated it at `validation_url`."""

    consumer_key: Secret[str]
    validation_url: str = field(repr=False)


class _KeyAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Source: auth.ApiCredentialRequest of OVH's schemas."""

    consumer_key: str = ""
    validation_url: str = ""


def parse_key(text: str, name: str) -> Secret[str]:
    """Return a key or secret that was typed as `name`; *Raises* SettingsError `setting-invalid`."""
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise SettingsError(
            f"The {name} is no key of OVHcloud: those have 16 or 32 letters and digits, and no spaces. "
            "Copy it again.",
            code="setting-invalid",
        )
    return Secret(key)


class Login:
    """Gets a consumer key for one application at one endpoint; `transport` stays its owner's."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        application_key: str,
        application_secret: Secret[str],
        redactor: Redactor,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._application = ApplicationCredentials(application_key, application_secret, Secret(""))
        self._redactor = redactor
        redactor.add(application_secret)

    async def request(self, rules: Sequence[AccessRule]) -> PendingKey:
        """Ask for a key with `rules`; *Raises* ApiError and NetworkError."""
        body = msgspec.json.encode(
            {"accessRules": [{"method": rule.method.value, "path": rule.path} for rule in rules]}
        )
        deadline_s = asyncio.get_running_loop().time() + TOTAL_TIMEOUT_S
        attempts = Attempts(Method.POST, deadline_s)
        response = await attempts.run(lambda: self._request_once(body, deadline_s))
        return self._parse_pending(response)

    async def wait_validation(
        self, consumer_key: Secret[str], *, timeout_s: float, report: WaitingReport
    ) -> None:
        """Return once a person has validated the key.

        Raises NetworkError: `total-timeout` where nobody did, `credentials-rejected` where the key was
        refused or has expired, or the secret is another application's.
        """
        credentials = self._with_key(consumer_key)
        clock = ServerClock(self._transport, self._endpoint.root)
        began_s = time.monotonic()
        interval_s = LOGIN_POLL_S
        was_pending = False
        async with aclosing(clock):
            while True:
                state = await self._look(credentials, clock)
                if state == "validated":
                    return
                if state == "unsigned" and was_pending:
                    # Only the signature of a validated key is looked at where the state comes first.
                    raise _rejected(wrong_secret(credentials, self._endpoint))
                was_pending = was_pending or state == "pending"
                waited_s = time.monotonic() - began_s
                report(waited_s)
                if waited_s + interval_s > timeout_s:
                    raise self._not_validated(timeout_s, state, credentials)
                await asyncio.sleep(interval_s)
                interval_s = min(interval_s * LOGIN_POLL_GROWTH, LOGIN_POLL_MAX_S)

    async def holder(self, consumer_key: Secret[str]) -> Holder:
        """Return whose the key is, and its record; *Raises* ApiError and NetworkError."""
        credentials = self._with_key(consumer_key)
        return await ask_holder(self._transport, self._endpoint, credentials, self._redactor)

    async def revoke(self, consumer_key: Secret[str]) -> None:
        """Make the key useless at OVHcloud; *Raises* ApiError and NetworkError."""
        credentials = self._with_key(consumer_key)
        client = OvhClient(self._transport, self._endpoint, credentials, redactor=self._redactor)
        async with aclosing(client):
            await client.send(ApiRequest(Method.POST, _LOGOUT_PATH, None, (), is_authenticated=True))

    async def _request_once(self, body: bytes, deadline_s: float) -> HttpResponse:
        headers = (
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("X-Ovh-Application", self._application.application_key),
        )
        request = HttpRequest("POST", self._endpoint.root + _REQUEST_PATH, headers, body)
        response = await self._transport.send(request, limit_bytes=TOKEN_ANSWER_BYTES, deadline_s=deadline_s)
        if response.status >= 400:
            error = api_error(response)
            if error.error_code == "INVALID_KEY":
                error.explain(foreign_key(self._application, self._endpoint))
            raise error
        return response

    def _parse_pending(self, response: HttpResponse) -> PendingKey:
        try:
            answer = msgspec.json.decode(response.body, type=_KeyAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            answer = _KeyAnswer()
        link = _LINK.fullmatch(answer.validation_url)
        is_encrypted = link is not None and link["scheme"] == "https"
        is_trusted = is_encrypted or (link is not None and self._endpoint.root.startswith("http://"))
        if not (_KEY.fullmatch(answer.consumer_key) and is_trusted):
            raise NetworkError(
                f"{_REQUEST_PATH} answered without a consumer key and an https link to validate it. "
                "Check that the endpoint is the right one.",
                code="protocol-error",
                hint="Check that the endpoint is the right one.",
                may_have_happened=True,
            )
        key = Secret(answer.consumer_key)
        self._redactor.add(key)
        return PendingKey(key, answer.validation_url)

    async def _look(self, credentials: ApplicationCredentials, clock: ServerClock) -> _Seen:
        """Return what the key's own record says of it."""
        try:
            response = await self._ask_record(credentials, clock)
        except NetworkError as error:
            if not is_transient(error):
                raise
            return "unknown"
        if response.status < 400:
            status = parse_key_record(response.body).status
            if _ENDED.search(status):
                raise _rejected(f"The API calls the consumer key {cut_foreign(status, 40)}. Log in again.")
            return "pending" if status == "pendingValidation" else "validated"
        return _seen_in_refusal(api_error(response))

    async def _ask_record(self, credentials: ApplicationCredentials, clock: ServerClock) -> HttpResponse:
        url = self._endpoint.root + KEY_RECORD_PATH
        timestamp = await clock.now()
        signed = signed_headers(credentials, method="GET", url=url, body=None, timestamp=timestamp)
        request = HttpRequest("GET", url, (("Accept", "application/json"), *signed))
        return await self._transport.send(request, limit_bytes=TOKEN_ANSWER_BYTES)

    def _not_validated(
        self, timeout_s: float, state: str, credentials: ApplicationCredentials
    ) -> NetworkError:
        hint = "Run the same command again, and validate the new link."
        if state == "unsigned":
            hint = wrong_secret(credentials, self._endpoint)
        return NetworkError(
            f"Nobody has validated the key within {timeout_s:,.0f} s. Nothing was stored.",
            code="total-timeout",
            hint=hint,
        )

    def _with_key(self, consumer_key: Secret[str]) -> ApplicationCredentials:
        return replace(self._application, consumer_key=consumer_key)


def _seen_in_refusal(error: ApiError) -> _Seen:
    """Return what it tells of a key that it is refused its own record; *Raises* `error` where nothing."""
    if is_signature_refused(error):
        return "unsigned"
    match error.error_code:
        case "NOT_GRANTED_CALL":  # key and signature were good; only the rules lack this route
            return "validated"
        case "INVALID_CREDENTIAL" | "NOT_CREDENTIAL" if not _ENDED.search(error.said):
            return "pending"
    if is_transient(error):
        return "unknown"
    raise error


def _rejected(hint: str) -> NetworkError:
    return NetworkError(f"{hint} Nothing was stored.", code="credentials-rejected", hint=hint)
