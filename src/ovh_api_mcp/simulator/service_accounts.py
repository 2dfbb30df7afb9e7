"""The account's service accounts: OAuth2 clients that a request makes, and that get tokens afterwards.

They are among the account's things, so they are saved, loaded and reset with them. Policies are kept
and not applied: each client may do everything.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.simulator.access import Access
from ovh_api_mcp.simulator.account import client_urn
from ovh_api_mcp.simulator.answers import Answer, to_json
from ovh_api_mcp.simulator.resources import CheckedRequest, Resources
from ovh_api_mcp.simulator.state import Place

_CLIENTS: Final[Place] = ("v1", "me", "api", "oauth2", "client")
_PROGRAMS: Final = "CLIENT_CREDENTIALS"  # the only flow there is a token for


class ServiceAccounts:
    """Makes and removes clients, and knows their secrets; the practice account's own is always good."""

    def __init__(self, access: Access, resources: Resources) -> None:
        self._access = access
        self._resources = resources

    def answer(self, request: CheckedRequest) -> Answer | None:
        """Answer the making and the removal of a client; None for every other request."""
        match request.operation.http_method, request.place:
            case "POST", place if place == _CLIENTS:
                return to_json(self._make(request))
            case "DELETE", place if place[:-1] == _CLIENTS:
                answer = self._resources.answer(request)
                self._access.tokens.revoke(place[-1])
                return answer
            case _:
                return None

    def secret(self, client_id: str) -> str | None:
        """Return the secret of a client that may get tokens; None where there is no such client."""
        if client_id == self._access.account.client_id:
            return self._access.account.client_secret
        known = self._resources.known((*_CLIENTS, client_id))
        if not isinstance(known, dict) or known.get("flow") != _PROGRAMS:
            return None
        secret = known.get("clientSecret")
        return secret if isinstance(secret, str) and secret else None

    def _make(self, request: CheckedRequest) -> JsonObject:
        client_id, secret = f"EU.{secrets.token_hex(8)}", secrets.token_hex(16)
        made: JsonObject = {
            "clientSecret": secret,  # no answer shows it: it is no field of a client
            "createdAt": datetime.fromtimestamp(int(self._access.now_s()), UTC).isoformat(),
            "identity": client_urn(self._access.account, client_id),
        }
        self._resources.add(request, client_id, made)
        return {"clientId": client_id, "clientSecret": secret}
