"""The writes of one run: the requests that left this program and may have changed something.

Invariant: a write stands here from before it is sent, and its end from when it is known, so that
the list is whole however the run ends.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, NetworkError, cut_foreign
from ovh_api_mcp.gate.gatekeeper import Send
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.ovh.retry import may_have_been_processed
from ovh_api_mcp.secret import Redactor

_log = logging.getLogger(__name__)
_UNDER_WAY: Final = "under way"
_MAYBE: Final = "may have been processed"
_NOT_SENT: Final = "not sent"
_REST_CHARS: Final = 120  # the line about the writes that are not listed


@dataclass(slots=True)
class _Write:
    """Method and target as sent, and how it ended: a status, or one of the words above."""

    what: str
    end: str = _UNDER_WAY

    @property
    def is_open(self) -> bool:
        return self.end == _UNDER_WAY or self.end.endswith(_MAYBE)


class Writes:
    """Follows the requests of one run; what is listed of them holds no secret that `redactor` knows."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._sent: list[_Write] = []
        self._is_late = False

    def __len__(self) -> int:
        return len(self._sent)

    async def send(self, request: ApiRequest, send: Send, *, account: str = "") -> ApiResponse:
        """Send a request that the gate let through, and remember it where it is a write.

        `account` is its account where there are several.
        """
        if request.method is Method.GET:
            return await send(request)
        # Redacted before it is cut: half a secret would not be recognised afterwards.
        target = cut_foreign(self._redactor.redact(request.target), limits.WRITE_TARGET_CHARS)
        write = _Write(f"{request.method} {target}" + (f" (account {account})" if account else ""))
        self._sent.append(write)
        try:
            return await self._follow(write, request, send)
        finally:
            if self._is_late and write.end != _NOT_SENT:
                _log.warning("event=late-write request=%r end=%r", write.what, write.end)

    async def _follow(self, write: _Write, request: ApiRequest, send: Send) -> ApiResponse:
        try:
            response = await send(request)
        except ApiError as error:
            write.end = f"{error.status}, {_MAYBE}" if may_have_been_processed(error) else str(error.status)
            raise
        except NetworkError as error:
            write.end = _MAYBE if error.may_have_happened else _NOT_SENT
            if not error.may_have_happened:
                self._sent = [other for other in self._sent if other is not write]
            raise
        except BaseException:  # given up by us, too
            write.end = _MAYBE
            raise
        write.end = str(response.status)
        return response

    def tell_late_ends(self) -> None:
        """Log from now on how each write ends: the run is over, and nobody else will hear of it."""
        self._is_late = True

    def after_failure(self, room_chars: int) -> str:
        """Return all writes in their order, in at most `room_chars` characters; "" for none."""
        return _listed("Sent before that:", self._sent, room_chars)

    def after_success(self, room_chars: int) -> str:
        """Return the writes whose end is not known, likewise."""
        return _listed(
            "Sent, but how it ended is not known; look before you repeat it:",
            [write for write in self._sent if write.is_open],
            room_chars,
        )


def _listed(heading: str, writes: Sequence[_Write], room_chars: int) -> str:
    if not writes:
        return ""
    lines = [f"{write.what} → {write.end}" for write in writes]
    room_chars -= len(heading) + 1 + _REST_CHARS
    fitting = sum(1 for used in accumulate(len(line) + 1 for line in lines) if used <= room_chars)
    count = min(fitting, limits.WRITES_LISTED)
    rest = [f"… and {_counted(writes[count:])}"] if count < len(writes) else []
    return "\n".join([heading, *lines[:count], *rest])


def _counted(writes: Sequence[_Write]) -> str:
    """Return how many there are and how they ended, the commonest end first."""
    ends = Counter(write.end for write in writes).most_common(3)
    return f"{len(writes):,} more ({', '.join(f'{number:,} → {end}' for end, number in ends)})"
