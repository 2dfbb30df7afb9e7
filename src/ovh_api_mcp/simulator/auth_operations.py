"""The operations of /v1/auth, which are about keys and not about resources."""

from __future__ import annotations

import html
import ipaddress
from urllib.parse import parse_qs, urlsplit

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator.access import Access, Caller
from ovh_api_mcp.simulator.account import client_urn
from ovh_api_mcp.simulator.answers import Answer, No, forbidden, not_found, to_json
from ovh_api_mcp.simulator.consumer_keys import AccessRule, ConsumerKey, KeyState
from ovh_api_mcp.simulator.recording import RecordedRequest

VALIDATION_PATH = "/auth/sso/api"
_TIME, _CREDENTIAL = ("GET", "/auth/time"), ("POST", "/auth/credential")
_CURRENT, _DETAILS = ("GET", "/auth/currentCredential"), ("GET", "/auth/details")
_LOGOUT = ("POST", "/auth/logout")


class AuthOperations:
    """Answers what no resource answers; the rest of /auth is like any other service."""

    def __init__(self, access: Access, url: str) -> None:
        self._access = access
        self._url = url

    def answer(
        self, route: tuple[str, str], request: RecordedRequest, caller: Caller | None, body: JsonValue
    ) -> Answer | None:
        """Answer a method and path of /auth; None for those that have no meaning of their own."""
        if route == _TIME:
            return to_json(int(self._access.now_s()))
        if route == _CREDENTIAL:
            self._access.check_application(request)
            return to_json(self._request_key(body if isinstance(body, dict) else {}))
        if route == _DETAILS and caller is not None:
            return to_json(self._details(caller))
        if route in (_CURRENT, _LOGOUT) and caller is not None:
            return self._about_key(route, caller)
        return None

    def validate(self, request: RecordedRequest) -> Answer:
        """Accept a consumer key at its address, as the account's owner would after a login."""
        token = parse_qs(request.raw_query).get("credentialToken", [""])[-1]
        key = self._access.consumer_keys.validate(token)
        if key is None:
            raise not_found("This validation token does not exist")
        return Answer(200, _page(key).encode(), content_type="text/html; charset=utf-8")

    def _about_key(self, route: tuple[str, str], caller: Caller) -> Answer:
        key = caller.consumer_key
        if key is None:
            raise forbidden("This call needs a consumer key, not an access token", "FORBIDDEN")
        if route == _CURRENT:
            return to_json(key.to_json())
        self._access.consumer_keys.revoke(key.key)
        return to_json(None)

    def _request_key(self, body: JsonObject) -> JsonObject:
        redirection = body.get("redirection")
        key = self._access.consumer_keys.request(
            _parse_rules(body.get("accessRules")),
            self._access.now_s(),
            redirection=redirection if isinstance(redirection, str) else None,
            allowed_ips=_parse_blocks(body.get("allowedIPs")),
        )
        return {
            "consumerKey": key.key,
            "state": KeyState.PENDING.value,
            "validationUrl": f"{self._url}{VALIDATION_PATH}?credentialToken={key.token}",
        }

    def _details(self, caller: Caller) -> JsonObject:
        account = self._access.account
        key = caller.consumer_key
        routes: list[JsonValue] = [{"method": r.method, "path": r.path} for r in key.rules] if key else []
        return {
            "account": account.nichandle,
            "allowedRoutes": routes if key else None,
            "description": None,
            "identities": [
                f"urn:v1:eu:identity:account:{account.nichandle}"
                if key
                else client_urn(account, caller.client_id)
            ],
            "method": "account" if key else "oauth2_client_credentials",
            "roles": None,
            "user": None,
        }


def _parse_rules(value: JsonValue) -> list[AccessRule]:
    rules = [r for r in value if isinstance(r, dict)] if isinstance(value, list) else []
    parsed = [AccessRule(str(r.get("method", "")), str(r.get("path", ""))) for r in rules]
    if not parsed:
        raise No(400, "[accessRules] At least one rule is required")
    return parsed


def _parse_blocks(value: JsonValue) -> list[str]:
    blocks = [str(block) for block in value] if isinstance(value, list) else []
    try:
        return [str(ipaddress.ip_network(block, strict=False)) for block in blocks]
    except ValueError:
        raise No(400, "[allowedIPs] Given data is not valid for type ipBlock") from None


def _page(key: ConsumerKey) -> str:
    """Return the page that a person sees after accepting a key; it links back where they came from."""
    back = ""
    if key.redirection and urlsplit(key.redirection).scheme in ("http", "https"):
        back = f'<p><a href="{html.escape(key.redirection)}">Go on</a></p>'
    return (
        "<!doctype html><meta charset=utf-8><title>Simulated OVH</title>"
        f"<p>This practice key is {key.state.value}. Nothing real was granted.</p>{back}"
    )
