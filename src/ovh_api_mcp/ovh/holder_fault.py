"""What is wrong with credentials that OVHcloud refuses, for the person who set them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace

from ovh_api_mcp.errors import ApiError, NetworkError
from ovh_api_mcp.ovh.credentials import ApplicationCredentials, CredentialName, Credentials
from ovh_api_mcp.ovh.denial import is_about_credentials
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.key_watch import KeyWatch, SeenKey
from ovh_api_mcp.ovh.refused_keys import Fault, UsedKeys
from ovh_api_mcp.ovh.transport import Transport


async def find_fault(
    transport: Transport,
    endpoint: Endpoint,
    credentials: Credentials,
    error: ApiError | NetworkError,
    *,
    sources: Mapping[CredentialName, str],
    account: str,
) -> Fault | None:
    """Return what is wrong with application keys that were refused with `error`; None for all else.

    `sources` says where each key comes from, `account` is the name they were chosen by, "" for none.
    """
    is_about_keys = isinstance(error, ApiError) and is_about_credentials(error)
    if not (isinstance(credentials, ApplicationCredentials) and is_about_keys):
        return None
    used = UsedKeys(credentials, endpoint, sources, account)
    return used.fault(await look_closely(transport, endpoint, credentials))


async def look_closely(
    transport: Transport, endpoint: Endpoint, credentials: ApplicationCredentials
) -> SeenKey:
    """Return what the API says of a key, and of the application where its signature is refused."""
    async with aclosing(KeyWatch(transport, endpoint, credentials)) as watch:
        seen = await watch.look()
        try:
            if seen.state == "unsigned" and not await watch.is_application_known():
                return replace(seen, state="foreign")
        except NetworkError:
            pass  # the signature is refused all the same
        return seen
