"""A consumer key from its request to its end: asked for, validated by a person, shown, revoked.

Contract: a key goes to the endpoint alone, in headers; no message holds one. The request is not sent
again where it may have been processed; what waits for a person is bounded.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import NetworkError, SettingsError
from ovh_api_mcp.limits import (
    LOGIN_FIRST_LOOK_S,
    LOGIN_LOOKS,
    LOGIN_POLL_GROWTH,
    LOGIN_POLL_MAX_S,
    LOGIN_POLL_S,
    TOKEN_ANSWER_BYTES,
    TOTAL_TIMEOUT_S,
    VALIDATION_URL_CHARS,
)
from ovh_api_mcp.ovh.access_rules import AccessRule
from ovh_api_mcp.ovh.attempts import Attempts
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import ApplicationCredentials, CredentialName
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.failures import api_error
from ovh_api_mcp.ovh.holder import Holder, ask_holder
from ovh_api_mcp.ovh.holder_fault import look_closely
from ovh_api_mcp.ovh.key_watch import KeyWatch, SeenKey
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.refused_keys import UsedKeys
from ovh_api_mcp.ovh.transport import HttpRequest, HttpResponse, Transport
from ovh_api_mcp.secret import Redactor, Secret

_REQUEST_PATH: Final = "/v1/auth/credential"
_LOGOUT_PATH: Final = "/v1/auth/logout"
_KEY: Final = re.compile(r"[!-~]{4,256}")
_LINK: Final = re.compile(rf"(?P<scheme>https?)://[!-~]{{1,{VALIDATION_URL_CHARS}}}")
_PENDING: Final = ("pending", "refused")  # OVHcloud does not always say why it refuses a key
WaitingReport = Callable[[float], None]
"""Is told how many seconds have been waited."""


@dataclass(frozen=True, slots=True)
class PendingKey:
    """A consumer key that is of no use until a person has validated it at `validation_url`.

    `is_seen_pending` says that OVHcloud called it so, by which a later refusal can be told apart.
    """

    consumer_key: Secret[str]
    validation_url: str = field(repr=False)
    is_seen_pending: bool = False


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
        sources: Mapping[CredentialName, str] | None = None,
        account: str = "",
    ) -> None:
        """`sources` says where keys were taken from that nobody typed, `account` for which account."""
        self._sources = sources or {}
        self._account = account
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
        pending = self._parse_pending(response)
        # Before anybody has the link: what is said of the key now is said of one that is pending.
        return replace(pending, is_seen_pending=await self._is_seen_pending(pending.consumer_key))

    async def check(self, consumer_key: Secret[str]) -> None:
        """Look whether a key that somebody has already is good.

        Raises NetworkError `credentials-rejected`, which says which key is wrong, and whatever kept
        the API from answering.
        """
        credentials = self._with_key(consumer_key)
        seen = await look_closely(self._transport, self._endpoint, credentials)
        for _ in range(LOGIN_LOOKS - 1):
            if seen.state != "unanswered":
                break
            await asyncio.sleep(LOGIN_POLL_S)
            seen = await look_closely(self._transport, self._endpoint, credentials)
        self._raise_fault(consumer_key, seen)

    async def wait_validation(self, pending: PendingKey, *, timeout_s: float, report: WaitingReport) -> None:
        """Return once a person has validated the key.

        Raises NetworkError: `total-timeout` where nobody did, `credentials-rejected` where the key was
        refused or has expired, or the secret is another application's.
        """
        key = pending.consumer_key
        began_s = time.monotonic()
        interval_s = LOGIN_POLL_S
        was_pending = pending.is_seen_pending
        async with self._watching(key) as watch:
            while True:
                seen = await watch.look()
                if seen.state == "validated":
                    return
                # Contract: a signature that is refused before the key was seen pending tells nothing,
                # for OVHcloud also says so of a key that nobody has validated. Afterwards it does.
                if was_pending or seen.state not in ("unsigned", "unknown"):
                    self._raise_unless_pending(key, seen)
                was_pending = was_pending or seen.state in _PENDING
                waited_s = time.monotonic() - began_s
                report(waited_s)
                if waited_s + interval_s > timeout_s:
                    raise self._not_validated(key, timeout_s, seen)
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
                self._raise_fault(Secret(""), SeenKey("foreign"))
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

    async def _is_seen_pending(self, consumer_key: Secret[str]) -> bool:
        """Tell whether OVHcloud calls a key pending that nobody can have validated yet."""
        try:
            async with asyncio.timeout(LOGIN_FIRST_LOOK_S), self._watching(consumer_key) as watch:
                return (await watch.look()).state in _PENDING
        except TimeoutError:
            return False

    def _raise_unless_pending(self, consumer_key: Secret[str], seen: SeenKey) -> None:
        if seen.state not in (*_PENDING, "unanswered"):
            self._raise_fault(consumer_key, seen)

    def _raise_fault(self, consumer_key: Secret[str], seen: SeenKey) -> None:
        """Raise what a look says is wrong; nothing where the key is good."""
        if fault := self._used(consumer_key).fault(seen):
            raise NetworkError(
                f"{fault.fact} Nothing was stored.", code="credentials-rejected", hint=fault.advice
            )
        if seen.error is not None:
            raise seen.error

    def _not_validated(self, consumer_key: Secret[str], timeout_s: float, seen: SeenKey) -> NetworkError:
        hint = "Run the same command again, and validate the new link."
        if seen.state == "unsigned":
            hint = f"If you have: {self._used(consumer_key).secret_refused().advice}"
        return NetworkError(
            f"Nobody has validated the key within {timeout_s:,.0f} s. Nothing was stored.",
            code="total-timeout",
            hint=hint,
        )

    @asynccontextmanager
    async def _watching(self, consumer_key: Secret[str]) -> AsyncIterator[KeyWatch]:
        watch = KeyWatch(self._transport, self._endpoint, self._with_key(consumer_key))
        async with aclosing(watch):
            yield watch

    def _used(self, consumer_key: Secret[str]) -> UsedKeys:
        return UsedKeys(self._with_key(consumer_key), self._endpoint, self._sources, self._account)

    def _with_key(self, consumer_key: Secret[str]) -> ApplicationCredentials:
        return replace(self._application, consumer_key=consumer_key)
