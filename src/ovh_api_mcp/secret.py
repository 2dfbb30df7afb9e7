"""Values that must never be shown, and the last line of defence where text leaves the program.

Invariant: the only way to the value of a `Secret` is `reveal()`, so a search for that word finds
every place where a secret is used.
"""

import base64
import json
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar, final
from urllib.parse import quote, quote_plus

from ovh_api_mcp.limits import REDACTED_TOKENS

T = TypeVar("T", bound=str)

MASK = "***"
_SHOWN = 4  # characters
_SHORTEST_SHOWN = 12  # characters of a text whose last ones are of no use to anybody
_SHORTEST_REDACTED = 4  # characters; shorter values would blot out ordinary words


@final
class Secret(Generic[T]):
    """A text that shows itself as `***` in every form of output."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the text itself."""
        return self._value

    def ending(self) -> str:
        """Return the last characters, which tell a long text from others; of a short one nothing."""
        return f"…{self._value[-_SHOWN:]}" if len(self._value) >= _SHORTEST_SHOWN else "…"

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is never pickled")


class Redactor:
    """Replaces known secrets in text, in the spellings they travel in: plain, base64, URL-encoded, in JSON.

    May be used from several threads. Cost: one search of the text per spelling, 1 to 10 ms in 10 MB.
    Not guaranteed: a secret that was cut, split or hashed is not recognised.
    """

    def __init__(self, secrets: Iterable[Secret[str]] = ()) -> None:
        self._lasting: set[str] = set()
        self._tokens: deque[frozenset[str]] = deque(maxlen=REDACTED_TOKENS)
        self._longest_first: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Secret[str]) -> None:
        """Make the text of `secret` and its usual spellings unreadable from now on."""
        self._lasting |= _spellings(secret.reveal())
        self._arrange()

    def add_token(self, token: Secret[str]) -> None:
        """Make a token unreadable until REDACTED_TOKENS newer ones have come."""
        spellings = _spellings(token.reveal())
        if spellings and spellings not in self._tokens:
            self._tokens.append(spellings)
            self._arrange()

    def redact(self, text: str) -> str:
        """Return `text` with every known secret replaced by `***`."""
        # Not one regular expression: over megabytes a search of its own for each is many times faster.
        for spelling in self._longest_first:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text

    def _arrange(self) -> None:
        known = self._lasting.union(*self._tokens)
        self._longest_first = tuple(sorted(known, key=len, reverse=True))


def _spellings(value: str) -> frozenset[str]:
    if len(value) < _SHORTEST_REDACTED:
        return frozenset()
    encoded = base64.b64encode(value.encode()).decode()
    url_safe = base64.urlsafe_b64encode(value.encode()).decode()
    spellings = {value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value), encoded, url_safe}
    return frozenset(spellings | {encoded.rstrip("="), url_safe.rstrip("=")})
