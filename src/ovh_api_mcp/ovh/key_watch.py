"""What the API says of a consumer key when the key asks for its own record.

Contract: the key goes to its endpoint alone, signed; what is answered is cut before it is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from ovh_api_mcp.errors import ApiError, NetworkError, cut_foreign, is_transient
from ovh_api_mcp.limits import TOKEN_ANSWER_BYTES
from ovh_api_mcp.ovh.causes import KEY_RECORD_PATH
from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.failures import api_error, is_signature_refused
from ovh_api_mcp.ovh.key_record import parse_key_record
from ovh_api_mcp.ovh.signing import signed_headers
from ovh_api_mcp.ovh.transport import HttpRequest, HttpResponse, Transport

KeyState = Literal[
    "validated", "pending", "ended", "unknown", "refused", "unsigned", "foreign", "unanswered", "failed"
]
"""`refused` is a refusal that does not say why, `unsigned` one of the signature, `foreign` one of the
application key; `unanswered` may be asked again, `failed` need not."""

_ENDED: Final = re.compile(r"expired|refused|denied|revoked", re.IGNORECASE)
_PENDING: Final = re.compile(r"pending|not (?:been )?(?:yet )?validated", re.IGNORECASE)
_UNKNOWN: Final = re.compile(r"not exist|unknown|not found", re.IGNORECASE)
_STATES_BY_WORDS: Final[tuple[tuple[re.Pattern[str], KeyState], ...]] = (
    (_PENDING, "pending"),
    (_ENDED, "ended"),
    (_UNKNOWN, "unknown"),
)
_SAID_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class SeenKey:
    """One look at a key: its state, the API's words for it, and the error where it was one."""

    state: KeyState
    said: str = ""
    error: ApiError | NetworkError | None = None


class KeyWatch:
    """Looks at the key of one set of credentials; `transport` stays its owner's."""

    def __init__(self, transport: Transport, endpoint: Endpoint, credentials: ApplicationCredentials) -> None:
        self._transport = transport
        self._url = endpoint.root + KEY_RECORD_PATH
        self._credentials = credentials
        self._clock = ServerClock(transport, endpoint.root)

    async def look(self) -> SeenKey:
        """Return what the key's own record says of it, or that it is refused."""
        try:
            timestamp = await self._clock.now()
            signed = signed_headers(
                self._credentials, method="GET", url=self._url, body=None, timestamp=timestamp
            )
            response = await self._get(signed)
        except NetworkError as error:
            return SeenKey("unanswered" if is_transient(error) else "failed", error=error)
        if response.status >= 400:
            return _seen_in_refusal(api_error(response))
        status = parse_key_record(response.body).status
        if _ENDED.search(status):
            return SeenKey("ended", cut_foreign(status, _SAID_CHARS))
        return SeenKey("pending" if status == "pendingValidation" else "validated")

    async def is_application_known(self) -> bool:
        """Tell whether the endpoint knows the application key, by asking without a signature.

        Raises NetworkError.
        """
        response = await self._get((("X-Ovh-Application", self._credentials.application_key),))
        return response.status < 400 or api_error(response).error_code != "INVALID_KEY"

    async def aclose(self) -> None:
        """Stop what is being asked."""
        await self._clock.aclose()

    async def _get(self, headers: tuple[tuple[str, str], ...]) -> HttpResponse:
        request = HttpRequest("GET", self._url, (("Accept", "application/json"), *headers))
        return await self._transport.send(request, limit_bytes=TOKEN_ANSWER_BYTES)


def _seen_in_refusal(error: ApiError) -> SeenKey:
    """Return what it tells of a key that it is refused its own record."""
    said = cut_foreign(error.said or error.error_code, _SAID_CHARS)
    if is_signature_refused(error):
        return SeenKey("unsigned", said, error)
    match error.error_code:
        case "INVALID_KEY":
            return SeenKey("foreign", said, error)
        case "NOT_GRANTED_CALL":  # key and signature were good; only the rules lack this route
            return SeenKey("validated", said)
        case "INVALID_CREDENTIAL" | "NOT_CREDENTIAL":
            return SeenKey(_state_in_words(error.said), said, error)
    return SeenKey("unanswered" if is_transient(error) else "failed", said, error)


def _state_in_words(said: str) -> KeyState:
    for words, state in _STATES_BY_WORDS:
        if words.search(said):
            return state
    return "refused"
