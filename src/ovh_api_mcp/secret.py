"""Values that must never be shown, and the last line of defence where text leaves the program.

Invariant: the only way to the value of a `Secret` is `reveal()`, so a search for that word finds
every place where a secret is used.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Generic, TypeVar, final
from urllib.parse import quote, quote_plus

T = TypeVar("T", bound=str)

MASK = "***"
_SHORTEST_REDACTED = 4  # shorter values would blot out ordinary words


@final
class Secret(Generic[T]):
    """A text that shows itself as `***` in every form of output."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the text itself."""
        return self._value

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

    Not guaranteed: a secret that was cut, split or hashed is not recognised.
    """

    def __init__(self, secrets: Iterable[Secret[str]] = ()) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Secret[str]) -> None:
        """Make the text of `secret` and its usual spellings unreadable from now on."""
        value = secret.reveal()
        if len(value) < _SHORTEST_REDACTED:
            return
        encoded = base64.b64encode(value.encode()).decode()
        url_safe = base64.urlsafe_b64encode(value.encode()).decode()
        in_json = json.dumps(value)[1:-1]
        spellings = {value, in_json, quote(value, safe=""), quote_plus(value), encoded, url_safe}
        self._values |= spellings | {encoded.rstrip("="), url_safe.rstrip("=")}
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """Return `text` with every known secret replaced by `***`."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)
