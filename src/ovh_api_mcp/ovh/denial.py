"""What a refusal of the API is about: who asks, or which rights are missing; no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.errors import ApiError
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.limits import ACTION_CHARS, DENIED_ACTIONS
from ovh_api_mcp.ovh.failures import is_signature_refused

_ACTION: Final = re.compile(rf"[A-Za-z0-9_:./*-]{{1,{ACTION_CHARS}}}")
_ABOUT_RIGHTS: Final = re.compile(
    r"(?i)\b(?:granted|authori[sz]ed|allowed|denied|forbidden|permissions?|rights?|IAM)\b"
)
_CODES: Final = frozenset({"", "FORBIDDEN"})
_ABOUT_CREDENTIALS: Final = frozenset({"NOT_CREDENTIAL", "INVALID_CREDENTIAL", "INVALID_KEY"})


@dataclass(frozen=True, slots=True)
class Denial:
    """The IAM actions that were missing: in no policy, or not covered by the rules of the consumer key.

    Both are empty where the API does not say which; not even that a right is missing is then certain.
    """

    by_iam: tuple[str, ...]
    by_key: tuple[str, ...]
    is_certain: bool


def is_about_credentials(error: ApiError) -> bool:
    """Tell whether the API refuses who asks, not what is asked."""
    return is_signature_refused(error) or error.status == 401 or error.error_code in _ABOUT_CREDENTIALS


def parse_denial(error: ApiError) -> Denial | None:
    """Return what an error says of missing rights; None where it is about something else.

    Source: NOT_GRANTED_CALL stands for the rules of a consumer key; with IAM, the actions are in
    `details`, as texts joined by commas.
    """
    if error.status != 403 or is_about_credentials(error):
        return None
    details = error.details if isinstance(error.details, dict) else {}
    by_iam = _actions(details.get("unauthorizedActionsByIAM"))
    by_key = _actions(details.get("unauthorizedActionsByAuthentication"))
    is_certain = bool(by_iam or by_key) or error.error_code == "NOT_GRANTED_CALL"
    if is_certain or (error.error_code in _CODES and _ABOUT_RIGHTS.search(error.said)):
        return Denial(by_iam, by_key, is_certain)
    return None


def _actions(value: JsonValue) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    named = [each.strip() for text in texts if isinstance(text, str) for each in text.split(",")]
    return tuple(dict.fromkeys(each for each in named if _ACTION.fullmatch(each)))[:DENIED_ACTIONS]
