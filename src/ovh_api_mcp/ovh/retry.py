"""When a request is sent again, as one table; no I/O.

Contract: a write that may have been processed is never sent again. What is in no rule is not repeated.
Source: RFC 9110, sections 9.2.2 and 10.2.3; the statuses that OVHcloud's users report as sporadic.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, NetworkError, OvhMcpError
from ovh_api_mcp.limits import (
    RETRY_AFTER_MAX_S,
    RETRY_ATTEMPTS,
    RETRY_ATTEMPTS_PACED,
    RETRY_WAIT_MAX_S,
    RETRY_WAIT_S,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Whether reads and writes are sent again after something went wrong, and why so; how often at most."""

    reads: bool
    writes: bool
    why: str
    attempts: int = RETRY_ATTEMPTS


_NEVER: Final = Rule(reads=False, writes=False, why="asking again gives the same, or was not asked for")
# By the code of a NetworkError, or the status of an ApiError.
RULES: Final[Mapping[str | int, Rule]] = {
    "connect-failed": Rule(reads=True, writes=True, why="no connection, so nothing was sent"),
    "connect-timeout": Rule(reads=True, writes=True, why="no connection, so nothing was sent"),
    "authentication-unavailable": Rule(reads=True, writes=True, why="failed before the request was sent"),
    "connection-lost": Rule(reads=True, writes=False, why="a write may have been processed"),
    "protocol-error": Rule(reads=True, writes=False, why="a write may have been processed"),
    "read-timeout": Rule(reads=False, writes=False, why="the time is used up"),
    429: Rule(reads=True, writes=True, why="refused before it was processed", attempts=RETRY_ATTEMPTS_PACED),
    500: Rule(reads=True, writes=False, why="a write may have been processed"),
    502: Rule(reads=True, writes=False, why="what stands between lost the answer"),
    503: Rule(reads=True, writes=False, why="a write may have been processed"),
    504: Rule(reads=True, writes=False, why="what stands between lost the answer"),
}
LOOK_FIRST: Final = "The call may have been processed all the same: look before you repeat it."
_POSSIBLY_PROCESSED: Final = frozenset({408, 500, 501, 502, 503, 504})


def may_be_repeated(error: BaseException, method: Method) -> bool:
    """Tell whether a request of `method` that ended like this may be sent once more."""
    if not isinstance(error, NetworkError | ApiError):
        return False
    rule = _rule(error)
    # The table and what is known of this very request have to agree on a write.
    return rule.reads if method is Method.GET else rule.writes and not may_have_been_processed(error)


def attempts_at_most(error: BaseException) -> int:
    """Return how often a request that ended like this is tried in all."""
    return _rule(error).attempts


def _rule(error: BaseException) -> Rule:
    match error:
        case NetworkError():
            return RULES.get(error.code, _NEVER)
        case ApiError():
            return RULES.get(error.status, _NEVER)
    return _NEVER


def may_have_been_processed(error: OvhMcpError) -> bool:
    """Tell whether a write that ended like this may have happened all the same."""
    match error:
        case NetworkError():
            return error.may_have_happened
        case ApiError():
            return error.status in _POSSIBLY_PROCESSED or error.status > 504
    return False


def wait_s(error: BaseException, attempt: int) -> float:
    """Return how long to wait before attempt `attempt` + 1 (from 1), with jitter.

    What the API names in Retry-After is waited for in full, and a little more.
    """
    random_part = random.random()  # noqa: S311  # spreads requests, hides nothing
    if isinstance(error, OvhMcpError) and error.retry_after_s is not None:
        return error.retry_after_s + random_part * RETRY_WAIT_S
    longest_s = min(RETRY_WAIT_S * 2.0 ** (attempt - 1), RETRY_WAIT_MAX_S)
    return longest_s / 2 + random_part * longest_s / 2


def parse_retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After header, which may also be a date; None for what is neither."""
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) < 8:
        return min(float(text), RETRY_AFTER_MAX_S)
    try:
        at = parsedate_to_datetime(text)
        left_s = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(left_s, 0.0), RETRY_AFTER_MAX_S)
