"""Decides who is asking and whether they may, as strictly as OVH does.

# Contract: an operation that needs authentication is answered only after `Access.authenticate`
# returned for exactly the request on the wire: raw target, raw body, headers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.account import SimulatedAccount
from ovh_api_mcp.simulator.answers import No, forbidden
from ovh_api_mcp.simulator.consumer_keys import ALL_RIGHTS, ConsumerKey, ConsumerKeys, KeyState
from ovh_api_mcp.simulator.native import Operation
from ovh_api_mcp.simulator.oauth2 import Tokens
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.signature import compute_signature, is_current, is_same


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed in: with a consumer key, or (None) with an OAuth2 token of the client `client_id`."""

    consumer_key: ConsumerKey | None
    client_id: str = ""


class Access:
    """The keys and tokens of the practice account, and the checks of requests against them.

    `missing_actions` are the names of IAM actions that nobody has.
    """

    def __init__(self, account: SimulatedAccount, now_s: Callable[[], float]) -> None:
        self.account = account
        self.now_s = now_s
        self.tokens = Tokens(now_s)
        self.missing_actions: set[str] = set()
        self.consumer_keys = ConsumerKeys(self._first_key())

    def reset(self) -> None:
        """Be as at the start: the practice account's one key, no token, no action missing."""
        self.tokens.reset()
        self.missing_actions.clear()
        self.consumer_keys.reset(self._first_key())

    def _first_key(self) -> ConsumerKey:
        return ConsumerKey(self.account.consumer_key, 1, ALL_RIGHTS, KeyState.VALIDATED, self.now_s())

    def authenticate(self, request: RecordedRequest, operation: Operation, branch: str) -> Caller:
        """Return who is asking; raises `No` where the request is not signed, or not allowed."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            caller = self._check_token(token.strip())
            self._check_actions(operation)
            return caller
        self.check_application(request)
        key = self._check_signature(request)
        path = "/" + request.raw_path.lstrip("/").partition("/")[2]
        if not key.allows(request.method, branch, path):
            details: dict[str, JsonValue] = {}
            if operation.action_names:
                details["unauthorizedActionsByAuthentication"] = ",".join(operation.action_names)
            raise forbidden("This call has not been granted", "NOT_GRANTED_CALL", details)
        self._check_actions(operation)
        key.last_use_s = self.now_s()
        return Caller(key)

    def _check_actions(self, operation: Operation) -> None:
        """Raise `No` where the policies of the account lack an action that the operation needs."""
        missing = [name for name in operation.action_names if name in self.missing_actions]
        if missing:
            raise forbidden(
                "User not granted for this request",
                "NOT_GRANTED_CALL",
                {"unauthorizedActionsByIAM": ",".join(missing)},
            )

    def check_application(self, request: RecordedRequest) -> None:
        """Raise `No` unless the request names the practice application."""
        application = request.headers.get("x-ovh-application")
        if application is None:
            raise forbidden("You must login first", "NOT_CREDENTIAL")
        if not is_same(application, self.account.application_key):
            raise forbidden("This application key is invalid", "INVALID_KEY")

    def _check_signature(self, request: RecordedRequest) -> ConsumerKey:
        given = request.headers.get("x-ovh-consumer")
        if not given:
            raise forbidden("You must login first", "NOT_CREDENTIAL")
        key = self.consumer_keys.find(given)
        if key is None:
            raise forbidden("This credential does not exist", "NOT_CREDENTIAL")
        if key.state is not KeyState.VALIDATED:
            raise forbidden("This credential is not valid", "INVALID_CREDENTIAL")
        if not key.accepts_address(request.client):
            raise forbidden("This credential is not valid from this address", "INVALID_CREDENTIAL")
        timestamp = request.headers.get("x-ovh-timestamp", "")
        expected = compute_signature(
            secret=self.account.application_secret,
            consumer_key=given,
            method=request.method,
            url=request.url,
            body=request.body,
            timestamp=timestamp,
        )
        signature = request.headers.get("x-ovh-signature", "")
        if not (is_current(timestamp, self.now_s()) and is_same(signature, expected)):
            raise No(400, "Invalid signature", error_code="INVALID_SIGNATURE")
        return key

    def _check_token(self, token: str) -> Caller:
        client_id = self.tokens.holder(token)
        if client_id is None:
            message = "This access token is invalid or has expired"
            raise No(401, message, kind="Client::Unauthorized", error_code="INVALID_CREDENTIAL")
        return Caller(None, client_id)
