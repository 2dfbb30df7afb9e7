"""A service account from its creation to its end: an OAuth2 client, and the IAM policy that gives it rights.

Contract: nothing is created but by `create`, which a person has said yes to; the client's secret is in
no message. A client that nobody will ever know the secret of is deleted again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import NetworkError, OvhMcpError, SettingsError, cut_foreign
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import ACTION_CHARS, DENIED_ACTIONS
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import Credentials, ServiceAccountCredentials
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.holder import Holder, ask_holder
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret

CLIENT_PATH: Final = "/v1/me/api/oauth2/client"
POLICY_PATH: Final = "/v2/iam/policy"
ITS_IDENTITY: Final = f"put here `identity` of GET {CLIENT_PATH}/{{clientId}}"
EVERYTHING: Final = "*"

_NAME: Final = "ovh-api-mcp"
_ACTION: Final = re.compile(rf"\*|[A-Za-z]+:[A-Za-z0-9]+:[A-Za-z0-9/_.*-]{{1,{ACTION_CHARS}}}")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{4,128}")
_CLIENT_SECRET: Final = re.compile(r"[!-~]{4,512}")
_URN: Final = re.compile(r"urn:v1:[a-z]{2,8}:identity:[a-z]{1,20}:[A-Za-z0-9._@/+:-]{1,200}")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A client that was just made; `identity` is "" where the API did not tell it."""

    client_id: str
    client_secret: Secret[str]
    identity: str


class _Made(msgspec.Struct, frozen=True, rename="camel"):
    """Source: oauth2.clientSecret and oauth2.client of OVH's schemas."""

    client_id: str = ""
    client_secret: str = ""
    identity: str | None = None


def parse_actions(texts: Sequence[str]) -> tuple[str, ...]:
    """Return IAM actions such as "dnsZone:apiovh:*"; everything where none is named.

    Raises SettingsError `setting-invalid`.
    """
    for text in texts:
        if not _ACTION.fullmatch(text):
            raise SettingsError(
                f"--action is {cut_foreign(text, 60)!r}. It takes an IAM action with * for anything, such as "
                "dnsZone:apiovh:*, which ovh.describe tells of each operation.",
                code="setting-invalid",
            )
    if len(texts) > DENIED_ACTIONS:
        raise SettingsError(f"--action takes {DENIED_ACTIONS} at most. Use *.", code="setting-invalid")
    return tuple(dict.fromkeys(texts)) or (EVERYTHING,)


def client_body() -> JsonObject:
    """Return the body that creates a client. Source: oauth2.clientRequest of OVH's schemas."""
    return {
        "name": _NAME,
        "description": "Service account of ovh-api-mcp",
        "flow": "CLIENT_CREDENTIALS",
        "callbackUrls": [],
    }


def policy_body(actions: Sequence[str], identity: str, region: str) -> JsonObject:
    """Return the body of the policy that allows `actions`. Source: iam.policy.Creation of OVH's schemas."""
    kinds = dict.fromkeys(action.partition(":")[0] for action in actions)
    resources: list[JsonValue] = [
        {"urn": f"urn:v1:{region}:resource:{'*' if kind == EVERYTHING else f'{kind}:*'}"} for kind in kinds
    ]
    allow: list[JsonValue] = [{"action": action} for action in actions]
    return {
        "name": _NAME,
        "description": "Rights of the service account of ovh-api-mcp",
        "identities": [identity or ITS_IDENTITY],
        "resources": resources,
        "permissions": {"allow": allow},
    }


class ServiceAccounts:
    """Makes service accounts as whoever `credentials` are; `transport` stays its owner's."""

    def __init__(self, transport: Transport, endpoint: Endpoint, redactor: Redactor) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._redactor = redactor

    async def create(self, credentials: Credentials) -> NewAccount:
        """Create a client; *Raises* ApiError and NetworkError, the latter where it may exist all the same."""
        async with aclosing(self._client(credentials)) as client:
            made = _parse((await client.send(_post(CLIENT_PATH, client_body()))).body)
            if not (_CLIENT_ID.fullmatch(made.client_id) and _CLIENT_SECRET.fullmatch(made.client_secret)):
                raise NetworkError(
                    f"POST {CLIENT_PATH} answered without a client id and secret. Look for a client named "
                    f"{_NAME} with GET {CLIENT_PATH}, and delete it.",
                    code="protocol-error",
                    hint=f"Look with GET {CLIENT_PATH}.",
                    may_have_happened=True,
                )
            secret = Secret(made.client_secret)
            self._redactor.add(secret)
            return NewAccount(made.client_id, secret, await _identity(client, made.client_id))

    async def allow(self, credentials: Credentials, actions: Sequence[str], identity: str) -> None:
        """Give `identity` the right to `actions`; *Raises* ApiError and NetworkError."""
        async with aclosing(self._client(credentials)) as client:
            body = policy_body(actions, identity, self._endpoint.region)
            await client.send(_post(POLICY_PATH, body))

    async def delete(self, credentials: Credentials, client_id: str) -> None:
        """Delete a client; *Raises* ApiError and NetworkError."""
        async with aclosing(self._client(credentials)) as client:
            await client.send(_request(Method.DELETE, f"{CLIENT_PATH}/{quote(client_id, safe='')}"))

    async def holder(self, client_id: str, client_secret: Secret[str]) -> Holder:
        """Sign in as the service account; *Raises* ApiError and NetworkError."""
        credentials = ServiceAccountCredentials(client_id, client_secret)
        return await ask_holder(self._transport, self._endpoint, credentials, self._redactor)

    def _client(self, credentials: Credentials) -> OvhClient:
        return OvhClient(self._transport, self._endpoint, credentials, redactor=self._redactor)


async def _identity(client: OvhClient, client_id: str) -> str:
    path = f"{CLIENT_PATH}/{quote(client_id, safe='')}"
    try:
        identity = _parse((await client.send(_request(Method.GET, path))).body).identity or ""
    except OvhMcpError:
        return ""
    return identity if _URN.fullmatch(identity) else ""


def _parse(body: bytes) -> _Made:
    try:
        return msgspec.json.decode(body, type=_Made)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Made()


def _post(path: str, body: JsonObject) -> ApiRequest:
    return ApiRequest(Method.POST, path, msgspec.json.encode(body), (), is_authenticated=True)


def _request(method: Method, path: str) -> ApiRequest:
    return ApiRequest(method, path, None, (), is_authenticated=True)
