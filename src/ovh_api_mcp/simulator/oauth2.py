"""OAuth2 client credentials: discovery, the token endpoint and the tokens it gave out.

Source: RFC 6749, 2.3.1 (client password), 4.4 (client credentials), 5.2 (errors).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus

from ovh_api_mcp.limits import SIMULATOR_KEPT
from ovh_api_mcp.simulator.answers import Answer, to_json
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.signature import is_same

DISCOVERY_PATH = "/auth/.well-known/openid-configuration"
TOKEN_PATH = "/auth/oauth2/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class _Token:
    client_id: str
    expiry_s: float


class Tokens:
    """The access tokens that are good; `issued` counts those ever given out."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._tokens: dict[str, _Token] = {}
        self.lifetime_s = 3600
        self.issued = 0

    def issue(self, client_id: str) -> str:
        """Return a new token of a client; beyond the bound the oldest is forgotten."""
        token = f"simulated-token-{secrets.token_urlsafe(24)}"
        if len(self._tokens) >= SIMULATOR_KEPT:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = _Token(client_id, self._now_s() + self.lifetime_s)
        self.issued += 1
        return token

    def holder(self, token: str) -> str | None:
        """Return whose a token is, by client id; None where it is not known, expired or revoked."""
        found = self._tokens.get(token)
        return found.client_id if found is not None and found.expiry_s > self._now_s() else None

    def reset(self) -> None:
        """Be as at the start; the count of those given out goes on."""
        self._tokens.clear()
        self.lifetime_s = 3600

    def revoke(self, client_id: str) -> None:
        """Make every token of a client useless."""
        self._tokens = {text: token for text, token in self._tokens.items() if token.client_id != client_id}

    def revoke_all(self) -> None:
        """Make every token useless that was given out so far."""
        self._tokens.clear()


def describe(url: str) -> Answer:
    """Answer OpenID Connect discovery for the API root `url`."""
    return to_json(
        {
            "issuer": f"{url}/auth",
            "token_endpoint": url + TOKEN_PATH,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["all"],
        }
    )


def answer_token(request: RecordedRequest, secret_of: Callable[[str], str | None], tokens: Tokens) -> Answer:
    """Answer a request at the token endpoint; `secret_of` an id is None where no client has it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or media_type != "application/x-www-form-urlencoded":
        return _decline("invalid_request", "A POST with a form is expected")
    form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return _decline("unsupported_grant_type", "Only client_credentials is supported")
    client_id, secret = _client(request, form)
    expected = secret_of(client_id)
    if expected is None or not is_same(secret, expected):
        return _decline("invalid_client", "Client authentication failed")
    return to_json(
        {
            "access_token": tokens.issue(client_id),
            "token_type": "Bearer",
            "expires_in": tokens.lifetime_s,
            "scope": "all",
        },
        headers={"Cache-Control": "no-store"},
    )


def _client(request: RecordedRequest, form: dict[str, str]) -> tuple[str, str]:
    """Return id and secret from HTTP Basic, where both are form-encoded, or else from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _decline(error: str, description: str) -> Answer:
    return to_json({"error": error, "error_description": description}, status=400)
