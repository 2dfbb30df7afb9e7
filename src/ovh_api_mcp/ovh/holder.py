"""Whose credentials are, as the API tells those who sign with them."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, InternalError, OvhMcpError, cut_foreign
from ovh_api_mcp.ovh.causes import KEY_RECORD_PATH
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import (
    AccessTokenCredentials,
    ApplicationCredentials,
    Credentials,
    ServiceAccountCredentials,
)
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.key_record import KeyRecord, parse_key_record
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret

_DETAILS_PATH: Final = "/v1/auth/details"
_ME_PATH: Final = "/v1/me"
_NAME_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """Who signs: kind and end of the credentials, the account ("" where it is not told), a key's record."""

    kind: str
    shown: str
    account: str
    record: KeyRecord


class _Account(msgspec.Struct, frozen=True):
    """Source: nichandle.Nichandle, auth.Details of OVH's schemas."""

    nichandle: str = ""
    account: str = ""


async def ask_holder(
    transport: Transport, endpoint: Endpoint, credentials: Credentials, redactor: Redactor
) -> Holder:
    """Return whose `credentials` are, which must not be None.

    Raises ApiError and NetworkError where they are not good.
    """
    async with aclosing(OvhClient(transport, endpoint, credentials, redactor=redactor)) as client:
        match credentials:
            case ApplicationCredentials():
                record = await _record(client)
                shown = credentials.consumer_key.ending()
                return Holder("application keys", shown, await _account(client), record)
            case ServiceAccountCredentials():
                shown = Secret(credentials.client_id).ending()
                return Holder("service account", shown, await _checked_account(client), KeyRecord())
            case AccessTokenCredentials():
                shown = credentials.access_token.ending()
                return Holder("access token", shown, await _checked_account(client), KeyRecord())
            case None:
                raise InternalError("Nobody signs, so there is nobody to ask for.")


async def _record(client: OvhClient) -> KeyRecord:
    """Return the key's record; an empty one where its rules lack the route, though it is good."""
    try:
        return parse_key_record((await client.send(_get(KEY_RECORD_PATH))).body)
    except ApiError as error:
        if error.error_code != "NOT_GRANTED_CALL":
            raise
        return KeyRecord()


async def _checked_account(client: OvhClient) -> str:
    """Return the account; *Raises* ApiError where the token is refused, and not only this call."""
    try:
        return _name_in((await client.send(_get(_DETAILS_PATH))).body)
    except ApiError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return await _account(client)


async def _account(client: OvhClient) -> str:
    for path in (_ME_PATH, _DETAILS_PATH):
        try:
            name = _name_in((await client.send(_get(path))).body)
        except OvhMcpError:
            continue  # narrow rules may leave either out
        if name:
            return name
    return ""


def _name_in(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=_Account)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return cut_foreign(found.nichandle or found.account, _NAME_CHARS)


def _get(path: str) -> ApiRequest:
    return ApiRequest(Method.GET, path, None, (), is_authenticated=True)
